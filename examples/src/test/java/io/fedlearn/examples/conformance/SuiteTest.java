package io.fedlearn.examples.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.examples.console.ProgressStyle;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

final class SuiteTest {
    private static final Set<String> CLOSED_FORMS = Set.of("fixed-points", "fedadam-bias", "krum-distances");

    @Test
    void rowsHaveNamesOfTheirExperimentsAndNoNameTwice() {
        List<String> names = Suite.experiments().stream()
                .flatMap(experiment -> experiment.claims().stream()
                        .peek(claim -> assertThat(claim.name()).startsWith(experiment.name() + "/"))
                        .map(Claim::name))
                .toList();
        assertThat(names).doesNotHaveDuplicates().hasSizeGreaterThan(20);
        assertThat(Suite.experiments().stream().map(Experiment::name)).doesNotHaveDuplicates();
    }

    @Test
    void everyClaimSaysWhereItIsFromAndWhenItPasses() {
        for (Experiment experiment : Suite.experiments()) {
            assertThat(experiment.description()).isNotBlank();
            assertThat(experiment.claims()).isNotEmpty().allSatisfy(claim -> {
                assertThat(claim.source()).isNotBlank();
                assertThat(claim.published()).isNotBlank();
                assertThat(claim.rule()).isNotBlank();
            });
        }
    }

    @Test
    void closedFormsHold() throws InterruptedException {
        Bench bench = new Bench(new PrintWriter(new StringWriter()), ProgressStyle.PLAIN, Optional.empty(), 1, 2);
        for (Experiment experiment : Suite.experiments()) {
            if (CLOSED_FORMS.contains(experiment.name())) {
                List<Row> rows = experiment.run(bench);
                assertThat(rows.stream().map(Row::claim)).containsExactlyElementsOf(experiment.claims());
                assertThat(rows.stream()
                                .filter(row -> row.verdict() != Verdict.PASS)
                                .map(Row::toString)
                                .collect(Collectors.joining("\n")))
                        .isEmpty();
            }
        }
    }
}
