package io.fedlearn.examples.luna16;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AblationTableTest {
    @TempDir
    private Path folder;

    private static ScoreFile scores(double auc, double cpm, double flippedCpm) {
        ScoreFile.Figures plain =
                new ScoreFile.Figures(OptionalDouble.of(auc), OptionalDouble.of(cpm), Map.of(0.125, 0.5));
        Map<Integer, ScoreFile.Figures> figures = Double.isNaN(flippedCpm)
                ? Map.of(1, plain)
                : Map.of(
                        1,
                        plain,
                        8,
                        new ScoreFile.Figures(OptionalDouble.empty(), OptionalDouble.of(flippedCpm), Map.of()));
        return new ScoreFile("digest", 3, 12, 4, 50, 6, figures);
    }

    private static AblationTable table() {
        Map<String, List<String>> rows = new LinkedHashMap<>();
        rows.put("baseline", List.of("--flips"));
        rows.put("cosine", List.of("--learning-rate-schedule", "cosine"));
        return new AblationTable(rows, List.of(1L, 2L, 3L));
    }

    @Test
    void givesMeanAndSpreadAndDifferencesSeedBySeed() {
        AblationTable table = table();
        table.add("baseline", 1, scores(0.8, 0.4, 0.5));
        table.add("baseline", 2, scores(0.9, 0.6, 0.6));
        table.add("cosine", 1, scores(0.85, 0.3, Double.NaN));
        table.add("cosine", 2, scores(0.95, 0.3, Double.NaN));

        // The spread of two is their distance over the root of two.
        assertThat(table.toLines())
                .containsSequence(
                        "| baseline |  | 0.8500 ± 0.0707 | 0.5000 ± 0.1414 | – | – | 12 | 2 of 3 |",
                        "| flips | `baseline`, scored with `--flips` | – | 0.5500 ± 0.0707 | – | +0.0500 ± 0.0707 | 12 |"
                                + " 2 of 3 |",
                        "| cosine | `--learning-rate-schedule cosine` | 0.9000 ± 0.0707 | 0.3000 ± 0.0000 | +0.0500 ±"
                                + " 0.0000 | -0.2000 ± 0.1414 | 12 | 2 of 3 |");
    }

    @Test
    void comparesOnlySeedsThatBothHave() {
        AblationTable table = table();
        table.add("baseline", 1, scores(0.8, 0.4, Double.NaN));
        table.add("cosine", 2, scores(0.9, 0.4, Double.NaN));
        assertThat(table.toLines())
                .contains("| cosine | `--learning-rate-schedule cosine` | 0.9000 | 0.4000 | – | – | 12 | 1 of 3 |");
    }

    @Test
    void showsRowsThatAreToCome() throws Exception {
        AblationTable table = table();
        table.add("baseline", 3, scores(0.8, 0.4, Double.NaN));
        table.write(folder);
        assertThat(Files.readAllLines(folder.resolve(AblationTable.MARKDOWN)))
                .contains("| cosine | `--learning-rate-schedule cosine` | – | – | – | – | – | 0 of 3 |");
        assertThat(Files.readAllLines(folder.resolve(AblationTable.CSV)))
                .containsExactly(
                        "row,seed,mirrorImages,auc,cpm,rounds,seconds,scans,candidates,nodules,model",
                        "baseline,3,1,0.8,0.4,3,12.0,4,50,6,digest");
    }

    @Test
    void figuresAreReadAsTheyWereWritten() throws Exception {
        ScoreFile written = scores(0.8, 0.4, 0.5);
        written.write(folder);
        assertThat(ScoreFile.read(folder)).contains(written);
        assertThat(written.best().cpm()).hasValue(0.5);
        assertThat(ScoreFile.read(folder.resolve("nowhere"))).isEmpty();
    }
}
