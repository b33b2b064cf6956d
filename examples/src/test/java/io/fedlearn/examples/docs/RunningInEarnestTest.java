package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.EarlyStopping;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Goal;
import io.fedlearn.core.federation.QuorumNotReachedException;
import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.federation.RoundPolicy;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.federation.StopReason;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.store.Retention;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.files.AuditVerifier;
import io.fedlearn.files.FileAuditLog;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.formats.audit.AuditReport;
import io.fedlearn.testkit.fault.Fault;
import io.fedlearn.testkit.fault.FaultyClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Code of {@code docs/running-in-earnest.md}. */
final class RunningInEarnestTest {
    @TempDir
    Path folder;

    private final Map<String, Client> hospitals = Hospitals.all();
    private final Model initialModel = Hospitals.initialModel();

    private Federation.Builder federation() {
        return Federation.of(hospitals).strategy(FedAvg.create()).initialModel(initialModel);
    }

    // tag::resume[]
    Run trainOrGoOn(Path runFolder, int rounds) throws InterruptedException {
        return Federation.of(hospitals)
                .strategy(FedAvg.create())
                .initialModel(initialModel)
                .seed(42)
                .rounds(rounds)
                .store(FileRunStore.at(runFolder))
                .resume(true)
                .run();
    }
    // end::resume[]

    @Test
    void goesOnWhereItStopped() throws Exception {
        trainOrGoOn(folder.resolve("cut"), 2);
        Run resumed = trainOrGoOn(folder.resolve("cut"), 5);
        Run again = trainOrGoOn(folder.resolve("cut"), 5);
        Run undisturbed = trainOrGoOn(folder.resolve("whole"), 5);

        assertThat(resumed.records()).hasSize(5);
        assertThat(again.records()).isEqualTo(resumed.records());
        assertThat(resumed.model().digest()).isEqualTo(undisturbed.model().digest());
        assertThatThrownBy(() -> federation()
                        .seed(43)
                        .store(FileRunStore.at(folder.resolve("cut")))
                        .resume(true)
                        .run())
                .hasMessageContaining("seed was 42, is now 43");
    }

    @Test
    void keepsMoreCheckpoints() throws Exception {
        // tag::retention[]
        FileRunStore store = FileRunStore.builder(folder.resolve("heart"))
                .retention(Retention.every(5))
                .build();
        // end::retention[]
        federation().store(store).run();
        try (var rounds = Files.list(folder.resolve("heart").resolve("rounds"))) {
            assertThat(rounds.map(path -> path.getFileName().toString()))
                    .contains("000000", "000005", "000009", "000010")
                    .doesNotContain("000004");
        }
    }

    @Test
    void setsQuorumAndDeadlines() throws Exception {
        // tag::policy[]
        RoundPolicy policy = RoundPolicy.defaults()
                .withQuorum(2)
                .withClientDeadline(Duration.ofMinutes(30))
                .withRoundDeadline(Duration.ofHours(2))
                .withToleratedAborts(3);
        // end::policy[]
        hospitals.computeIfPresent(
                "west", (id, client) -> FaultyClient.around(client).always(Fault.throwing("out of memory")));
        Run run = federation().policy(policy).rounds(1).run();
        // tag::outcomes[]
        for (OutcomeRecord outcome : run.records().get(0).outcomes()) {
            System.out.println(outcome.clientId() + " " + outcome.outcome() + " " + outcome.reason());
        }
        // end::outcomes[]
        assertThat(run.records().get(0).outcomes())
                .extracting(OutcomeRecord::outcome)
                .containsExactly("completed", "completed", "failed");
    }

    @Test
    void stopsWithoutAQuorum() throws Exception {
        hospitals.replaceAll((id, client) -> FaultyClient.around(client).inRound(2, Fault.nan()));
        // tag::quorum[]
        try {
            federation().run();
        } catch (QuorumNotReachedException e) {
            System.out.println("round " + e.round() + ": " + e.received() + " of " + e.required() + " updates");
        }
        // end::quorum[]
        assertThatThrownBy(() -> federation().run())
                .isInstanceOf(QuorumNotReachedException.class)
                .hasMessageContaining("round 2 was aborted");
    }

    // tag::listener[]
    /** Prints a line for each round, and one for each site that did not complete it. */
    static final class Ticker implements RoundListener {
        private final List<String> lines = new ArrayList<>();

