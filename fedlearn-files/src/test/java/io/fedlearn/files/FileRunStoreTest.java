package io.fedlearn.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.Retention;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.formats.safetensors.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileRunStoreTest {
    @TempDir
    private Path directory;

    private Path run() {
        return directory.resolve("runs").resolve("heart");
    }

    private List<Integer> keptRounds() throws IOException {
        try (Stream<Path> paths = Files.list(run().resolve("rounds"))) {
            return paths.map(path -> Integer.parseInt(path.getFileName().toString()))
                    .sorted()
                    .toList();
        }
    }

    private JsonNode history() throws IOException {
        return new ObjectMapper().readTree(run().resolve("history.json").toFile());
    }

    @Test
    void holdsNoRunAtFirstAndCreatesNothing() {
        try (FileRunStore store = FileRunStore.at(run())) {
            assertThat(store.load()).isEmpty();
            assertThat(store.model(0)).isEmpty();
        }
        assertThat(run()).doesNotExist();
    }

    @Test
    void loadsWhatWasCommitted() {
        for (int rounds : List.of(0, 1, 4)) {
            Path run = directory.resolve("run" + rounds);
            Runs.write(FileRunStore.builder(run), rounds);
            try (FileRunStore store = FileRunStore.at(run)) {
                SavedRun saved = store.load().orElseThrow();
                assertThat(saved.header()).isEqualTo(Runs.header());
                assertThat(saved.latest()).isEqualTo(Runs.expected(rounds));
                assertThat(saved.records()).isEqualTo(Runs.expectedRecords(rounds));
                assertThat(saved.notices()).isEmpty();
                assertThat(store.load()).contains(saved);
            }
        }
    }

    @Test
    void goesOnAfterALoad() {
        Runs.write(FileRunStore.builder(run()), 3);
        try (FileRunStore store = FileRunStore.at(run())) {
            Runs.commit(store, 4);
            Runs.commit(store, 5);
            assertThat(store.load().orElseThrow().records()).isEqualTo(Runs.expectedRecords(5));
        }
    }

    @Test
    void keepsRecordsOfRoundsWhoseValuesAreNotFiniteOut() {
        RoundRecord good = Runs.record(1, Runs.model(1, 7).digest());
        RoundRecord bad = new RoundRecord(
                1,
                Optional.empty(),
                good.seed(),
                good.strategy(),
                good.settings(),
                good.clientConfig(),
                good.baseDigest(),
                good.modelDigest(),
                good.cohort(),
                good.outcomes(),
                good.trainMetrics(),
                good.evaluation(),
                good.lateUpdates(),
                good.privacySpent(),
                good.auditHead(),
                good.libraryVersion(),
                good.startedAt(),
                Double.NaN);
        try (FileRunStore store = FileRunStore.at(run())) {
            store.create(Runs.header(), Runs.initial());
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> store.commit(
                            new Checkpoint(1, Runs.model(1, 7), Runs.initial().states(), Optional.of(bad)), false))
                    .withMessage("a record's 'seconds' must be finite, was NaN");
            Runs.commit(store, 1);
        }
    }

    @Test
    void refusesASecondRun() {
        Runs.write(FileRunStore.builder(run()), 1);
        try (FileRunStore store = FileRunStore.at(run())) {
            assertThatThrownBy(() -> store.create(Runs.header(), Runs.initial()))
                    .isInstanceOf(RunStoreException.class)
                    .hasMessageContaining(run().toString())
                    .hasMessageContaining("holds run run \u00e4 7 already");
            assertThat(store.load().orElseThrow().latest()).isEqualTo(Runs.expected(1));
        }
    }

    @Test
    void refusesRoundsOutOfOrder() {
        try (FileRunStore store = FileRunStore.at(run())) {
            assertThatThrownBy(() -> Runs.commit(store, 1))
                    .isInstanceOf(RunStoreException.class)
                    .hasMessageContaining("holds no run");
            store.create(Runs.header(), Runs.initial());
            Runs.commit(store, 1);
            for (int round : List.of(1, 3)) {
                assertThatThrownBy(() -> Runs.commit(store, round))
                        .isInstanceOf(RunStoreException.class)
                        .hasMessageContaining("round 2 must be committed next")
                        .hasMessageContaining("was " + round);
            }
            assertThat(store.load().orElseThrow().latest()).isEqualTo(Runs.expected(1));
        }
    }

    @Test
    void refusesARecordOfAnotherModel() {
        try (FileRunStore store = FileRunStore.at(run())) {
            store.create(Runs.header(), Runs.initial());
            Checkpoint wrong = new Checkpoint(
                    1, Runs.model(1, 7), Runs.initial().states(), Optional.of(Runs.record(1, "another digest")));
            assertThatIllegalArgumentException().isThrownBy(() -> store.commit(wrong, false));
        }
    }

    @Test
    void refusesToWorkOnceClosed() {
        FileRunStore store = FileRunStore.at(run());
        store.create(Runs.header(), Runs.initial());
        store.close();
        store.close();
        assertThatIllegalStateException().isThrownBy(store::load);
        assertThatIllegalStateException().isThrownBy(() -> Runs.commit(store, 1));
        assertThatIllegalStateException().isThrownBy(() -> store.model(0));
    }

    @Test
    void letsOneStoreAtATimeHaveTheRun() {
        try (FileRunStore second = FileRunStore.at(run())) {
            try (FileRunStore first = FileRunStore.at(run())) {
                first.create(Runs.header(), Runs.initial());
                assertThatThrownBy(second::load)
                        .isInstanceOf(RunStoreException.class)
                        .hasMessage("the run in " + run() + " cannot be used: it is open in this process already");
                Runs.commit(first, 1);
            }
            assertThat(second.load().orElseThrow().latest()).isEqualTo(Runs.expected(1));
        }
    }

    @Test
    void keepsTheLatestTwoAndTheBest() throws IOException {
        Runs.write(FileRunStore.builder(run()), 7);
        assertThat(keptRounds()).containsExactly(3, 6, 7);
        try (FileRunStore store = FileRunStore.at(run())) {
            for (int round : List.of(3, 6, 7)) {
                assertThat(store.model(round)).contains(Runs.model(round, 7));
            }
            for (int round : List.of(-1, 0, 2, 5, 8)) {
                assertThat(store.model(round)).isEmpty();
            }
        }
    }

    @Test
    void keepsTheBestOfBeforeAsLongAsTheNewBestIsTheLatest() throws IOException {
        // Should the checkpoint of round 6 turn out damaged, 3 is the best again.
        try (FileRunStore store = FileRunStore.at(run())) {
            store.create(Runs.header(), Runs.initial());
            for (int round = 1; round <= 6; round++) {
                store.commit(Runs.checkpoint(round), round == 3 || round == 6);
            }
            assertThat(keptRounds()).containsExactly(3, 5, 6);
            Runs.commit(store, 7);
            assertThat(keptRounds()).containsExactly(6, 7);
        }
    }

    @Test
    void keepsMoreIfAskedTo() throws IOException {
        Runs.write(FileRunStore.builder(run()).retention(Retention.every(4)), 10);
        assertThat(keptRounds()).containsExactly(0, 3, 4, 8, 9, 10);
        Runs.delete(run());
        Runs.write(FileRunStore.builder(run()).retention(Retention.all()), 5);
        assertThat(keptRounds()).containsExactly(0, 1, 2, 3, 4, 5);
    }

    @Test
    void leavesLargeModelsInTheirFile() {
        Runs.write(FileRunStore.builder(run()), 2);
        try (FileRunStore heap = FileRunStore.at(run())) {
            assertThat(heap.load().orElseThrow().latest().model().heapBytes()).isPositive();
        }
        Model model;
        try (FileRunStore store =
                FileRunStore.builder(run()).maxHeapModelBytes(0).build()) {
            Checkpoint latest = store.load().orElseThrow().latest();
            model = latest.model();
            assertThat(model.heapBytes()).isZero();
            assertThat(latest).isEqualTo(Runs.expected(2));
            IntStream.rangeClosed(3, 6).forEach(round -> Runs.commit(store, round));
        }
        // The file is deleted by now.
        assertThat(model).isEqualTo(Runs.model(2, 7));
    }

    @Test
    void publishesTheLatestAndTheBestModel() throws IOException {
        try (FileRunStore store = FileRunStore.at(run())) {
            store.create(Runs.header(), Runs.initial());
            assertThat(Safetensors.read(run().resolve("model.safetensors"))
                            .verify()
                            .model())
                    .isEqualTo(Runs.model(0, 7));
            assertThat(run().resolve("best.safetensors")).doesNotExist();
            IntStream.rangeClosed(1, 5).forEach(round -> Runs.commit(store, round));
            assertThat(Safetensors.read(run().resolve("model.safetensors"))
                            .verify()
                            .model())
                    .isEqualTo(Runs.model(5, 7));
            assertThat(Safetensors.read(run().resolve("best.safetensors"))
                            .verify()
                            .model())
                    .isEqualTo(Runs.model(3, 7));
        }
    }

    @Test
    void writesAHistoryForPrograms() throws IOException {
        Runs.write(FileRunStore.builder(run()), 3);
        JsonNode history = history();
        assertThat(history.path("schema").textValue()).isEqualTo("fedlearn-history/1");
        assertThat(history.path("run").path("schema").textValue()).isEqualTo("fedlearn-run/1");
        assertThat(history.path("run").path("runId").textValue()).isEqualTo("run \u00e4 7");
        assertThat(history.path("run").path("seed").longValue()).isEqualTo(Long.MIN_VALUE + 1);
        assertThat(history.path("run").path("settings").path("whole").longValue())
                .isEqualTo(Long.MAX_VALUE);
        assertThat(history.path("latestRound").intValue()).isEqualTo(3);
        assertThat(history.path("bestRound").intValue()).isEqualTo(3);
        assertThat(history.path("rounds")).hasSize(3);
        assertThat(history.path("rounds").findValuesAsText("round")).containsExactly("1", "2", "3");
        JsonNode second = history.path("rounds").get(1);
        assertThat(second.path("status").textValue()).isEqualTo("completed");
        assertThat(second.has("abortReason")).isFalse();
        assertThat(second.path("metrics").path("auc").doubleValue()).isEqualTo(0.52);
        assertThat(second.path("clients").get(0).path("clientId").textValue()).isEqualTo("site-a");
        assertThat(second.path("clients").get(0).path("metrics").path("loss").doubleValue())
                .isEqualTo(0.5);
        assertThat(second.path("outcomes").get(1).path("outcome").textValue()).isEqualTo("rejected");
        assertThat(second.path("outcomes").get(0).path("weight").doubleValue()).isEqualTo(0.75);
        assertThat(second.path("cohort").get(1).textValue()).isEqualTo("\u30b5\u30a4\u30c8");
        assertThat(second.path("modelDigest").textValue())
                .isEqualTo(Runs.model(2, 7).digest());
        assertThat(second.path("auditHead").path("sequence").longValue()).isEqualTo(2);
        assertThat(second.path("startedAt").textValue()).isEqualTo("2025-03-01T10:15:32.123456789Z");
        JsonNode third = history.path("rounds").get(2);
        assertThat(third.path("status").textValue()).isEqualTo("aborted");
        assertThat(third.path("abortReason").textValue()).isEqualTo("1 of 2 clients answered");
        assertThat(third.path("privacySpent").path("epsilon").doubleValue()).isEqualTo(1.5);
    }

    @Test
    void writesAHistoryOfARunWithoutRounds() throws IOException {
        Runs.write(FileRunStore.builder(run()), 0);
        assertThat(history().path("rounds").isArray()).isTrue();
        assertThat(history().path("rounds")).isEmpty();
        assertThat(history().has("bestRound")).isFalse();
    }

    @Test
    void rewritesTheHistoryAtMostOnceInAnInterval() throws IOException {
        AtomicLong now = new AtomicLong(17);
        try (FileRunStore store = FileRunStore.builder(run())
                .historyInterval(Duration.ofSeconds(5))
                .nanoTime(now::get)
                .build()) {
            store.create(Runs.header(), Runs.initial());
            now.addAndGet(Duration.ofSeconds(4).toNanos());
            Runs.commit(store, 1);
            assertThat(history().path("latestRound").intValue()).isZero();
            now.addAndGet(Duration.ofSeconds(1).toNanos());
            Runs.commit(store, 2);
            assertThat(history().path("latestRound").intValue()).isEqualTo(2);
            Runs.commit(store, 3);
            assertThat(history().path("latestRound").intValue()).isEqualTo(2);
        }
        assertThat(history().path("latestRound").intValue()).isEqualTo(3);
        assertThat(history().path("rounds")).hasSize(3);
    }

    @Test
    void copiesAHistoryLargerThanABlock() throws IOException {
        String reason = "x".repeat(100_000);
        try (FileRunStore store = FileRunStore.at(run())) {
            store.create(Runs.header(), Runs.initial());
            for (int round = 1; round <= 5; round++) {
                Model model = Runs.model(round, 7);
                RoundRecord record = Runs.record(round, model.digest(), reason.substring(round * 1000));
                store.commit(new Checkpoint(round, model, Runs.initial().states(), Optional.of(record)), false);
            }
        }
        assertThat(history().path("rounds").findValuesAsText("round")).containsExactly("1", "2", "3", "4", "5");
    }

    @Test
    void isNotDisturbedByAnInterruptedThread() {
        try (FileRunStore store = FileRunStore.at(run())) {
            store.create(Runs.header(), Runs.initial());
            Thread.currentThread().interrupt();
            Runs.commit(store, 1);
            Runs.commit(store, 2);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(store.load().orElseThrow().latest()).isEqualTo(Runs.expected(2));
        }
    }

    @Test
    void namesAPathThatIsNoDirectory() throws IOException {
        Path file = directory.resolve("file");
        Files.createFile(file);
        for (Path path : List.of(file, file.resolve("run"))) {
            try (FileRunStore store = FileRunStore.at(path)) {
                assertThatThrownBy(() -> store.create(Runs.header(), Runs.initial()))
                        .isInstanceOf(RunStoreException.class)
                        .hasMessageContaining(file.toString());
            }
        }
        try (FileRunStore store = FileRunStore.at(file)) {
            assertThatThrownBy(store::load)
                    .isInstanceOf(RunStoreException.class)
                    .hasMessageContaining(file + ": is in the way");
        }
    }

    @Test
    void rejectsSettingsOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Retention.every(0))
                .withMessageContaining("rounds");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FileRunStore.builder(run()).maxHeapModelBytes(-1))
                .withMessageContaining("maxHeapModelBytes");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FileRunStore.builder(run()).historyInterval(Duration.ofNanos(-1)))
                .withMessageContaining("historyInterval");
        try (FileRunStore store = FileRunStore.at(run())) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> store.create(Runs.header(), Runs.checkpoint(1)))
                    .withMessageContaining("round 0");
        }
    }
}
