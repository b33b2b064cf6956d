package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A rule that needs three updates gets three, or the round is aborted and says who asked for them. */
class LeastUpdatesTest {
    private static final Model MODEL = Model.builder()
            .trainable("weight", Tensor.copyOf(new float[] {1, 2}, 2))
            .build();

    private static final class NeedsThree implements Aggregator.WholeCohort {
        @Override
        public Aggregate aggregate(Model global, List<WeightedUpdate> updates) {
            assertThat(updates).hasSizeGreaterThanOrEqualTo(3);
            PlainMean mean = new PlainMean();
            mean.begin(global);
            mean.accumulate(updates);
            return mean.finish();
        }

        @Override
        public int leastUpdates() {
            return 3;
        }

        @Override
        public String description() {
            return "needs-three";
        }
    }

    private static final Strategy STRATEGY = Strategy.builder("NeedsThree", NeedsThree::new, ServerOptimizer::identity)
            .build();

    private static Federation.Builder of(Client... clients) {
        return Federation.of(List.of(clients))
                .strategy(STRATEGY)
                .initialModel(MODEL)
                .federatedEvaluation(false)
                .rounds(1);
    }

    @Test
    void aggregatesWhenEnoughAnswer() throws Exception {
        Run run = of(new DriftClient(1), new DriftClient(2), new DriftClient(3)).run();

        assertThat(run.records().get(0).isAborted()).isFalse();
    }

    @Test
    void asksNobodyWhenTooFewAreThere() {
        AtomicInteger asked = new AtomicInteger();
        Client counting = (task, context) -> {
            asked.incrementAndGet();
            return new DriftClient(1).fit(task, context);
        };

        assertThatThrownBy(() -> of(counting, counting).run())
                .isInstanceOf(QuorumNotReachedException.class)
                .hasMessageContaining("clients that could be asked: 2, needed: 3 (by needs-three)");
        assertThat(asked).hasValue(0);
    }

    @Test
    void leavesTheModelWhenTooFewAnswer() throws Exception {
        Client failing = (task, context) -> {
            throw new IllegalStateException("no");
        };
        Run run = of(new DriftClient(1), new DriftClient(2), failing)
                .policy(RoundPolicy.defaults().withToleratedAborts(1))
                .run();

        RoundRecord record = run.records().get(0);
        assertThat(record.abortReason().orElseThrow())
                .startsWith("clients that completed: 2 of 3, needed: 3 (by needs-three); client-3 failed");
        assertThat(record.modelDigest()).isEqualTo(MODEL.digest());
    }

    @Test
    void isRefusedWithASelectorOrALimitThatNeverGivesEnough() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> of(new DriftClient(1))
                        .strategy(STRATEGY.withSelector(ClientSelector.uniform(2)))
                        .build())
                .withMessage("every round would be aborted: the selector chooses at most 2 clients, needed: 3"
                        + " (by needs-three)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> of(new DriftClient(1))
                        .policy(RoundPolicy.defaults().withCloseAfter(2))
                        .build())
                .withMessage("closeAfter must be >= quorum, was 2 with a quorum of 3 (by needs-three)");
    }
}
