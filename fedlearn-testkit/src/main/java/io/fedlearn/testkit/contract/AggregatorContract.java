package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorData;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.PartState;
import io.fedlearn.core.update.UpdateSpool;
import io.fedlearn.testkit.generator.ModelGenerator;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Tests the rules of {@link Aggregator}, for streaming rules and for those that need the whole cohort; a subclass supplies the
 * aggregator. Numbers in the names of the tests are those of the rules.
 */
public abstract class AggregatorContract {
    private static final double[] SCALES = {4, 3, 0.1, 1e6};

    /** For subclasses. */
    protected AggregatorContract() {}

    /** A new aggregator, always with the same settings. */
    protected abstract Aggregator create();

    /** How many updates a round of the suite has, for rules that need a number of them: 7 by default. */
    protected int cohortSize() {
        return 7;
    }

    /**
     * The model that is aggregated. By default it has trainables, buffers and counters of several types, among them an empty
     * tensor, a scalar and one longer than the blocks in which tensors are read.
     */
    protected ModelSpec spec() {
        return ModelSpec.of(List.of(
                new TensorSpec("weights", TensorType.FLOAT32, Shape.of(40, 30), TensorRole.TRAINABLE),
                new TensorSpec("scalar", TensorType.FLOAT32, Shape.scalar(), TensorRole.TRAINABLE),
                new TensorSpec("wide", TensorType.FLOAT64, Shape.of(17), TensorRole.TRAINABLE),
                new TensorSpec("half", TensorType.FLOAT16, Shape.of(9), TensorRole.TRAINABLE),
                new TensorSpec("brain", TensorType.BFLOAT16, Shape.of(9), TensorRole.TRAINABLE),
                new TensorSpec("empty", TensorType.FLOAT32, Shape.of(3, 0), TensorRole.TRAINABLE),
                new TensorSpec("mean", TensorType.FLOAT32, Shape.of(30), TensorRole.BUFFER),
                new TensorSpec("batches", TensorType.INT64, Shape.scalar(), TensorRole.COUNTER),
                new TensorSpec("small", TensorType.UINT8, Shape.of(4), TensorRole.COUNTER),
                new TensorSpec("long", TensorType.FLOAT32, Shape.of(20_011), TensorRole.TRAINABLE)));
    }

    /**
     * Completes an update by what the rule reads beside the model, such as a metric or a side tensor; by default it reads
     * nothing. For the same update and client always the same.
     *
     * @param client counted from 0; its reports may differ from another client's
     */
    protected ClientUpdate withReports(ClientUpdate update, int client) {
        return update;
    }

    /**
     * Whether equal updates with equal reports return themselves, as with any mean. A rule that scales updates says no, and
     * tests what it does instead.
     */
    protected boolean returnsEqualUpdates() {
        return true;
    }

    private Model global() {
        return ModelGenerator.of(99).nextModerate(spec());
    }

    private List<WeightedUpdate> cohort(long seed) {
        ModelGenerator generator = ModelGenerator.of(seed);
        List<WeightedUpdate> updates = new ArrayList<>();
        for (int i = 0; i < cohortSize(); i++) {
            ClientUpdate update = withReports(generator.nextUpdate(spec()), i);
            updates.add(new WeightedUpdate(id(i), update, update.exampleCount()));
        }
        return updates;
    }

    private static String id(int client) {
        return String.format("client%05d", client);
    }

    private static Aggregate aggregate(Aggregator aggregator, Model global, List<WeightedUpdate> updates) {
        if (aggregator instanceof Aggregator.Streaming streaming) {
            streaming.begin(global);
            streaming.accumulate(updates);
            return streaming.finish();
        }
        return ((Aggregator.WholeCohort) aggregator).aggregate(global, updates);
    }

    private static Model result(Aggregator aggregator, Model global, List<WeightedUpdate> updates) {
        return aggregate(aggregator, global, updates).toModel(global);
    }

