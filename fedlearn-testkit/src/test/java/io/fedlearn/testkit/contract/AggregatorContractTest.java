package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class AggregatorContractTest {
    @Nested
    class OnAMean extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return new MeanAggregator();
        }
    }

    @Nested
    class OnARuleThatNeedsTheWholeCohort extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return (Aggregator.WholeCohort) (global, updates) -> mean(global, updates);
        }
    }

    private static Aggregate mean(Model global, List<WeightedUpdate> updates) {
        MeanAggregator mean = new MeanAggregator();
        mean.begin(global);
        mean.accumulate(updates);
        return mean.finish();
    }

    @FailsOnPurpose
    static class DependsOnSplitting extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return new MeanAggregator() {
                @Override
                public void accumulate(List<WeightedUpdate> updates) {
                    // Takes in a call's mean as if it were one update.
                    if (updates.size() == 1) {
                        super.accumulate(updates);
                        return;
                    }
                    Aggregate mean = mean(global, updates);
                    add(new WeightedUpdate("all", ClientUpdate.ofModel(mean.toModel(global), 1), mean.totalWeight()));
                }
            };
        }
    }

    @FailsOnPurpose
    static class ForgetsToDivide extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return new MeanAggregator() {
                @Override
                public Aggregate finish() {
                    weight = 1;
                    return super.finish();
                }
            };
        }
    }

    @FailsOnPurpose
    static class KeepsUpdates extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return new MeanAggregator() {
                private final List<WeightedUpdate> kept = new ArrayList<>();

                @Override
                void add(WeightedUpdate update) {
                    kept.add(update);
                    super.add(update);
                }
            };
        }
    }

    @FailsOnPurpose
    static class ForgetsToForget extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return new MeanAggregator() {
                @Override
                public void begin(Model start) {
                    if (sums.isEmpty()) {
                        super.begin(start);
                    }
                }
            };
        }
    }

    @FailsOnPurpose
    static class KeepsStateOutsideTheSnapshot extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return new MeanAggregator() {
                private int rounds;

                @Override
                public Aggregate finish() {
                    weight *= ++rounds;
                    return super.finish();
                }
            };
        }
    }

    @FailsOnPurpose
    static class IgnoresEmptyRounds extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return new MeanAggregator() {
                @Override
                public Aggregate finish() {
                    return count > 0 ? super.finish() : Aggregate.wrap(form, global.spec(), sums, 0, 0);
                }
            };
        }
    }

    @FailsOnPurpose
    static class SumsInFloat extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return new MeanAggregator() {
                @Override
                void add(WeightedUpdate update) {
                    super.add(update);
                    // Rounds its sums to float at every update.
                    for (double[] sum : sums) {
                        for (int j = 0; j < sum.length; j++) {
                            sum[j] = (float) sum[j];
                        }
                    }
                }
            };
        }
    }

    @FailsOnPurpose
    static class AnswersFromRandomness extends AggregatorContract {
        private final SeededRandom random = SeededRandom.of(1);

        @Override
        protected Aggregator create() {
            return (Aggregator.WholeCohort) (global, updates) -> {
                List<WeightedUpdate> some = new ArrayList<>(updates);
                some.remove(random.nextInt(some.size()));
                return mean(global, some);
            };
        }
    }

    @FailsOnPurpose
    static class IgnoresUpdates extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return (Aggregator.WholeCohort) (global, updates) -> {
                List<double[]> values =
                        global.tensors().stream().map(Tensor::toDoubleArray).toList();
                return Aggregate.wrap(updates.get(0).update().form(), global.spec(), values, updates.size(), 1);
            };
        }
    }

    @Test
    void findsWhatDependsOnSplitting() {
        assertThat(SuiteRun.failures(DependsOnSplitting.class)).contains("splittingChangesNothing");
    }

    @Test
    void findsSumsThatAreNoMeans() {
        assertThat(SuiteRun.failures(ForgetsToDivide.class))
                .contains("equalUpdatesReturnThemselves", "scalingWeightsChangesNothing");
    }

    @Test
    void findsKeptUpdates() {
        assertThat(SuiteRun.failures(KeepsUpdates.class)).containsExactly("letsGoOfUpdates");
    }

    @Test
    void findsRoundsThatAreNotForgotten() {
        assertThat(SuiteRun.failures(ForgetsToForget.class)).contains("beginForgetsAnUnfinishedRound");
    }

    @Test
    void findsStateOutsideTheSnapshot() {
        assertThat(SuiteRun.failures(KeepsStateOutsideTheSnapshot.class)).contains("continuesFromASnapshot");
    }

    @Test
    void findsEmptyRoundsThatPass() {
        assertThat(SuiteRun.failures(IgnoresEmptyRounds.class)).containsExactly("finishNeedsAnUpdate");
    }

    @Test
    void findsSumsInFloat() {
        assertThat(SuiteRun.failures(SumsInFloat.class)).contains("equalUpdatesReturnThemselves");
    }

    @Test
    void findsRandomness() {
        assertThat(SuiteRun.failures(AnswersFromRandomness.class)).contains("sameUpdatesGiveSameBits");
    }

    @Test
    void findsUpdatesThatDoNotCount() {
        assertThat(SuiteRun.failures(IgnoresUpdates.class)).contains("otherUpdatesGiveAnotherModel");
    }
}
