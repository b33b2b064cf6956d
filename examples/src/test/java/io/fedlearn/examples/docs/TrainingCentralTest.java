package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.FedAvgM;
import io.fedlearn.aggregators.FedProx;
import io.fedlearn.aggregators.FedYogi;
import io.fedlearn.aggregators.Scaffold;
import io.fedlearn.aggregators.robust.CoordinateMedian;
import io.fedlearn.aggregators.selection.RoundRobin;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.federation.StopReason;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.files.FileAuditLog;
import io.fedlearn.files.FilePrivacyLedger;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.models.LogisticRegression;
import io.fedlearn.privacy.accounting.Calibration;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.RdpAccountant;
import io.fedlearn.privacy.budget.Composition;
import io.fedlearn.privacy.budget.LedgerBudget;
import io.fedlearn.privacy.central.CentralPrivacy;
import io.fedlearn.privacy.central.ClientSampling;
import io.fedlearn.privacy.central.Clipping;
import io.fedlearn.privacy.central.ExpectedNoise;
import io.fedlearn.testkit.generator.SyntheticExamples;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Code of {@code docs/privacy/training-central.md}. */
final class TrainingCentralTest {
    private static final int CLIENTS = 1000;
    private static final int EXAMPLES = 10;
    private static final InMemoryExamples DATA = SyntheticExamples.separableClasses(1, CLIENTS * EXAMPLES + 500, 4, 2);

    @TempDir
    private Path folder;

    private final Model initialModel = LogisticRegression.of(4).initialModel(1);

    private static Map<String, Client> phones() {
        Map<String, Client> phones = new TreeMap<>();
        for (int k = 0; k < CLIENTS; k++) {
            int first = k * EXAMPLES;
            phones.put(
                    "phone-" + k,
                    LocalTrainingClient.of(
                            () -> LogisticRegression.of(4),
                            DATA.subset(IntStream.range(first, first + EXAMPLES).toArray())));
        }
        return phones;
    }

    private static double accuracy(Model model) {
        LogisticRegression network = LogisticRegression.of(4);
        network.load(model);
        int from = CLIENTS * EXAMPLES;
        return Evaluation.of(
                        network, DATA.subset(IntStream.range(from, from + 500).toArray()))
                .metrics()
                .get(Evaluation.ACCURACY)
                .orElseThrow();
    }