    private static void requireClose(Model actual, Model expected, double lastBits) {
        assertThat(actual.spec()).isEqualTo(expected.spec());
        for (int i = 0; i < expected.spec().size(); i++) {
            TensorSpec tensor = expected.spec().tensors().get(i);
            double[] have = actual.tensors().get(i).toDoubleArray();
            double[] want = expected.tensors().get(i).toDoubleArray();
            for (int j = 0; j < want.length; j++) {
                if (Math.abs(have[j] - want[j]) > lastBits * lastBit(tensor.type(), want[j]) + 1e-13) {
                    throw new AssertionError(
                            "tensor '" + tensor.name() + "' should be " + want[j] + " at " + j + ", was " + have[j]);
                }
            }
        }
    }

    private static double lastBit(TensorType type, double value) {
        return switch (type) {
            case FLOAT16 -> Math.max(0x1p-24, Math.abs(value) * 0x1p-10);
            case BFLOAT16 -> Math.abs(value) * 0x1p-7;
            case FLOAT32 -> Math.ulp((float) value);
            case FLOAT64 -> 4 * Math.ulp(value);
            default -> 1;
        };
    }

    @Test
    @DisplayName("rule 1: the same updates give the same bits, from new aggregators and from one that is used again")
    void sameUpdatesGiveSameBits() {
        List<WeightedUpdate> updates = cohort(1);
        Aggregator used = create();
        Model first = result(used, global(), updates);

        assertThat(result(create(), global(), updates)).isEqualTo(first);
        result(used, global(), cohort(2));
        PartState kept = used.snapshot();
        if (kept.isEmpty()) {
            assertThat(result(used, global(), updates)).isEqualTo(first);
        }
    }

    @Test
    @DisplayName("rule 1: the result depends on the updates")
    void otherUpdatesGiveAnotherModel() {
        assertThat(result(create(), global(), cohort(1))).isNotEqualTo(result(create(), global(), cohort(2)));
    }

    @Test
    @DisplayName("rule 2: how updates are split over calls changes nothing")
    void splittingChangesNothing() {
        Aggregator aggregator = create();
        assumeTrue(aggregator instanceof Aggregator.Streaming);
        Aggregator.Streaming streaming = (Aggregator.Streaming) aggregator;
        List<WeightedUpdate> updates = cohort(1);
        Model expected = result(create(), global(), updates);

        for (int first = 0; first <= updates.size(); first++) {
            Aggregator.Streaming split = first == 0 ? streaming : (Aggregator.Streaming) create();
            split.begin(global());
            if (first > 0) {
                split.accumulate(updates.subList(0, first));
            }
            for (WeightedUpdate update : updates.subList(first, updates.size())) {
                split.accumulate(List.of(update));
            }
            assertThat(split.finish().toModel(global()))
                    .as("%s at once, then one by one", first)
                    .isEqualTo(expected);
        }
    }

    @Test
    @DisplayName("rule 2: whether updates lie on the heap or in a file changes nothing")
    void spoolingChangesNothing() {
        List<WeightedUpdate> updates = cohort(1);
        Model expected = result(create(), global(), updates);

        try (UpdateSpool spool = UpdateSpool.inTemporaryDirectory()) {
            List<WeightedUpdate> spooled = updates.stream()
                    .map(update -> new WeightedUpdate(update.clientId(), spool.write(update.update()), update.weight()))
                    .toList();
            assertThat(result(create(), global(), spooled)).isEqualTo(expected);
        }
    }

