package io.fedlearn.luna16.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.FedProx;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.luna16.dataset.DatasetException;
import io.fedlearn.luna16.patch.Augmentation;
import io.fedlearn.luna16.patch.CandidateSelection;
import io.fedlearn.luna16.patch.PatchCacheException;
import io.fedlearn.luna16.patch.PatchExamples;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PatchShape;
import io.fedlearn.testkit.contract.ClientContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Luna16ClientTest extends ClientContract {
    private static final TrainingSettings TRAINING =
            TrainingSettings.defaults().withBatchSize(4).withLearningRate(0.05).withMomentum(0.9);

    @TempDir
    private Path directory;

    @BeforeEach
    void writeHospitals() throws IOException {
        SmallScans.write(directory.resolve("north"), 1, 6, true);
        SmallScans.write(directory.resolve("south"), 2, 5, true);
    }

    private Luna16Client.Builder builder(String hospital) {
        return Luna16Client.builder(directory.resolve(hospital), directory.resolve(hospital + "-cache"))
                .network(SmallScans.NETWORK)
                .patches(SmallScans.PATCHES);
    }

    private Map<String, Client> hospitals() throws InterruptedException {
        Map<String, Client> clients = new TreeMap<>();
        clients.put("north", builder("north").build());
        clients.put("south", builder("south").build());
        return clients;
    }

    private static Federation.Builder federation(Map<String, Client> clients, Strategy strategy) {
        return Federation.of(clients)
                .strategy(strategy)
                .initialModel(SmallScans.NETWORK.create().initialModel(5))
                .training(TRAINING)
                .parallelism(1)
                .rounds(2)
                .seed(5);
    }

    private static OutcomeRecord outcome(RoundRecord round, String client) {
        return round.outcomes().stream()
                .filter(outcome -> outcome.clientId().equals(client))
                .findFirst()
                .orElseThrow();
    }

    @Override
    protected Client create() throws Exception {
        return builder("north").build();
    }

    @Override
    protected Model global() {
        return SmallScans.NETWORK.create().initialModel(5);
    }

    @Test
    void learnsWhatANoduleIs() throws Exception {
        Run run = federation(hospitals(), FedAvg.create()).rounds(8).run();

        assertThat(run.records().get(7).metrics().get(Evaluation.AUC).orElseThrow())
                .isEqualTo(1);
        assertThat(run.records().get(7).metrics().get(Evaluation.LOSS).orElseThrow())
                .isLessThan(run.records().get(0).metrics().get(Evaluation.LOSS).orElseThrow());
    }

    @Test
    void givesTheSameModelWhateverTheNumberOfThreads() throws Exception {
        for (Strategy strategy : List.of(FedAvg.create(), FedProx.withMu(0.1))) {
            String digest = federation(hospitals(), strategy).run().model().digest();
            assertThat(federation(hospitals(), strategy)
                            .parallelism(2)
                            .run()
                            .model()
                            .digest())
                    .isEqualTo(digest);
        }
        assertThat(federation(hospitals(), FedAvg.create()).run().model().digest())
                .isNotEqualTo(
                        federation(hospitals(), FedProx.withMu(1)).run().model().digest());
    }

    @Test
    void trainsWhereNothingIsANodule() throws Exception {
        SmallScans.write(directory.resolve("west"), 3, 4, false);
        Luna16Client west = builder("west").build();
        assertThat(west.training().exampleCount()).isEqualTo(3 * 2);
        Map<String, Client> clients = hospitals();
        clients.put("west", west);

        Run run = federation(clients, FedAvg.create()).run();

        assertThat(outcome(run.records().get(1), "west").isCompleted()).isTrue();
        assertThat(outcome(run.records().get(1), "west").exampleCount()).isEqualTo(6);
    }

    @Test
    void declinesWithoutScans() throws Exception {
        Luna16Client north = builder("north").build();
        PatchExamples nothing = PatchExamples.of(north.training().patches().ofScans(List.of()));
        LocalModelPool models = LocalModelPool.of(SmallScans.NETWORK::create);
        Map<String, Client> clients = hospitals();
        clients.put("empty", Luna16Client.of(models, nothing, nothing));

        Run run = federation(clients, FedAvg.create()).run();

        OutcomeRecord outcome = outcome(run.records().get(0), "empty");
        assertThat(outcome.outcome()).isEqualTo("declined");
        assertThat(outcome.reason()).isEqualTo("the site has no training examples");
        assertThat(run.model().digest())
                .isEqualTo(
                        federation(hospitals(), FedAvg.create()).run().model().digest());
    }

    @Test
    void refusesTheModelOfAnotherNetworkByTensor() throws Exception {
        Map<String, Client> clients = hospitals();
        clients.put(
                "other",
                builder("north")
                        .network(LunaNet.of(SmallScans.NETWORK.patch(), List.of(2, 4)))
                        .build());

        Run run = federation(clients, FedAvg.create()).run();

        OutcomeRecord outcome = outcome(run.records().get(0), "other");
        assertThat(outcome.outcome()).isEqualTo("declined");
        assertThat(outcome.reason())
                .startsWith("this site trains another model: its tensor 4 is layer3.bias FLOAT32 4 ")
                .contains("the task's is layer3.bias FLOAT32 3 ");
    }

    @Test
    void failsAloneAndWithoutTellingPathsWhenItsPatchesVanish() throws Exception {
        Path cache = directory.resolve("north-cache");
        List<String> logged = Collections.synchronizedList(new ArrayList<>());
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord entry) {
                logged.add(entry.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        Logger logger = Logger.getLogger(Luna16Client.class.getName());
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
        List<OutcomeRecord> told = Collections.synchronizedList(new ArrayList<>());
        Run run;
        try {
            run = federation(hospitals(), FedAvg.create())
                    .listener(new RoundListener() {
                        @Override
                        public void roundFinished(RoundRecord record) {
                            told.addAll(record.outcomes());
                            told.addAll(record.evaluation().clients());
                            deleteAll(cache);
                        }
                    })
                    .run();
        } finally {
            logger.removeHandler(handler);
            logger.setUseParentHandlers(true);
        }

        OutcomeRecord failed = outcome(run.records().get(1), "north");
        assertThat(failed.outcome()).isEqualTo("failed");
        assertThat(failed.reason())
                .startsWith(PatchCacheException.class.getName() + ": ")
                .endsWith(".patches: cannot be read; prepare the patches again");
        assertThat(outcome(run.records().get(1), "south").isCompleted()).isTrue();
        assertThat(told)
                .hasSizeGreaterThan(5)
                .noneMatch(outcome ->
                        outcome.reason().contains(directory.getFileName().toString()));
        assertThat(logged).isNotEmpty().allMatch(line -> line.contains(cache.toString()));
    }

    private static void deleteAll(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void saysWhatItFoundInTheFolder() throws Exception {
        Files.delete(directory.resolve("north/subset0/" + SmallScans.seriesUid(1, 2) + ".raw"));
        List<Integer> heard = new ArrayList<>();

        Luna16Client north = builder("north")
                .testShare(0.4)
                .seed(3)
                .candidates(new CandidateSelection(1, 3))
                .negativesPerPositive(0.5)
                .augmentation(Augmentation.none())
                .threads(2)
                .listener((done, total) -> {
                    synchronized (heard) {
                        heard.add(total);
                    }
                })
                .build();

        assertThat(north.check().orElseThrow().scans()).hasSize(5);
        assertThat(north.check().orElseThrow().problems())
                .anyMatch(problem -> problem.kind().leavesScanOut()
                        && problem.message().contains(SmallScans.seriesUid(1, 2))
                        && problem.message().contains(".raw"));
        assertThat(north.failures()).isEmpty();
        assertThat(north.test().patches().seriesUids()).hasSize(2);
        assertThat(north.training().patches().seriesUids())
                .hasSize(3)
                .doesNotContainAnyElementsOf(north.test().patches().seriesUids());
        // Of each scan the nodule and one other, and each nodule twice.
        assertThat(north.training().exampleCount()).isEqualTo(3 * 3);
        assertThat(north.test().exampleCount()).isEqualTo(2 * 2);
        assertThat(north.training().augmentation()).isEqualTo(Augmentation.none());
        assertThat(heard).containsExactly(5, 5, 5, 5, 5);
    }

    @Test
    void hasDefaultsThatFitEachOther() {
        // All that is refused is the folder.
        Luna16Client.Builder builder =
                Luna16Client.builder(directory.resolve("nowhere"), directory.resolve("nowhere-cache"));
        assertThatExceptionOfType(DatasetException.class).isThrownBy(builder::build);
        assertThat(directory.resolve("nowhere-cache")).doesNotExist();
    }

    @Test
    void namesScansThatPassTheCheckAndCannotBeCut() throws Exception {
        Path folder = directory.resolve("north/subset0");
        String name = SmallScans.seriesUid(1, 2);
        // The check compares sizes; values that are no HU show when they are read.
        byte[] numbers = new byte[2 * (int) Files.size(folder.resolve(name + ".raw"))];
        Arrays.fill(numbers, (byte) 0x7f);
        Files.write(folder.resolve(name + ".raw"), numbers);
        Path header = folder.resolve(name + ".mhd");
        Files.writeString(header, Files.readString(header).replace("MET_SHORT", "MET_INT"));

        Luna16Client north = builder("north").build();

        assertThat(north.failures())
                .singleElement()
                .satisfies(failure -> assertThat(failure.message()).contains(SmallScans.seriesUid(1, 2)));
        assertThat(north.training().patches().seriesUids()).doesNotContain(SmallScans.seriesUid(1, 2));
    }

    @Test
    void refusesSettingsBeforeItCuts() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder("north").network(LunaNet.defaults()).build())
                .withMessage("network must take patches of 8x8x8, as they are cut, was LunaNet 32x48x48,"
                        + " channels 8 16 32 64, which takes 32x48x48");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder("north").negativesPerPositive(0).build())
                .withMessage("negativesPerPositive must be >= 0.01 and finite, was 0.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        builder("north").augmentation(Augmentation.defaults()).build())
                .withMessage("augmentation must shift by at most the patches' margin of 1 voxels, shifted by 3");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder("north").testShare(1).build())
                .withMessage("testShare must be in (0, 1), was 1.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder("north").threads(0).build())
                .withMessage("threads must be >= 1, was 0");
        assertThat(directory.resolve("north-cache")).doesNotExist();
    }

    @Test
    void failsWhereTheCacheCannotBe() throws IOException {
        Files.writeString(directory.resolve("north-cache"), "a file");

        assertThatExceptionOfType(PatchCacheException.class)
                .isThrownBy(() -> builder("north").build())
                .withMessageContaining(directory.resolve("north-cache").toString());
    }

    @Test
    void refusesPatchesOfAnotherShape() throws Exception {
        PatchSettings larger = SmallScans.PATCHES.withShape(new PatchShape(8, 8, 10));
        Luna16Client large = builder("north")
                .patches(larger)
                .network(SmallScans.NETWORK.withPatch(larger.shape()))
                .build();
        LocalModelPool models = LocalModelPool.of(SmallScans.NETWORK::create);
        Map<String, Client> clients = hospitals();
        clients.put("large", Luna16Client.of(models, large.training(), large.test()));

        Run run = federation(clients, FedAvg.create()).run();

        assertThat(outcome(run.records().get(0), "large").isCompleted()).isFalse();
        assertThat(outcome(run.records().get(0), "south").isCompleted()).isTrue();
    }
}
