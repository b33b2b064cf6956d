package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.client.PersonalModel;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.testkit.client.DriftClient;
import io.fedlearn.testkit.client.NoOpClient;
import io.fedlearn.testkit.fault.Fault;
import io.fedlearn.testkit.fault.FaultyClient;
import io.fedlearn.testkit.generator.ModelGenerator;
import io.fedlearn.testkit.generator.SyntheticExamples;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The suites for what lies at a site: clients, their state, their examples. */
class SiteContractsTest {
    abstract static class NetworkClient extends ClientContract {
        @Override
        protected Model global() {
            return ModelGenerator.of(1).nextModerate(ModelGenerator.networkSpec());
        }
    }

    @Nested
    class OnLocalTraining extends ClientContract {
        @Override
        protected Client create() {
            return LocalTrainingClient.of(
                    LinearModel::new,
                    SyntheticExamples.regression(1, 40, LinearModel.FEATURES, 1),
                    SyntheticExamples.regression(2, 10, LinearModel.FEATURES, 1));
        }

        @Override
        protected Model global() {
            return new LinearModel().initialModel(3);
        }

        @Override
        protected Config config() {
            return TrainingSettings.defaults()
                    .withBatchSize(7)
                    .withMomentum(0.9)
                    .toConfig();
        }
    }

    @Nested
    class OnDriftClient extends NetworkClient {
        @Override
        protected Client create() {
            return DriftClient.withExamples(5);
        }
    }

    @Nested
    class OnNoOpClient extends NetworkClient {
        @Override
        protected Client create() {
            return NoOpClient.create();
        }
    }

    @FailsOnPurpose
    static class WrongName extends NetworkClient {
        @Override
        protected Client create() {
            return FaultyClient.around(DriftClient.withExamples(5)).always(Fault.wrongName());
        }
    }

    @FailsOnPurpose
    static class ShyClient extends NetworkClient {
        @Override
        protected Client create() {
            return FaultyClient.around(DriftClient.withExamples(5))
                    .always(new TaskKind("never-heard-of"), Fault.throwing("what is that?"));
        }
    }

    @FailsOnPurpose
    static class CountsInAField extends NetworkClient {
        @Override
        protected Client create() {
            return new Client() {
                private int calls;

                @Override
                public ClientUpdate fit(Task task, TaskContext context) {
                    return ClientUpdate.ofModel(task.model(), ++calls);
                }
            };
        }
    }

    @FailsOnPurpose
    static class ReusesItsArray extends NetworkClient {
        @Override
        protected Model global() {
            return Model.builder()
                    .trainable("w", Tensor.copyOf(new float[] {1, 2}))
                    .build();
        }

        @Override
        protected Client create() {
            float[] reused = new float[2];
            return (task, context) -> {
                reused[0] = task.seed();
                return ClientUpdate.ofModel(
                        Model.builder().trainable("w", Tensor.wrap(reused)).build(), 1);
            };
        }
    }

    @FailsOnPurpose
    static class SendsItsPersonalModel extends NetworkClient {
        @Override
        protected Client create() {
            Client drifting = DriftClient.withExamples(5);
            return new Client() {
                @Override
                public ClientUpdate fit(Task task, TaskContext context) throws Exception {
                    return drifting.fit(task, context);
                }

                @Override
                public ClientUpdate perform(Task task, TaskContext context) throws Exception {
                    if (!task.kind().equals(TaskKind.FINE_TUNE)) {
                        return drifting.perform(task, context);
                    }
                    context.state().save(PersonalModel.NAME, task.model());
                    return drifting.fit(task, context);
                }
            };
        }
    }

    @Test
    void findsPersonalModelsThatLeaveTheSite() {
        assertThat(SuiteRun.failures(SendsItsPersonalModel.class)).containsExactly("keepsAPersonalModelToItself");
    }

    @Test
    void findsAnswersThatDoNotFit() {
        assertThat(SuiteRun.failures(WrongName.class)).containsExactly("answersWithTheModelsOwnTensors");
    }

