package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A run may wait for more clients than must answer. */
class MinClientsTest {
    private static final Model MODEL = Model.builder()
            .trainable("weight", Tensor.copyOf(new float[] {1, 2}, 2))
            .build();
    private static final Strategy STRATEGY = Strategy.builder("mean", PlainMean::new, ServerOptimizer::identity)
            .selector(ClientSelector.uniform(1))
            .build();

    /** Clients that come only when somebody waits for them. */
    private static final class Latecomers extends ReorderingRuntime {
        private final List<Integer> awaited = new ArrayList<>();

        Latecomers(Map<String, Client> clients) {
            super(clients, 1);
        }

        @Override
        public boolean awaitClients(int count, Duration timeout) {
            awaited.add(count);
            return super.awaitClients(count, timeout);
        }
    }

    private static Federation.Builder settings(Federation.Builder builder) {
        return builder.strategy(STRATEGY)
                .initialModel(MODEL)
                .federatedEvaluation(false)
                .rounds(2);
    }

    @Test
    void waitsForThemBeforeEachRound() throws Exception {
        Latecomers runtime = new Latecomers(Map.of("a", new DriftClient(1)));

        settings(Federation.of(runtime)).minClients(1).run();

        assertThat(runtime.awaited).containsExactly(1, 1);
    }

    @Test
    void asksNobodyWhenFewerAreThere() {
        AtomicInteger asked = new AtomicInteger();
        Client counting = (task, context) -> {
            asked.incrementAndGet();
            return new DriftClient(1).fit(task, context);
        };

        assertThatThrownBy(() -> settings(Federation.of(List.of(counting, counting)))
                        .minClients(3)
                        .run())
                .isInstanceOf(QuorumNotReachedException.class)
                .hasMessageContaining("clients that could be asked: 2, needed: 3 to be there");
        assertThat(asked).hasValue(0);
    }

    @Test
    void refusesNone() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Federation.of(List.of(new DriftClient(1))).minClients(0))
                .withMessageContaining("minClients must be >= 1, was 0");
    }
}
