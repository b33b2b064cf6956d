package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.PartState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class ServerOptimizerContractTest {
    @Nested
    class OnIdentity extends ServerOptimizerContract {
        @Override
        protected ServerOptimizer create() {
            return ServerOptimizer.identity();
        }
    }

    @Nested
    class OnMomentum extends ServerOptimizerContract {
        @Override
        protected ServerOptimizer create() {
            return new Momentum();
        }
    }

    /** {@code v = v / 2 + d, w = w + v} on trainables. */
    private static class Momentum implements ServerOptimizer {
        List<double[]> velocity = new ArrayList<>();

        boolean moves(TensorSpec tensor) {
            return tensor.role() == TensorRole.TRAINABLE;
        }

        @Override
        public Model step(Model global, Aggregate aggregate) {
            Model target = aggregate.toModel(global);
            List<Tensor> tensors = new ArrayList<>();
            for (int i = 0; i < global.spec().size(); i++) {
                TensorSpec spec = global.spec().tensors().get(i);
                double[] start = global.tensors().get(i).toDoubleArray();
                double[] end = target.tensors().get(i).toDoubleArray();
                if (velocity.size() <= i) {
                    velocity.add(new double[start.length]);
                }
                for (int j = 0; j < start.length; j++) {
                    velocity.get(i)[j] = 0.5 * velocity.get(i)[j] + end[j] - start[j];
                    start[j] += velocity.get(i)[j];
                }
                tensors.add(
                        moves(spec)
                                ? Tensor.rounded(spec.type(), spec.shape(), start)
                                : target.tensors().get(i));
            }
            return Model.of(global.spec(), tensors);
        }

        @Override
        public PartState snapshot() {
            if (velocity.isEmpty()) {
                return PartState.empty();
            }
            Model.Builder builder = Model.builder();
            for (int i = 0; i < velocity.size(); i++) {
                builder.buffer("v" + i, tensor(velocity.get(i)));
            }
            return new PartState(Map.of("velocity", builder.build()), Config.empty());
        }

        Tensor tensor(double[] values) {
            return Tensor.copyOf(values);
        }

        @Override
        public void restore(PartState state) {
            velocity = new ArrayList<>();
            if (!state.isEmpty()) {
                Objects.requireNonNull(state.tensors().get("velocity"))
                        .tensors()
                        .forEach(tensor -> velocity.add(tensor.toDoubleArray()));
            }
        }
    }

    @FailsOnPurpose
    static class MovesBuffers extends ServerOptimizerContract {
        @Override
        protected ServerOptimizer create() {
            return new Momentum() {
                @Override
                boolean moves(TensorSpec tensor) {
                    return tensor.type().isFloating();
                }
            };
        }
    }

    @FailsOnPurpose
    static class ForgetsItsState extends ServerOptimizerContract {
        @Override
        protected ServerOptimizer create() {
            return new Momentum() {
                @Override
                public PartState snapshot() {
                    return PartState.empty();
                }
            };
        }
    }

    @FailsOnPurpose
    static class LendsItsState extends ServerOptimizerContract {
        @Override
        protected ServerOptimizer create() {
            return new Momentum() {
                @Override
                Tensor tensor(double[] values) {
                    return Tensor.wrap(values);
                }
            };
        }
    }

    @FailsOnPurpose
    static class WritesIntoTheAggregate extends ServerOptimizerContract {
        @Override
        protected ServerOptimizer create() {
            return (global, aggregate) -> {
                Model model = aggregate.toModel(global);
                double[] values = aggregate.values(0);
                for (int j = 0; j < values.length; j++) {
                    values[j] *= 2;
                }
                return model;
            };
        }
    }

    @FailsOnPurpose
    static class LendsTheAggregate extends ServerOptimizerContract {
        @Override
        protected ServerOptimizer create() {
            return (global, aggregate) -> {
                List<Tensor> tensors = new ArrayList<>(aggregate.toModel(global).tensors());
                int wide = global.spec().indexOf("wide");
                tensors.set(wide, Tensor.wrap(aggregate.values(wide)));
                return Model.of(global.spec(), tensors);
            };
        }
    }

    @FailsOnPurpose
    static class StandsStill extends ServerOptimizerContract {
        @Override
        protected ServerOptimizer create() {
            return (global, aggregate) -> global;
        }
    }

    @Test
    void findsMovedBuffers() {
        assertThat(SuiteRun.failures(MovesBuffers.class)).containsExactly("takesOverBuffersAndCounters");
    }

    @Test
    void findsStateOutsideTheSnapshot() {
        assertThat(SuiteRun.failures(ForgetsItsState.class)).containsExactly("continuesFromASnapshot");
    }

    @Test
    void findsSnapshotsThatChange() {
        assertThat(SuiteRun.failures(LendsItsState.class)).containsExactly("continuesFromASnapshot");
    }

    @Test
    void findsChangedAggregates() {
        assertThat(SuiteRun.failures(WritesIntoTheAggregate.class)).containsExactly("leavesInputsAsTheyAre");
    }

    @Test
    void findsModelsThatShareTheAggregatesArrays() {
        assertThat(SuiteRun.failures(LendsTheAggregate.class)).contains("doesNotAliasTheAggregate");
    }

    @Test
    void findsAnOptimizerThatDoesNothing() {
        assertThat(SuiteRun.failures(StandsStill.class)).contains("movesTrainables", "takesOverBuffersAndCounters");
    }
}