    @Test
    void findsFailuresInsteadOfDeclines() {
        assertThat(SuiteRun.failures(ShyClient.class)).containsExactly("declinesUnknownKinds");
    }

    @Test
    void findsStateInFields() {
        assertThat(SuiteRun.failures(CountsInAField.class))
                .containsExactlyInAnyOrder(
                        "sameTaskGivesSameAnswer", "keepsStateInTheContextAlone", "aRepeatedRoundGivesSameAnswer");
    }

    @Test
    void findsAnswersThatChange() {
        assertThat(SuiteRun.failures(ReusesItsArray.class)).contains("answersDoNotChangeLater");
    }

    @Nested
    class OnStatesInMemory extends ClientStateStoreContract {
        @Override
        protected ClientStateStore open() {
            return InMemoryClientStateStore.create();
        }

        @Override
        protected boolean isDurable() {
            return false;
        }
    }

    @FailsOnPurpose
    static class ForgetsStates extends ClientStateStoreContract {
        @Override
        protected ClientStateStore open() {
            return InMemoryClientStateStore.create();
        }
    }

    /** Names its files by what it is given, as file stores do that trust names. */
    private static class Files implements ClientStateStore {
        private final Map<String, Model> files = new HashMap<>();

        String name(Key key) {
            return key.runId() + "/" + key.clientId() + "/" + key.name();
        }

        @Override
        public synchronized Optional<Model> load(Key key, int round) {
            return Optional.ofNullable(files.get(name(key) + "/" + round));
        }

        @Override
        public synchronized void save(Key key, int round, Model value) {
            files.put(name(key) + "/" + round, value);
        }

        @Override
        public synchronized void deleteBefore(Key key, int round) {
            files.keySet()
                    .removeIf(file -> file.startsWith(name(key) + "/")
                            && Integer.parseInt(file.substring(file.lastIndexOf('/') + 1)) < round);
        }

        @Override
        public void close() {}
    }

    @FailsOnPurpose
    static class JoinsNames extends ClientStateStoreContract {
        private final Files files = new Files();

        @Override
        protected ClientStateStore open() {
            return files;
        }
    }

    @FailsOnPurpose
    static class DeletesTooMuch extends ClientStateStoreContract {
        private final Files files = new Files() {
            @Override
            public synchronized void deleteBefore(Key key, int round) {
                super.deleteBefore(key, round + 1);
            }
        };

        @Override
        protected ClientStateStore open() {
            return files;
        }
    }

    @Test
    void findsStatesThatAreLost() {
        assertThat(SuiteRun.failures(ForgetsStates.class)).containsExactly("keepsValues");
    }

    @Test
    void findsKeysThatMeet() {
        assertThat(SuiteRun.failures(JoinsNames.class)).containsExactly("keepsKeysApart");
    }

    @Test
    void findsRoundsThatAreDeletedTooSoon() {
        assertThat(SuiteRun.failures(DeletesTooMuch.class)).contains("deletesEarlierRounds");
    }

    private static InMemoryExamples examples() {
        return SyntheticExamples.separableClasses(1, 33, 3, 4);
    }

    @Nested
    class OnExamplesInMemory extends ExampleSourceContract {
        @Override
        protected ExampleSource create() {
            return examples();
        }

        @Override
        protected Optional<ExampleSource> createEmpty() {
            return Optional.of(InMemoryExamples.wrap(Shape.of(3), new float[0], new float[0]));
        }
    }

    @Nested
    class OnASubset extends ExampleSourceContract {
        @Override
        protected ExampleSource create() {
            int[] places = new int[25];
            for (int i = 0; i < places.length; i++) {
                places[i] = 32 - i;
            }
            return examples().subset(places);
        }
    }

    /** Hands everything on; open so that tests can break it. */
    private static class Passing implements ExampleSource {
        final ExampleSource source = examples();

        @Override
        public long exampleCount() {
            return source.exampleCount();
        }

        @Override
        public Shape featureShape() {
            return source.featureShape();
        }