        @Override
        public void clientFinished(int round, TaskKind kind, OutcomeRecord outcome) {
            if (!outcome.isCompleted()) {
                print("  " + outcome.clientId() + " " + kind + ": " + outcome.outcome() + ", " + outcome.reason());
            }
        }

        @Override
        public void roundFinished(RoundRecord record) {
            print("round " + record.round() + " "
                    + record.abortReason().orElse(record.metrics().toString()));
        }

        private void print(String line) {
            lines.add(line);
            System.out.println(line);
        }
    }
    // end::listener[]

    @Test
    void hearsHowItGoes() throws Exception {
        hospitals.computeIfPresent(
                "west", (id, client) -> FaultyClient.around(client).inRound(2, Fault.nan()));
        Ticker ticker = new Ticker();
        federation().rounds(2).listener(ticker).run();
        assertThat(ticker.lines).hasSize(3);
        assertThat(ticker.lines.get(1)).isEqualTo("  west fit: rejected, tensor 'input.mean' holds NaN at index 1");
    }

    @Test
    void stopsEarlyAndKeepsTheBest() throws Exception {
        // tag::goal[]
        Run run = Federation.of(hospitals)
                .strategy(FedAvg.create())
                .initialModel(initialModel)
                .rounds(200)
                .goal(Goal.maximize(Evaluation.AUC))
                .earlyStopping(new EarlyStopping(5, 0.001))
                .run();
        System.out.println(run.stopReason() + ", best was round " + run.best().round());
        // end::goal[]
        assertThat(run.stopReason()).isEqualTo(StopReason.EARLY_STOPPED);
        assertThat(run.bestModel().digest()).isEqualTo(run.best().modelDigest());
    }

    @Test
    void keepsAnAuditLog() throws Exception {
        Path runFolder = folder.resolve("heart");
        // tag::audit[]
        Run run = Federation.of(hospitals)
                .strategy(FedAvg.create())
                .initialModel(initialModel)
                .store(FileRunStore.at(runFolder))
                .audit(FileAuditLog.at(runFolder.resolve(FileAuditLog.FILE_NAME)))
                .run();
        AuditHead head = run.records().get(9).auditHead().orElseThrow();
        System.out.println("keep elsewhere: " + head.sequence() + " " + head.hash());
        // end::audit[]
        // tag::verify[]
        AuditReport report = AuditVerifier.verify(runFolder.resolve("audit.jsonl"), head);
        System.out.println(report.isWhole() ? "as it was written" : report.toString());
        // end::verify[]
        assertThat(report.isWhole()).isTrue();

        List<String> lines = Files.readAllLines(runFolder.resolve("audit.jsonl"));
        Files.write(runFolder.resolve("audit.jsonl"), lines.subList(0, 10));
        assertThat(AuditVerifier.verify(runFolder.resolve("audit.jsonl")).isWhole())
                .isTrue();
        assertThat(AuditVerifier.verify(runFolder.resolve("audit.jsonl"), head).isWhole())
                .isFalse();
    }

    @Test
    void boundsMemory() throws Exception {
        Path scratch = Files.createDirectories(folder.resolve("scratch"));
        // tag::memory[]
        Run run = Federation.of(hospitals)
                .strategy(FedAvg.create())
                .initialModel(initialModel)
                .parallelism(2)
                .inFlightBytes(16L << 20)
                .spoolDirectory(scratch)
                .run();
        // end::memory[]
        assertThat(run.model().digest()).isEqualTo(federation().run().model().digest());
        assertThat(scratch).isEmptyDirectory();
    }

    @Test
    void replaysARound() throws Exception {
        Map<String, Client> sites = new TreeMap<>(hospitals);
        trainOrGoOn(folder.resolve("short"), 2);
        trainOrGoOn(folder.resolve("long"), 3);
        RoundRecord third;
        try (FileRunStore store = FileRunStore.at(folder.resolve("long"))) {
            third = store.load().orElseThrow().records().get(2);
        }
        // tag::replay[]
        try (FileRunStore store = FileRunStore.at(folder.resolve("short"))) {
            SavedRun before = store.load().orElseThrow();
            String digest = Federation.of(sites)
                    .strategy(FedAvg.create())
                    .seed(before.header().seed())
                    .build()
                    .replay(third, before.latest(), before)
                    .digest();
            assertThat(digest).isEqualTo(third.modelDigest());
        }
        // end::replay[]
    }
}