    @Test
    @DisplayName("rule 3: equal updates return themselves (float64 up to 4 units in the last place)")
    void equalUpdatesReturnThemselves() {
        assumeTrue(returnsEqualUpdates());
        Model model = ModelGenerator.of(3).nextModerate(spec());
        ClientUpdate update = withReports(ClientUpdate.ofModel(model, 5), 0);
        List<WeightedUpdate> updates = new ArrayList<>();
        double[] weights = {3, 1, 10, 0.7, 1000, 17};
        for (int i = 0; i < cohortSize(); i++) {
            updates.add(new WeightedUpdate(id(i), update, weights[i % weights.length]));
        }

        Model result = result(create(), global(), updates);

        assertThat(result.spec()).isEqualTo(model.spec());
        for (int i = 0; i < model.spec().size(); i++) {
            if (model.spec().tensors().get(i).type() != TensorType.FLOAT64) {
                assertThat(result.tensors().get(i))
                        .as(model.spec().tensors().get(i).name())
                        .isEqualTo(model.tensors().get(i));
            }
        }
        requireClose(result, model, 1);
    }

    @Test
    @DisplayName("rule 3: equal model deltas move the global model by themselves")
    void equalDeltasReturnThemselves() {
        assumeTrue(takesModelDeltas() && returnsEqualUpdates());
        Model delta = ModelGenerator.of(4).nextModerate(spec());
        ClientUpdate update = withReports(ClientUpdate.ofModelDelta(delta, 5), 0);
        List<WeightedUpdate> updates = new ArrayList<>();
        for (int i = 0; i < cohortSize(); i++) {
            updates.add(new WeightedUpdate(id(i), update, i + 1));
        }
        Model global = global();
        List<Tensor> sums = new ArrayList<>();
        for (int i = 0; i < spec().size(); i++) {
            double[] sum = global.tensors().get(i).toDoubleArray();
            delta.tensors().get(i).addScaledTo(0, sum, 0, sum.length, 1);
            sums.add(Tensor.rounded(
                    spec().tensors().get(i).type(), spec().tensors().get(i).shape(), sum));
        }

        requireClose(result(create(), global, updates), Model.of(spec(), sums), 1);
    }

    /** Whether the rule combines updates of form {@link UpdateForm#MODEL_DELTA} too. By default it does. */
    protected boolean takesModelDeltas() {
        return true;
    }

    @Test
    @DisplayName("rule 4: scaling all weights changes at most the last bit")
    void scalingWeightsChangesNothing() {
        List<WeightedUpdate> updates = cohort(1);
        Model expected = result(create(), global(), updates);

        for (double scale : SCALES) {
            List<WeightedUpdate> scaled = updates.stream()
                    .map(update -> new WeightedUpdate(update.clientId(), update.update(), scale * update.weight()))
                    .toList();
            requireClose(result(create(), global(), scaled), expected, 1);
        }
    }

    @Test
    @DisplayName("rule 5: updates and the global model are not changed")
    void leavesUpdatesAsTheyAre() {
        Model global = global();
        Model globalBefore = Bits.copyOf(global);
        List<WeightedUpdate> updates = cohort(1);
        List<Map<String, Object>> before =
                updates.stream().map(update -> Bits.copyOf(update.update())).toList();

        Aggregate aggregate = aggregate(create(), global, updates);
        for (int i = 0; i < spec().size(); i++) {
            // What the aggregate's arrays hold is the aggregator's, so writing there must not reach an update.
            double[] values = aggregate.values(i);
            for (int j = 0; j < values.length; j++) {
                values[j] = 12345;
            }
        }

        assertThat(updates.stream().map(update -> Bits.copyOf(update.update())).toList())
                .isEqualTo(before);
        assertThat(Bits.copyOf(global)).isEqualTo(globalBefore);
    }

    @Test
    @DisplayName("rule 5: updates are not kept")
    void letsGoOfUpdates() {
        Aggregator aggregator = create();
        List<WeakReference<Bytes>> updates = new ArrayList<>();
        Aggregate aggregate = aggregateWatched(aggregator, updates);

        for (int i = 0; i < 50 && updates.stream().anyMatch(update -> update.get() != null); i++) {
            System.gc();
        }

        assertThat(updates).isNotEmpty().allMatch(update -> update.get() == null);
        // Both are still in use, so what they refer to would have been kept.
        assertThat(aggregate.updateCount()).isBetween(1, cohortSize());
        aggregator.restore(aggregator.snapshot());
    }