        @Override
        public int targetLength() {
            return source.targetLength();
        }

        @Override
        public BatchReader open(ExampleOrder order) {
            return source.open(order);
        }
    }

    @FailsOnPurpose
    static class IgnoresTheSeed extends ExampleSourceContract {
        @Override
        protected ExampleSource create() {
            return new Passing() {
                @Override
                public BatchReader open(ExampleOrder order) {
                    return super.open(order instanceof ExampleOrder.Shuffled ? ExampleOrder.shuffled(1) : order);
                }
            };
        }
    }

    @FailsOnPurpose
    static class SharesOneReader extends ExampleSourceContract {
        @Override
        protected ExampleSource create() {
            return new Passing() {
                private Optional<BatchReader> current = Optional.empty();

                @Override
                public BatchReader open(ExampleOrder order) {
                    current = Optional.of(super.open(order));
                    return new BatchReader() {
                        @Override
                        public boolean read(Batch batch) {
                            return current.orElseThrow().read(batch);
                        }

                        @Override
                        public void close() {}
                    };
                }
            };
        }
    }

    @FailsOnPurpose
    static class SkipsOneTooMany extends ExampleSourceContract {
        @Override
        protected ExampleSource create() {
            return new Passing() {
                @Override
                public BatchReader open(ExampleOrder order) {
                    BatchReader reader = super.open(order);
                    return new BatchReader() {
                        @Override
                        public boolean read(Batch batch) {
                            return reader.read(batch);
                        }

                        @Override
                        public void skip(long batches, Batch batch) {
                            reader.skip(batches + 1, batch);
                        }

                        @Override
                        public void close() {
                            reader.close();
                        }
                    };
                }
            };
        }
    }

    @FailsOnPurpose
    static class SamplesTooOften extends ExampleSourceContract {
        @Override
        protected ExampleSource create() {
            return new Passing() {
                @Override
                public BatchReader open(ExampleOrder order) {
                    return super.open(
                            order instanceof ExampleOrder.PoissonSampled sampled
                                    ? new ExampleOrder.PoissonSampled(
                                            sampled.seed(),
                                            sampled.uniforms(),
                                            Math.min(1, sampled.rate() * 1.2),
                                            sampled.batches())
                                    : order);
                }
            };
        }
    }

    @FailsOnPurpose
    static class TurnsNumbersRound extends ExampleSourceContract {
        @Override
        protected ExampleSource create() {
            return new Passing() {
                @Override
                public BatchReader open(ExampleOrder order) {
                    if (order instanceof ExampleOrder.PoissonSampled sampled) {
                        return super.open(new ExampleOrder.PoissonSampled(
                                sampled.seed(),
                                () -> {
                                    DoubleSupplier uniforms = sampled.uniforms().get();
                                    return () -> Math.nextDown(1.0) - uniforms.getAsDouble();
                                },
                                sampled.rate(),
                                sampled.batches()));
                    }
                    return super.open(order);
                }
            };
        }
    }

    @Test
    void findsShufflesWithoutTheSeed() {
        assertThat(SuiteRun.failures(IgnoresTheSeed.class)).contains("shufflesEachExampleOnce", "shufflesFar");
    }

    @Test
    void findsReadersThatShare() {
        assertThat(SuiteRun.failures(SharesOneReader.class)).contains("readersDoNotDisturbEachOther");
    }

    @Test
    void findsSkipsThatLeadElsewhere() {
        assertThat(SuiteRun.failures(SkipsOneTooMany.class)).containsExactly("skipsAsIfItHadRead");
    }

    @Test
    void findsAWrongSamplingRate() {
        assertThat(SuiteRun.failures(SamplesTooOften.class)).containsExactly("samplesEachExampleWithTheRate");
    }

    @Test
    void findsSamplesByOtherNumbersThanThoseGiven() {
        assertThat(SuiteRun.failures(TurnsNumbersRound.class)).containsExactly("samplesByTheNumbersItIsGiven");
    }
}
