package io.fedlearn.examples.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class RowTableTest {
    private static final Claim CLAIM = new Claim(
            "fedprox/gap",
            "a source whose name is longer than its column and so has to go on in the next line",
            "+22 points",
            "at least +10 points");

    @Test
    void cellsGoOnInTheNextLineUnderTheirHeader() {
        List<String> lines = RowTable.lines(List.of(CLAIM.measured(true, "%+.1f points", 25.8)));
        assertThat(lines.get(2)).contains("fedprox/gap", "a source whose name is longer", "+25.8 points", "PASS");
        int source = lines.get(0).indexOf("source");
        assertThat(lines.get(3).substring(source)).startsWith("than its column");
        assertThat(lines.get(4).substring(source)).startsWith("go on in the next line");
        assertThat(lines).allSatisfy(line -> assertThat(line).hasSizeLessThan(173));
    }

    @Test
    void skippedRowsSayWhy() {
        String line = RowTable.lines(List.of(CLAIM.skipped("--fast"))).get(2);
        assertThat(line).contains("  -  ").contains("SKIPPED");
        assertThat(String.join(" ", RowTable.lines(List.of(CLAIM.skipped("--fast")))))
                .contains("(--fast)");
    }

    @Test
    void aFailedRowSaysSo() {
        assertThat(RowTable.lines(List.of(CLAIM.measured(false, "less"))).get(2))
                .endsWith("FAIL");
    }
}
