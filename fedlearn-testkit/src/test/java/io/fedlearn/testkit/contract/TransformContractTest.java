package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.PartState;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import io.fedlearn.testkit.transform.ScaleTransform;
import io.fedlearn.testkit.transform.ShiftTransform;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class TransformContractTest {
    @Nested
    class OnScaling extends TransformContract {
        @Override
        protected UpdateTransform create() {
            return ScaleTransform.of(0.3);
        }
    }

    @Nested
    class OnShifting extends TransformContract {
        @Override
        protected UpdateTransform create() {
            return ShiftTransform.of(0.3);
        }

        @Override
        protected boolean runsAtClient() {
            return false;
        }
    }

    @Nested
    class OnCountingInClientState extends TransformContract {
        @Override
        protected UpdateTransform create() {
            return new Counting() {
                @Override
                public ClientUpdate apply(ClientUpdate update, TransformContext context) {
                    ClientState state = context.clientState().orElseThrow();
                    count = state.load("count")
                            .map(kept -> kept.tensor("count").toLongArray()[0])
                            .orElse(0L);
                    ClientUpdate counted = super.apply(update, context);
                    state.save(
                            "count",
                            Model.builder()
                                    .counter("count", Tensor.scalar(count))
                                    .build());
                    return counted;
                }
            };
        }
    }

    @Nested
    class OnCountingInTheSnapshot extends TransformContract {
        @Override
        protected boolean runsAtClient() {
            return false;
        }

        @Override
        protected UpdateTransform create() {
            return new Counting() {
                @Override
                public PartState snapshot() {
                    return new PartState(Map.of(), Config.empty().with("count", count));
                }

                @Override
                public void restore(PartState state) {
                    count = state.values().getLong("count").orElse(0L);
                }
            };
        }
    }

    /** Numbers updates, and keeps the number in a field alone. */
    private static class Counting implements UpdateTransform {
        long count;

        @Override
        public ClientUpdate apply(ClientUpdate update, TransformContext context) {
            return update.withValue("count", ++count);
        }

        @Override
        public String description() {
            return "counting";
        }
    }

    @FailsOnPurpose
    static class CountsInAField extends TransformContract {
        @Override
        protected UpdateTransform create() {
            return new Counting();
        }
    }

    @FailsOnPurpose
    static class IgnoresTheSeed extends TransformContract {
        private static final SeededRandom SHARED = SeededRandom.of(1);

        @Override
        protected UpdateTransform create() {
            return new Counting() {
                @Override
                public ClientUpdate apply(ClientUpdate update, TransformContext context) {
                    return update.withValue("noise", SHARED.nextDouble());
                }
            };
        }
    }

    @FailsOnPurpose
    static class ChangesTheUpdate extends TransformContract {
        private final float[] shared = {1, 2, 3};

        @Override
        protected ClientUpdate update(long seed) {
            return super.update(seed)
                    .withTensors(
                            "side",
                            Model.builder().buffer("side", Tensor.wrap(shared)).build());
        }

        @Override
        protected UpdateTransform create() {
            return new Counting() {
                @Override
                public ClientUpdate apply(ClientUpdate update, TransformContext context) {
                    shared[0] += 1;
                    return update;
                }
            };
        }
    }

    @Test
    void findsStateInFields() {
        assertThat(SuiteRun.failures(CountsInAField.class)).contains("keepsNothingElsewhere");
    }

    @Test
    void findsRandomnessWithoutTheSeed() {
        assertThat(SuiteRun.failures(IgnoresTheSeed.class)).contains("sameUpdateGivesSameBits");
    }

    @Test
    void findsChangedUpdates() {
        assertThat(SuiteRun.failures(ChangesTheUpdate.class)).contains("leavesTheUpdateAsItIs");
    }
}