    @Test
    void trainsPrivately() throws Exception {
        Path ledgerFile = folder.resolve("ledger.jsonl");
        int rounds = 20;
        // tag::fedavg[]
        ClientSampling sampling = ClientSampling.poisson(0.1);
        CentralPrivacy.Builder plan = CentralPrivacy.builder("run/keyboard")
                .clipping(Clipping.fixed(0.5))
                .sampling(sampling)
                .expectedCohort(100);
        NeighboringRelation relation = sampling.relation();
        double noise = Calibration.of(() -> RdpAccountant.of(relation), 4, 1e-5)
                .noiseMultiplier(z -> plan.noiseMultiplier(z).build().event(rounds));
        CentralPrivacy privacy = plan.noiseMultiplier(noise).build();

        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(ledgerFile)) {
            Run run = Federation.of(phones())
                    .strategy(privacy.appliedTo(FedAvg.create()))
                    .initialModel(initialModel)
                    .privacyBudget(LedgerBudget.builder(ledger, Composition.sameEvent(RdpAccountant.of(relation)))
                            .limit("run/keyboard", 4, 1e-5)
                            .build())
                    .rounds(rounds)
                    .run();
            System.out.println(run.records().get(rounds - 1).privacySpent());
        }
        // end::fedavg[]
        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(ledgerFile)) {
            assertThat(ledger.entries("run/keyboard")).hasSize(20);
        }
        assertThat(noise).isBetween(0.5, 2.0);
    }

    private Run run(CentralPrivacy privacy, Strategy strategy, int rounds) throws InterruptedException {
        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(folder.resolve("other.jsonl"))) {
            return Federation.of(phones())
                    .strategy(privacy.appliedTo(strategy))
                    .initialModel(initialModel)
                    .privacyBudget(
                            LedgerBudget.builder(ledger, Composition.sameEvent(RdpAccountant.of(privacy.relation())))
                                    .limit(privacy.scope(), 50, 1e-5)
                                    .build())
                    .rounds(rounds)
                    .run();
        }
    }

    @Test
    void filesOfARunHoldNothingOfClients() throws Exception {
        CentralPrivacy privacy = CentralPrivacy.builder("run/files")
                .clipping(Clipping.adaptive(0.5))
                .noiseMultiplier(1)
                .sampling(ClientSampling.poisson(0.1))
                .expectedCohort(100)
                .build();
        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(folder.resolve("ledger.jsonl"));
                FileAuditLog audit = FileAuditLog.at(folder.resolve("audit.jsonl"));
                FileRunStore store = FileRunStore.at(folder.resolve("run"))) {
            Federation.of(phones())
                    .strategy(privacy.appliedTo(FedAvg.create()))
                    .initialModel(initialModel)
                    .privacyBudget(
                            LedgerBudget.builder(ledger, Composition.sameEvent(RdpAccountant.of(privacy.relation())))
                                    .limit("run/files", 50, 1e-5)
                                    .build())
                    .store(store)
                    .audit(audit)
                    .rounds(3)
                    .run();
        }
        try (Stream<Path> files = Files.walk(folder)) {
            List<Path> all = files.filter(Files::isRegularFile).toList();
            assertThat(all).hasSizeGreaterThan(3);
            for (Path file : all) {
                assertThat(Files.readString(file, StandardCharsets.ISO_8859_1))
                        .as("%s", file)
                        .doesNotContain("phone-")
                        .doesNotContain("localSteps");
            }
        }
    }

    @Test
    void adaptsTheClippingNorm() throws Exception {
        // tag::adaptive[]
        CentralPrivacy privacy = CentralPrivacy.builder("run/adaptive")
                .clipping(Clipping.adaptive(0.1).withQuantile(0.5))
                .noiseMultiplier(1)
                .sampling(ClientSampling.poisson(0.1))
                .expectedCohort(100)
                .build();
        Strategy strategy = privacy.appliedTo(FedAdam.withServerLearningRate(0.1));
        // end::adaptive[]
        assertThat(strategy.name()).isEqualTo("DP-FedAdam");
        Run run = run(privacy, FedAdam.withServerLearningRate(0.1), 20);
        assertThat(run.stopReason()).isEqualTo(StopReason.ROUNDS_DONE);
        assertThat(accuracy(run.model())).isGreaterThan(0.8);
    }

    @Test
    void trainsWithoutSampling() throws Exception {
        // tag::ftrl[]
        CentralPrivacy privacy = CentralPrivacy.builder("run/ftrl")
                .clipping(Clipping.fixed(0.5))
                .noiseMultiplier(4)
                .sampling(ClientSampling.separated(10))
                .restartEvery(10)
                .expectedCohort(100)
                .build();
        Strategy strategy =
                privacy.appliedTo(FedAvgM.builder().serverMomentum(0.5).build().withSelector(RoundRobin.choosing(100)));
        // end::ftrl[]
        assertThat(strategy.name()).isEqualTo("DP-FTRL-FedAvgM");
        Run run =
                run(privacy, FedAvgM.builder().serverMomentum(0.5).build().withSelector(RoundRobin.choosing(100)), 20);
        assertThat(run.records())
                .allSatisfy(record -> assertThat(record.cohort()).hasSize(100));
        assertThat(accuracy(run.model())).isGreaterThan(0.8);
    }

    @Test
    void warnsWhereClientsAreFew() {
        // tag::warning[]
        ExpectedNoise noise = CentralPrivacy.builder("run/hospitals")
                .clipping(Clipping.fixed(1))
                .noiseMultiplier(2)
                .sampling(ClientSampling.asSelected())
                .expectedCohort(4)
                .build()
                .expectedNoise(300_000);
        noise.warning().ifPresent(System.out::println);
        // end::warning[]
        assertThat(noise.ratio()).isBetween(273.0, 274.0);
    }

    @Test
    void takesServerOptimizersAndRefusesOtherRules() {
        CentralPrivacy privacy = CentralPrivacy.builder("run")
                .clipping(Clipping.fixed(1))
                .noiseMultiplier(1)
                .sampling(ClientSampling.withoutReplacement(10, phones().keySet()))
                .build();
        assertThat(privacy.appliedTo(FedProx.withMu(0.1)).name()).isEqualTo("DP-FedProx");
        assertThat(privacy.appliedTo(FedYogi.withServerLearningRate(0.1)).name())
                .isEqualTo("DP-FedYogi");
        assertThatThrownBy(() -> privacy.appliedTo(Scaffold.withClients(CLIENTS)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cannot be made private");
        assertThatThrownBy(() -> privacy.appliedTo(CoordinateMedian.bearing(1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("its rule is not a plain mean");
    }
}
