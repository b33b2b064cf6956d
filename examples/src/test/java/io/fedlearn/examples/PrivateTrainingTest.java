package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.files.FilePrivacyLedger;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code --dp-epsilon} and what belongs to it. */
final class PrivateTrainingTest {
    private static final String EPSILON = "siteEpsilon";

    @TempDir
    private Path folder;

    private Path out() {
        return folder.resolve("run");
    }

    private Outcome heart(Object... more) {
        return Outcome.of(Stream.concat(Stream.of("heart", "--rounds", 3, "--out", out()), Stream.of(more))
                .toArray());
    }

    private JsonNode rounds() throws IOException {
        return new ObjectMapper()
                .readTree(out().resolve("history.json").toFile())
                .get("rounds");
    }

    @Test
    void protectsPatientsUnlessToldOtherwise() throws IOException {
        Outcome outcome = heart("--dp-epsilon", 4, "--dp-delta", "1e-3").done();
        assertThat(outcome.out())
                .contains("PRIVATE: protects each patient, with epsilon 4.0 at delta 0.001 for the whole run")
                .contains("the coordinator included")
                .containsPattern(
                        "privacy spent: epsilon (4\\.0000|3\\.9[0-9]+) of 4\\.0 at delta 0\\.001, per patient");
        for (JsonNode client : rounds().get(2).get("outcomes")) {
            JsonNode metrics = client.get("metrics");
            assertThat(metrics.get(EPSILON).asDouble()).isBetween(3.9, 4.0);
            assertThat(metrics.has("loss")).isFalse();
            assertThat(client.get("exampleCount").asLong() % 10).isZero();
        }
        for (String hospital : List.of("cleveland", "hungarian", "switzerland", "va")) {
            List<LedgerEntry> entries =
                    FilePrivacyLedger.read(out().resolve("privacy").resolve(hospital + ".jsonl"));
            assertThat(entries).hasSize(3);
            assertThat(entries.get(0).charge().mechanism())
                    .contains("poisson-sampled")
                    .contains("gaussian");
        }
        assertThat(Files.readString(out().resolve("report.html")))
                .contains("Privacy", "each patient", "AUC by epsilon spent", "Outside this guarantee")
                .doesNotContain("NaN");
    }

    @Test
    void clientsAreProtectedByNoiseAtTheCoordinatorWithAWarningWhereTheyAreFew() throws IOException {
        Outcome outcome = heart("--dp-epsilon", 8, "--dp-unit", "client").done();
        assertThat(outcome.out())
                .contains("PRIVATE: protects each client with all its training data, with epsilon 8.0 at delta 1.0E-5")
                .contains("Warning: the noise on a round's mean is expected to be")
                .contains("privacy spent: epsilon");
        for (JsonNode round : rounds()) {
            assertThat(round.get("outcomes")).isEmpty();
            assertThat(round.get("trainMetrics")).isEmpty();
            assertThat(round.get("clients")).isEmpty();
            assertThat(round.get("privacySpent").get("epsilon").asDouble()).isBetween(0.1, 8.0);
        }
        assertThat(FilePrivacyLedger.read(out().resolve("privacy").resolve("clients.jsonl")))
                .hasSize(3);
    }

    @Test
    void laterRunOnTheSameLedgerIsRefusedWhatIsSpent() {
        Path ledgers = folder.resolve("ledgers");
        heart("--dp-epsilon", 4, "--dp-ledger", ledgers).done();
        Outcome again = Outcome.of(
                "heart", "--rounds", 3, "--out", folder.resolve("again"), "--dp-epsilon", 4, "--dp-ledger", ledgers);
        assertThat(again.exitCode()).isEqualTo(1);
        assertThat(again.err()).contains("the site's privacy budget does not allow");
        assertThat(again.out()).doesNotContain("model digest");
    }

    @Test
    void saysSoAndReportsNothingWhereTheBudgetLeavesNoRound() {
        Path ledgers = folder.resolve("ledgers");
        heart("--dp-epsilon", 8, "--dp-unit", "client", "--dp-ledger", ledgers).done();
        Path again = folder.resolve("again");
        Outcome outcome = Outcome.of(
                "heart",
                "--rounds",
                3,
                "--out",
                again,
                "--dp-epsilon",
                8,
                "--dp-unit",
                "client",
                "--dp-ledger",
                ledgers);
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err())
                .contains("no round was trained: what the ledger in " + ledgers + " holds leaves no room for one");
        assertThat(again.resolve("report.html")).doesNotExist();
    }

    @Test
    void saysWhyALedgerTakesNoOtherNoise() {
        Path ledgers = folder.resolve("ledgers");
        heart("--dp-epsilon", 4, "--dp-ledger", ledgers).done();
        Outcome other = Outcome.of(
                "heart", "--rounds", 3, "--out", folder.resolve("again"), "--dp-epsilon", 8, "--dp-ledger", ledgers);
        assertThat(other.exitCode()).isEqualTo(1);
        assertThat(other.err()).contains("the site's privacy budget cannot weigh", "holds for no other event");
    }

    @Test
    void refusesAMethodThatTellsMoreThanAMean() {
        Outcome outcome = heart("--dp-epsilon", 8, "--dp-unit", "client", "--strategy", "scaffold");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("--dp-unit client", "SCAFFOLD cannot be made private");
    }

    @ParameterizedTest
    @CsvSource({
        "--dp-epsilon=0, '--dp-epsilon must be > 0 and finite, was 0.0'",
        "--dp-epsilon=NaN, '--dp-epsilon must be > 0 and finite, was NaN'",
        "--dp-epsilon=1 --dp-delta=0, '--dp-delta must be in (0, 1), was 0.0'",
        "--dp-epsilon=1 --dp-delta=1, '--dp-delta must be in (0, 1), was 1.0'",
        "--dp-epsilon=1 --dp-clip=-1, '--dp-clip must be > 0 and finite, was -1.0'",
        "--dp-epsilon=1 --compare, '--compare trains without noise'",
        "--dp-unit=client, '--dp-delta, --dp-unit, --dp-clip and --dp-ledger need --dp-epsilon'",
        "--dp-delta=1e-6, '--dp-delta, --dp-unit, --dp-clip and --dp-ledger need --dp-epsilon'",
        "--dp-clip=2, '--dp-delta, --dp-unit, --dp-clip and --dp-ledger need --dp-epsilon'",
        "--dp-epsilon=1 --dp-unit=village, 'village'",
    })
    void refusesWhatPromisesNothing(String options, String message) {
        Outcome outcome = heart((Object[]) options.split(" "));
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains(message);
        assertThat(out()).doesNotExist();
    }
}