    private static final class Bytes implements TensorData {
        private final byte[] values;

        Bytes(byte[] values) {
            this.values = values;
        }

        @Override
        public void read(long byteOffset, ByteBuffer target) {
            target.put(values, (int) byteOffset, target.remaining());
        }
    }

    private Aggregate aggregateWatched(Aggregator aggregator, List<WeakReference<Bytes>> watched) {
        List<WeightedUpdate> updates = new ArrayList<>();
        for (WeightedUpdate update : cohort(1)) {
            Model model = update.update().model().orElseThrow();
            List<Tensor> tensors = new ArrayList<>();
            for (Tensor tensor : model.tensors()) {
                ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(tensor.byteCount()));
                tensor.encodeTo(0, bytes);
                Bytes data = new Bytes(bytes.array());
                watched.add(new WeakReference<>(data));
                tensors.add(Tensor.of(tensor.type(), tensor.shape(), data));
            }
            ClientUpdate watchedUpdate = update.update().withModel(UpdateForm.MODEL, Model.of(spec(), tensors));
            updates.add(new WeightedUpdate(update.clientId(), watchedUpdate, update.weight()));
        }
        return aggregate(aggregator, global(), updates);
    }

    @Test
    @DisplayName("rule 6: after snapshot and restore the next rounds give the same bits")
    void continuesFromASnapshot() {
        Aggregator first = create();
        result(first, global(), cohort(1));
        PartState state = first.snapshot();
        PartState copy = Bits.copyOf(state);
        Model second = result(first, global(), cohort(2));
        Model third = result(first, global(), cohort(3));
        assertThat(Bits.copyOf(state))
                .as("a snapshot does not change when rounds go on")
                .isEqualTo(copy);

        Aggregator resumed = create();
        resumed.restore(state);

        assertThat(result(resumed, global(), cohort(2))).isEqualTo(second);
        assertThat(result(resumed, global(), cohort(3))).isEqualTo(third);
    }

    @Test
    @DisplayName("rule 6: restoring the empty state changes nothing")
    void startsFromTheEmptyState() {
        Aggregator restored = create();
        restored.restore(PartState.empty());

        assertThat(result(restored, global(), cohort(1))).isEqualTo(result(create(), global(), cohort(1)));
    }

    @Test
    @DisplayName("begin: forgets what was accumulated before")
    void beginForgetsAnUnfinishedRound() {
        Aggregator aggregator = create();
        assumeTrue(aggregator instanceof Aggregator.Streaming);
        Aggregator.Streaming streaming = (Aggregator.Streaming) aggregator;
        streaming.begin(global());
        streaming.accumulate(cohort(2));

        assertThat(result(streaming, global(), cohort(1))).isEqualTo(result(create(), global(), cohort(1)));
    }

    @Test
    @DisplayName("finish: without an update is refused")
    void finishNeedsAnUpdate() {
        Aggregator aggregator = create();
        assumeTrue(aggregator instanceof Aggregator.Streaming);
        Aggregator.Streaming streaming = (Aggregator.Streaming) aggregator;
        streaming.begin(global());

        assertThatIllegalStateException().isThrownBy(streaming::finish);
    }

    @Test
    @DisplayName("the aggregate says from how many updates it comes, and is finite")
    void aggregateDescribesItself() {
        Aggregate aggregate = aggregate(create(), global(), cohort(1));

        assertThat(aggregate.spec()).isEqualTo(spec());
        assertThat(aggregate.form()).isNotEqualTo(UpdateForm.WEIGHTED_SUM);
        assertThat(aggregate.updateCount()).isBetween(1, cohortSize());
        assertThat(aggregate.totalWeight()).isPositive().isFinite();
        for (int i = 0; i < spec().size(); i++) {
            assertThat(aggregate.values(i)).doesNotContain(Double.NaN, Double.POSITIVE_INFINITY);
        }
    }
}
