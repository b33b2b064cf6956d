package io.fedlearn.luna16.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.store.InMemoryRunStore;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.luna16.patch.PatchExamples;
import io.fedlearn.luna16.patch.PatchSet;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HardNegativesTest {
    private static final TrainingSettings TRAINING =
            TrainingSettings.defaults().withBatchSize(4).withLearningRate(0.05).withMomentum(0.9);

    @TempDir
    private Path directory;

    private PatchExamples north;
    private PatchExamples south;

    @BeforeEach
    void writeHospitals() throws Exception {
        SmallScans.write(directory.resolve("north"), 1, 6, true);
        SmallScans.write(directory.resolve("south"), 2, 5, false);
        north = examples("north");
        south = examples("south");
    }

    private PatchExamples examples(String hospital) throws InterruptedException {
        return Luna16Client.builder(directory.resolve(hospital), directory.resolve(hospital + "-cache"))
                .network(SmallScans.NETWORK)
                .patches(SmallScans.PATCHES)
                .negativeShare(0.5)
                .build()
                .training();
    }

    private Map<String, Client> clients() {
        LocalModelPool models = LocalModelPool.of(SmallScans.NETWORK::create);
        return new TreeMap<>(
                Map.of("north", Luna16Client.of(models, north, north), "south", Luna16Client.of(models, south, south)));
    }

    private Client client(String hospital) {
        return Optional.ofNullable(clients().get(hospital)).orElseThrow();
    }

    private Federation.Builder federation() {
        return Federation.of(clients())
                .strategy(HardNegatives.from(2).appliedTo(FedAvg.create()))
                .initialModel(SmallScans.NETWORK.create().initialModel(5))
                .training(TRAINING)
                .rounds(4)
                .seed(5);
    }

    /** The state of a client that only this test sees. */
    private static final class Memory implements TaskContext {
        private final Map<String, Model> state = new TreeMap<>();
        private boolean cancelled;

        Model list() {
            return Optional.ofNullable(state.get(HardNegatives.STATE)).orElseThrow();
        }

        @Override
        public ClientState state() {
            return new ClientState() {
                @Override
                public Optional<Model> load(String name) {
                    return Optional.ofNullable(state.get(name));
                }

                @Override
                public void save(String name, Model value) {
                    state.put(name, value);
                }
            };
        }

        @Override
        public void progress(long done, long total) {}

        @Override
        public boolean isCancelled() {
            return cancelled;
        }
    }

    private static Task task(int round, Model model, HardNegatives hard) {
        return Task.builder(TaskKind.FIT, "north")
                .round(round)
                .seed(round)
                .model(model)
                .config(hard.appliedTo(FedAvg.create()).clientConfig().with(TRAINING.toConfig()))
                .build();
    }

    private static Model model(long seed) {
        LocalModel model = SmallScans.NETWORK.create();
        return model.initialModel(seed);
    }

    @Test
    void keepsThoseWithTheHighestScores() throws Exception {
        LocalModel network = SmallScans.NETWORK.create();
        network.load(trained());
        PatchSet patches = north.patches();
        int[] hard = new HardNegatives(1, 0.3, 0.5).mine(patches, network, new Memory());

        int[] negatives = IntStream.range(0, patches.size())
                .filter(patch -> !patches.isNodule(patch))
                .toArray();
        assertThat(hard).hasSize((int) Math.ceil(negatives.length * 0.3)).isSorted();
        double least = Arrays.stream(hard)
                .mapToDouble(patch -> score(network, patches, patch))
                .min()
                .orElseThrow();
        assertThat(Arrays.stream(negatives)
                        .filter(patch -> Arrays.stream(hard).noneMatch(each -> each == patch))
                        .mapToDouble(patch -> score(network, patches, patch)))
                .allMatch(score -> score <= least);
        assertThat(Arrays.stream(hard)).noneMatch(patches::isNodule);
    }

    private Model trained() throws Exception {
        return federation().rounds(1).run().model();
    }

    private static double score(LocalModel network, PatchSet patches, int patch) {
        Batch batch = Batch.of(1, patches.settings().shape().voxelCount(), 1);
        patches.patch(patch).copyTo(patches.settings().window(), batch.features(), 0);
        batch.resize(1);
        float[] output = new float[1];
        network.evaluate(batch, output);
        return output[0];
    }

    @Test
    void minesInItsRoundAndKeepsTheListInRoundsAfter() throws Exception {
        Client client = client("north");
        HardNegatives hard = HardNegatives.from(3);
        Memory memory = new Memory();

        client.fit(task(2, model(1), hard), memory);
        assertThat(memory.state).isEmpty();
        ClientUpdate mined = client.fit(task(3, model(1), hard), memory);
        Model list = memory.list();
        client.fit(task(4, model(2), hard), memory);

        assertThat(memory.state).containsEntry(HardNegatives.STATE, list);
        // Nothing of it is in the answer.
        assertThat(mined.exampleCount()).isEqualTo(north.exampleCount());
        assertThat(mined.model().orElseThrow().spec()).isEqualTo(model(1).spec());
        assertThat(mined.metrics().asMap()).containsOnlyKeys("loss", "localSteps", "localEpochs");
    }

    @Test
    void sameTaskGivesTheSameAnswerAndTrainsOnOthersThanWithout() throws Exception {
        Client client = client("north");
        Task told = task(3, model(1), HardNegatives.from(3));
        Model first = client.fit(told, new Memory()).model().orElseThrow();
        assertThat(client.fit(told, new Memory()).model().orElseThrow()).isEqualTo(first);
        assertThat(client.fit(task(3, model(1), HardNegatives.from(4)), new Memory())
                        .model()
                        .orElseThrow())
                .isNotEqualTo(first);
    }

    @Test
    void minesAgainWhereThePatchesAreOthers() throws Exception {
        Memory memory = new Memory();
        HardNegatives hard = HardNegatives.from(1);
        client("north").fit(task(1, model(1), hard), memory);
        Model ofNorth = memory.list();

        client("south").fit(task(2, model(1), hard), memory);

        assertThat(memory.list()).isNotEqualTo(ofNorth);
    }

    @Test
    void siteWithoutOtherPatchesHasNone() throws Exception {
        PatchSet nothing = north.patches().ofScans(List.of());
        assertThat(HardNegatives.from(1).mine(nothing, SmallScans.NETWORK.create(), new Memory()))
                .isEmpty();
    }

    @Test
    void endsWhenTheTaskIsCancelled() {
        Memory memory = new Memory();
        memory.cancelled = true;
        assertThatThrownBy(() -> client("north").fit(task(1, model(1), HardNegatives.from(1)), memory))
                .isInstanceOf(InterruptedException.class)
                .hasMessage("mining of hard negatives was cancelled");
    }

    @Test
    void runEndsWithTheSameBitsWhateverTheThreadsAndHoweverOftenItWasResumed() throws Exception {
        Run whole = federation().parallelism(1).run();
        assertThat(federation().parallelism(2).run().model().digest())
                .isEqualTo(whole.model().digest());

        InMemoryRunStore store = InMemoryRunStore.create();
        InMemoryClientStateStore states = InMemoryClientStateStore.create();
        for (int rounds = 1; rounds <= 4; rounds++) {
            federation()
                    .rounds(rounds)
                    .runId("resumed")
                    .store(store)
                    .clientStates(states)
                    .resume(true)
                    .run();
        }
        assertThat(store.load().orElseThrow().latest().model().digest())
                .isEqualTo(whole.model().digest());
        assertThat(whole.header().settings().asMap())
                .containsEntry("client.hardNegatives.round", 2L)
                .containsEntry("client.hardNegatives.kept", HardNegatives.DEFAULT_KEPT)
                .containsEntry("client.hardNegatives.shown", HardNegatives.DEFAULT_SHOWN);
    }

    @Test
    void refusesSettingsOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> HardNegatives.from(0))
                .withMessage("round must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new HardNegatives(1, 0, 0.5))
                .withMessage("kept must be in (0, 1], was 0.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new HardNegatives(1, 0.5, Double.NaN))
                .withMessage("shown must be in (0, 1], was NaN");
        assertThat(HardNegatives.from(5)).hasToString("from round 5, kept 0.2, shown 0.5");
    }
}
