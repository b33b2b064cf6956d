package io.fedlearn.core.strategy;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateSpool;
import io.fedlearn.core.update.UpdateTransform;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a round holds of the updates that it decodes. */
class FitProtocolTest {
    private static final int CLIENTS = 12;

    /** Makes a model of one number, as a codec makes long updates of short ones. */
    private static final class Expanding implements UpdateTransform {
        @Override
        public ClientUpdate apply(ClientUpdate update, TransformContext context) {
            Shape shape = context.globalModel().tensors().get(0).shape();
            double value = update.model().orElseThrow().tensors().get(0).get(0);
            Tensor whole = Tensor.computed(
                    TensorType.FLOAT32, shape, (from, block, count) -> Arrays.fill(block, 0, count, value));
            return update.withModel(
                    UpdateForm.MODEL, Model.builder().trainable("weight", whole).build());
        }

        @Override
        public String description() {
            return "expanding";
        }
    }

    /** Looks at an update and leaves it as it is. */
    private static final class Looking implements UpdateTransform {
        @Override
        public ClientUpdate apply(ClientUpdate update, TransformContext context) {
            return update;
        }

        @Override
        public String description() {
            return "looking";
        }
    }

    /** Remembers how many updates came at a time, and the most bytes of them. */
    private static final class Watching implements Aggregator.Streaming {
        private final List<Integer> sizes = new ArrayList<>();
        private final List<String> clients = new ArrayList<>();
        private long mostBytes;

        @Override
        public void begin(Model global) {}

        @Override
        public void accumulate(List<WeightedUpdate> updates) {
            sizes.add(updates.size());
            mostBytes = Math.max(
                    mostBytes,
                    updates.stream()
                            .mapToLong(weighted -> weighted.update().heapBytes())
                            .sum());
            updates.forEach(weighted -> clients.add(weighted.clientId()));
        }

        @Override
        public Aggregate finish() {
            throw new IllegalStateException("not called");
        }
    }

    private static Watching accept(int elements, Supplier<UpdateTransform> transform, int sent) throws Exception {
        Watching rule = new Watching();
        StrategyParts parts = Strategy.builder("Watching", () -> rule, ServerOptimizer::identity)
                .serverTransform(transform)
                .build()
                .start(Config.empty());
        Model global = Model.builder()
                .trainable("weight", Tensor.zeros(TensorType.FLOAT32, Shape.of(elements)))
                .build();
        List<String> cohort =
                IntStream.range(0, CLIENTS).mapToObj(k -> "client-" + (10 + k)).toList();
        ClientUpdate encoded = ClientUpdate.ofModel(
                Model.builder()
                        .trainable("weight", Tensor.zeros(TensorType.FLOAT32, Shape.of(sent)))
                        .build(),
                1);
        try (UpdateSpool spool = UpdateSpool.inTemporaryDirectory()) {
            FitProtocol protocol = new FitProtocol(parts, new RoundProtocol.Context(1, global, cohort, spool));
            assertThat(protocol.accept(cohort.stream()
                            .map(id -> new Exchange.Answer(id, encoded))
                            .toList()))
                    .isEmpty();
        }
        assertThat(rule.clients).isEqualTo(cohort);
        return rule;
    }

    @Test
    void holdsFewDecodedUpdatesOfALargeModelAtATime() throws Exception {
        int elements = 5 << 20;

        Watching rule = accept(elements, Expanding::new, 1);

        assertThat(rule.mostBytes).isBetween((long) elements * Float.BYTES, 32L << 20);
    }

    @Test
    void handsOverAllDecodedUpdatesOfASmallModelAtOnce() throws Exception {
        assertThat(accept(1000, Expanding::new, 1).sizes).containsExactly(CLIENTS);
    }

    @Test
    void handsOverUpdatesOfALargeModelAtOnceWhereNothingIsDecoded() throws Exception {
        int elements = 9 << 20;

        assertThat(accept(elements, Looking::new, elements).sizes).containsExactly(CLIENTS);
    }
}
