package io.fedlearn.aggregators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.sun.management.ThreadMXBean;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.strategy.Weighting;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.UpdateSpool;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class WeightedMeanTest {
    private final WeightedMean mean = WeightedMean.create();

    @Test
    void averagesByWeight() {
        Aggregate aggregate = meanOf(model(0, 0, 0), update("a", model(1, -2, 0), 1), update("b", model(5, 2, 0), 3));

        assertThat(aggregate.values(0)).containsExactly(4, 1, 0);
        assertThat(aggregate.form()).isEqualTo(UpdateForm.MODEL);
        assertThat(aggregate.updateCount()).isEqualTo(2);
        assertThat(aggregate.totalWeight()).isEqualTo(4);
    }

    @Test
    void averagesModelDeltasAsModelDeltas() {
        Model global = model(10, 10, 10);

        Aggregate aggregate = meanOf(
                global,
                new WeightedUpdate("a", ClientUpdate.ofModelDelta(model(1, -2, 0), 1), 1),
                new WeightedUpdate("b", ClientUpdate.ofModelDelta(model(3, 2, 0), 1), 1));

        assertThat(aggregate.form()).isEqualTo(UpdateForm.MODEL_DELTA);
        assertThat(aggregate.toModel(global)).isEqualTo(model(12, 10, 10));
    }

    @Test
    void averagesEveryRoleAndRoundsCounters() {
        Model global = batchNorm(0, 0, 0);

        Model next = meanOf(global, update("a", batchNorm(1, 2, 3), 1), update("b", batchNorm(2, 4, 4), 2))
                .toModel(global);

        assertThat(next.tensor("variance").get(0)).isEqualTo(10 / 3.0f);
        assertThat(next.tensor("batches")).isEqualTo(Tensor.scalar(4L));
    }

    /** Contract rule 3, on values that a sum in the tensor's own type, or a rounded product, would not bring back. */
    @ParameterizedTest
    @EnumSource(value = TensorType.class, names = "BOOL", mode = EnumSource.Mode.EXCLUDE)
    void returnsEqualUpdatesThemselvesWhateverTheWeights(TensorType type) {
        Tensor tensor = awkward(type);
        TensorRole role = type.isFloating() ? TensorRole.TRAINABLE : TensorRole.BUFFER;
        Model model = Model.builder().add("x", tensor, role).build();
        double[][] weightings = {
            {1}, {1, 1, 1}, {3, 5, 7, 11, 13}, {720, 0x1p28, 12345}, {0.1, 0.7, 1 / 3.0, Math.PI}, {1e-3, 1e9, 7.7e5}
        };
        for (double[] weights : weightings) {
            List<WeightedUpdate> updates = new ArrayList<>();
            for (int k = 0; k < weights.length; k++) {
                updates.add(update("c" + k, model, weights[k]));
            }

            assertThat(meanOf(model, updates).toModel(model))
                    .as("weights %s", weights)
                    .isEqualTo(model);
        }
    }

    @Test
    void returnsEqualUpdatesOfManyClientsThemselves() {
        Model model = Model.builder()
                .trainable("w", awkward(TensorType.FLOAT64))
                .trainable("h", awkward(TensorType.FLOAT32))
                .counter("n", awkward(TensorType.INT64))
                .build();
        List<WeightedUpdate> updates = new ArrayList<>();
        Random random = new Random(5);
        for (int k = 0; k < 10_000; k++) {
            updates.add(update("c" + k, model, random.nextDouble() + 1e-3));
        }

        assertThat(meanOf(model, updates).toModel(model)).isEqualTo(model);
    }

    @Test
    void roundsMeansOfLargeIntegersToTheNearest() {
        long large = (1L << 62) + 1;
        Model global = counter(TensorType.INT64, 0);

        Model next = meanOf(
                        global,
                        update("a", counter(TensorType.INT64, large), 1),
                        update("b", counter(TensorType.INT64, large + 6), 1))
                .toModel(global);

        assertThat(next).isEqualTo(counter(TensorType.INT64, large + 3));
    }

    @Test
    void addsDeltasOfLargeIntegersExactly() {
        Model global = counter(TensorType.INT64, (1L << 60) + 1);

        Model next = meanOf(
                        global, new WeightedUpdate("a", ClientUpdate.ofModelDelta(counter(TensorType.INT64, 1), 1), 1))
                .toModel(global);

        assertThat(next).isEqualTo(counter(TensorType.INT64, (1L << 60) + 2));
    }

    @Test
    void namesTheIntegerTensorThatADeltaPushesOutOfRange() {
        for (TensorType type : List.of(TensorType.INT8, TensorType.INT64, TensorType.UINT64)) {
            long most = type == TensorType.INT8 ? Byte.MAX_VALUE : type == TensorType.INT64 ? Long.MAX_VALUE : -1;
            Model global = counter(type, most);
            Aggregate aggregate =
                    meanOf(global, new WeightedUpdate("a", ClientUpdate.ofModelDelta(counter(type, 1), 1), 1));

            assertThatExceptionOfType(InvalidUpdateException.class)
                    .isThrownBy(() -> aggregate.toModel(global))
                    .withMessageContaining("'n'")
                    .withMessageContaining(type.toString());
        }
    }

    /** Contract rule 2. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 7})
    void givesTheSameBitsHoweverUpdatesAreSplitOverCalls(int batch) {
        List<WeightedUpdate> updates = randomUpdates(11, 3);
        Model global = updates.get(0).update().model().orElseThrow();
        Model whole = meanOf(global, updates).toModel(global);

        mean.begin(global);
        for (int k = 0; k < updates.size(); k += batch) {
            mean.accumulate(updates.subList(k, Math.min(updates.size(), k + batch)));
        }

        assertThat(mean.finish().toModel(global).digest()).isEqualTo(whole.digest());
    }

    @Test
    void givesTheSameBitsForUpdatesInAFile() {
        List<WeightedUpdate> updates = randomUpdates(6, 4);
        Model global = updates.get(0).update().model().orElseThrow();
        Model expected = meanOf(global, updates).toModel(global);

        try (UpdateSpool spool = UpdateSpool.inTemporaryDirectory()) {
            List<WeightedUpdate> mixed = new ArrayList<>();
            for (WeightedUpdate update : updates) {
                // One of them stays on the heap.
                mixed.add(
                        mixed.size() == 2
                                ? update
                                : new WeightedUpdate(update.clientId(), spool.write(update.update()), update.weight()));
            }
            assertThat(mixed.get(0).update().heapBytes()).isZero();

            assertThat(meanOf(global, mixed).toModel(global)).isEqualTo(expected);
        }
    }

    /** Contract rule 4. */
    @ParameterizedTest
    @ValueSource(doubles = {0x1p-20, 0.5, 8, 0x1p30})
    void changesNothingWhenAllWeightsAreScaledByAPowerOfTwo(double factor) {
        List<WeightedUpdate> updates = randomUpdates(5, 6);
        Model global = updates.get(0).update().model().orElseThrow();

        assertThat(meanOf(global, scaled(updates, factor)).toModel(global))
                .isEqualTo(meanOf(global, updates).toModel(global));
    }

    @ParameterizedTest
    @ValueSource(doubles = {1 / 3.0, 0.7, 1e-5, 12345.678})
    void changesAtMostTheLastBitWhenAllWeightsAreScaled(double factor) {
        List<WeightedUpdate> updates = randomUpdates(5, 7);
        Model global = updates.get(0).update().model().orElseThrow();
        Model expected = meanOf(global, updates).toModel(global);

        Model actual = meanOf(global, scaled(updates, factor)).toModel(global);

        for (String name : List.of("w", "d")) {
            Tensor before = expected.tensor(name);
            double[] largest = new double[(int) before.elementCount()];
            for (WeightedUpdate update : updates) {
                double[] values =
                        update.update().model().orElseThrow().tensor(name).toDoubleArray();
                for (int i = 0; i < largest.length; i++) {
                    largest[i] = Math.max(largest[i], Math.abs(values[i]));
                }
            }
            double[] after = actual.tensor(name).toDoubleArray();
            for (int i = 0; i < largest.length; i++) {
                double lastBit = name.equals("w") ? Math.ulp((float) largest[i]) : Math.ulp(largest[i]);
                assertThat(Math.abs(after[i] - before.get(i))).isLessThanOrEqualTo(lastBit);
            }
        }
    }

    @Test
    void takesWeightedSumsBesideModels() {
        Model global = model(0, 0, 0);
        ClientUpdate sum = sumOf(Tensor.copyOf(new double[] {1 * 1 + 3 * 5, 1 * -2 + 3 * 2, 0}), 4);

        Aggregate aggregate = meanOf(global, new WeightedUpdate("group", sum, 4), update("c", model(8, 3, 2), 2));

        assertThat(aggregate.values(0)).containsExactly((16 + 16) / 6.0, (4 + 6) / 6.0, 4 / 6.0);
        assertThat(aggregate.form()).isEqualTo(UpdateForm.MODEL);
        assertThat(aggregate.totalWeight()).isEqualTo(6);
    }

    @Test
    void countsAWeightedSumAsItsWeightingSays() {
        Model global = model(0, 0, 0);
        ClientUpdate sum = sumOf(Tensor.copyOf(new double[] {4000, 0, -4000}), 1000);

        for (Weighting weighting : List.of(Weighting.uniform(), Weighting.byExamplesUpTo(1))) {
            Aggregate aggregate = meanOf(
                    global, new WeightedUpdate("group", sum, weighting.weight(sum)), update("c", model(2, 2, 2), 1));

            assertThat(aggregate.values(0)).containsExactly(3, 1, -1);
        }
    }

    @Test
    void refusesAModelDeltaBesideModelsAndTakesInNothingOfTheList() {
        Model global = model(0, 0, 0);
        mean.begin(global);
        mean.accumulate(List.of(update("a", model(1, 1, 1), 1)));

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> mean.accumulate(List.of(
                        update("b", model(9, 9, 9), 1),
                        new WeightedUpdate("c", ClientUpdate.ofModelDelta(model(1, 1, 1), 1), 1))))
                .withMessageContaining("'c'")
                .withMessageContaining("MODEL_DELTA")
                .withMessageContaining("'a'")
                .withMessageContaining("a MODEL:");
        assertThat(mean.finish().toModel(global)).isEqualTo(model(1, 1, 1));
    }

    @Test
    void refusesAModelBesideModelDeltas() {
        mean.begin(model(0, 0, 0));

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> mean.accumulate(List.of(
                        new WeightedUpdate("a", ClientUpdate.ofModelDelta(model(1, 1, 1), 1), 1),
                        update("b", model(1, 1, 1), 1))));
        assertThatIllegalStateException().isThrownBy(mean::finish);
    }

    @Test
    void refusesAnUpdateWhoseShapeDiffers() {
        mean.begin(model(0, 0, 0));

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> mean.accumulate(List.of(update("a", model(1, 2), 1))))
                .withMessageContaining("'w'")
                .withMessageContaining("shape");
    }

    @Test
    void refusesABoolByName() {
        Model global = Model.builder()
                .trainable("w", Tensor.scalar(1f))
                .buffer("mask", Tensor.zeros(TensorType.BOOL, Shape.of(3)))
                .build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> mean.begin(global))
                .withMessageContaining("'mask'")
                .withMessageContaining("BOOL");
    }

    @Test
    void namesTheTensorWhoseFloat64SumOverflows() {
        Model huge = Model.builder()
                .trainable("fine", Tensor.scalar(1.0))
                .trainable("huge", Tensor.copyOf(new double[] {0, 1e308}))
                .build();

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> meanOf(huge, update("a", huge, 100), update("b", huge, 100)))
                .withMessageContaining("'huge'")
                .withMessageContaining("not finite");
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void namesTheTensorWithAValueThatIsNotFinite(float value) {
        float[] values = new float[5_000];
        values[4_321] = value;
        Model bad = Model.builder()
                .trainable("fine", Tensor.copyOf(new float[] {1}))
                .trainable("bad", Tensor.wrap(values))
                .build();

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> meanOf(bad, update("a", bad, 1)))
                .withMessageContaining("'bad'")
                .withMessageContaining("not finite");
    }

    @Test
    void hasTheSameBitsOnAnyNumberOfThreads() {
        Random random = new Random(7);
        List<WeightedUpdate> updates = new ArrayList<>();
        for (int k = 0; k < 9; k++) {
            float[] narrow = new float[70_001];
            double[] wide = new double[3_001];
            for (int i = 0; i < narrow.length; i++) {
                narrow[i] = (float) (random.nextGaussian() * Math.pow(10, i % 9));
            }
            Arrays.setAll(wide, i -> random.nextGaussian());
            Model model = Model.builder()
                    .trainable("narrow", Tensor.wrap(narrow))
                    .trainable("wide", Tensor.wrap(wide))
                    .build();
            updates.add(update("c" + k, model, 1 + random.nextDouble()));
        }
        Model global = Model.zeros(updates.get(0).update().model().orElseThrow().spec());
        Model expected = meanOf(global, updates).toModel(global);
        ExecutorService executor = Executors.newFixedThreadPool(3);
        try {
            for (int threads : new int[] {1, 2, 4}) {
                WeightedMean threaded = WeightedMean.onThreads(executor, threads);
                threaded.begin(global);
                threaded.accumulate(updates.subList(0, 6));
                threaded.accumulate(updates.subList(6, 9));

                assertThat(threaded.finish().toModel(global)).isEqualTo(expected);
            }
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void averagesTheLargestFloatsWithoutOverflow() {
        Model large = model(Float.MAX_VALUE, -Float.MAX_VALUE, Float.MIN_VALUE);

        assertThat(meanOf(large, update("a", large, 0x1p40), update("b", large, 0x1p40))
                        .toModel(large))
                .isEqualTo(large);
    }

    @Test
    void namesTheTensorThatHoldsNaN() {
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> meanOf(model(0, 0, 0), update("a", model(1, Float.NaN, 1), 1)))
                .withMessageContaining("'w'");
    }

    @Test
    void refusesWeightsThatAddUpToInfinity() {
        mean.begin(model(0, 0, 0));

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> mean.accumulate(List.of(
                        update("a", model(1, 1, 1), Double.MAX_VALUE), update("b", model(1, 1, 1), Double.MAX_VALUE))))
                .withMessageContaining("weights");
    }

    @Test
    void finishesOnlyAfterAnUpdate() {
        assertThatIllegalStateException().isThrownBy(mean::finish);
        mean.begin(model(0, 0, 0));
        assertThatIllegalStateException().isThrownBy(mean::finish).withMessageContaining("no update");
        mean.accumulate(List.of());
        assertThatIllegalStateException().isThrownBy(mean::finish);
    }

    @Test
    void takesUpdatesBetweenBeginAndFinishOnly() {
        List<WeightedUpdate> updates = List.of(update("a", model(1, 1, 1), 1));
        assertThatIllegalStateException().isThrownBy(() -> mean.accumulate(updates));
        meanOf(model(0, 0, 0), updates);

        assertThatIllegalStateException().isThrownBy(() -> mean.accumulate(updates));
        assertThatIllegalStateException().isThrownBy(mean::finish);
    }

    @Test
    void forgetsTheRoundBeforeAndTakesModelsOfAnotherKind() {
        meanOf(model(0, 0, 0), update("a", model(100, 100, 100), 9));
        assertThat(meanOf(model(0, 0, 0), update("a", model(1, 2, 3), 2)).values(0))
                .containsExactly(1, 2, 3);

        assertThat(meanOf(model(0, 0), update("a", model(4, 5), 2)).values(0)).containsExactly(4, 5);
    }

    @Test
    void neitherChangesNorAliasesUpdates() {
        float[] values = {1, 2, 3};
        Model update = Model.builder().trainable("w", Tensor.wrap(values)).build();
        Aggregate aggregate = meanOf(model(0, 0, 0), update("a", update, 3));

        aggregate.values(0)[0] = 77;

        assertThat(values).containsExactly(1, 2, 3);
    }

    @Test
    void averagesEmptyTensorsAndEmptyModels() {
        Model hollow = Model.builder()
                .trainable("none", Tensor.zeros(TensorType.FLOAT32, Shape.of(0, 7)))
                .build();

        assertThat(meanOf(hollow, update("a", hollow, 1)).toModel(hollow)).isEqualTo(hollow);
        assertThat(meanOf(Model.empty(), update("a", Model.empty(), 1)).toModel(Model.empty()))
                .isEqualTo(Model.empty());
    }

    @Test
    void allocatesNoMemoryOfAModelsSizeAfterTheFirstRound() {
        int count = 1_000_000;
        Model model = Model.builder()
                .trainable("w", Tensor.zeros(TensorType.FLOAT32, Shape.of(count)))
                .trainable("d", Tensor.zeros(TensorType.FLOAT64, Shape.of(count)))
                .build();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (UpdateSpool spool = UpdateSpool.inTemporaryDirectory()) {
            ClientUpdate onDisk = spool.write(ClientUpdate.ofModel(model, 1));
            List<WeightedUpdate> updates = new ArrayList<>();
            for (int k = 0; k < 6; k++) {
                updates.add(k % 2 == 0 ? update("c" + k, model, k + 1) : new WeightedUpdate("c" + k, onDisk, k + 1));
            }
            meanOf(model, updates);

            long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
            meanOf(model, updates);
            long allocated =
                    threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;

            assertThat(allocated).isLessThan(200_000);
        }
    }

    private Aggregate meanOf(Model global, WeightedUpdate... updates) {
        return meanOf(global, List.of(updates));
    }

    private Aggregate meanOf(Model global, List<WeightedUpdate> updates) {
        mean.begin(global);
        mean.accumulate(updates);
        return mean.finish();
    }

    private static WeightedUpdate update(String client, Model model, double weight) {
        return new WeightedUpdate(client, ClientUpdate.ofModel(model, 1), weight);
    }

    private static Model model(float... values) {
        return Model.builder().trainable("w", Tensor.copyOf(values)).build();
    }

    private static Model batchNorm(float weight, float variance, long batches) {
        return Model.builder()
                .trainable("weight", Tensor.scalar(weight))
                .buffer("variance", Tensor.scalar(variance))
                .counter("batches", Tensor.scalar(batches))
                .build();
    }

    private static Model counter(TensorType type, long value) {
        return Model.builder()
                .counter("n", Tensor.ofIntegers(type, Shape.scalar(), new long[] {value}))
                .build();
    }

    private static ClientUpdate sumOf(Tensor sum, long examples) {
        return ClientUpdate.of(
                UpdateForm.WEIGHTED_SUM, Model.builder().trainable("w", sum).build(), examples);
    }

    private static List<WeightedUpdate> scaled(List<WeightedUpdate> updates, double factor) {
        return updates.stream()
                .map(update -> new WeightedUpdate(update.clientId(), update.update(), update.weight() * factor))
                .toList();
    }

    /** Models longer than a block, of three types and of magnitudes from 1e-8 to 1e8. */
    private static List<WeightedUpdate> randomUpdates(int count, long seed) {
        Random random = new Random(seed);
        List<WeightedUpdate> updates = new ArrayList<>();
        for (int k = 0; k < count; k++) {
            float[] floats = new float[20_000];
            double[] doubles = new double[9_000];
            long[] integers = new long[300];
            for (int i = 0; i < floats.length; i++) {
                floats[i] = (float) (random.nextGaussian() * Math.pow(10, i % 17 - 8));
            }
            for (int i = 0; i < doubles.length; i++) {
                doubles[i] = random.nextGaussian() * Math.pow(10, i % 17 - 8);
            }
            for (int i = 0; i < integers.length; i++) {
                integers[i] = random.nextLong();
            }
            Model model = Model.builder()
                    .trainable("w", Tensor.wrap(floats, 200, 100))
                    .trainable("d", Tensor.wrap(doubles))
                    .buffer("i", Tensor.copyOf(integers))
                    .build();
            updates.add(update("c" + k, model, 1 + random.nextInt(1000)));
        }
        return updates;
    }

    private static Tensor awkward(TensorType type) {
        double[] floats = {
            0.1, -0.1, 0.0, -0.0, 1 / 3.0, 1e-8, -12345.678, 1e38, Float.MIN_VALUE, -3e-40, Float.MAX_VALUE, 0.99999994
        };
        return switch (type) {
            case FLOAT64 -> {
                double[] more = Arrays.copyOf(floats, floats.length + 3);
                more[floats.length] = 1e-300;
                more[floats.length + 1] = Math.PI * 1e200;
                more[floats.length + 2] = 9007199254740993e3;
                yield Tensor.wrap(more);
            }
            case FLOAT32 -> Tensor.rounded(type, Shape.of(floats.length), floats);
            case BFLOAT16 -> Tensor.rounded(type, Shape.of(10), Arrays.copyOf(floats, 10));
            case FLOAT16 ->
                Tensor.rounded(type, Shape.of(7), new double[] {0.1, -0.1, 0.0, -0.0, 1 / 3.0, 6e-8, 65504});
            case INT64 ->
                Tensor.copyOf(new long[] {0, -1, 7, (1L << 53) + 1, -(1L << 53) - 1, Long.MAX_VALUE, Long.MIN_VALUE});
            case UINT64 ->
                Tensor.ofIntegers(type, Shape.of(5), new long[] {0, 7, (1L << 53) + 1, Long.MIN_VALUE + 1, -1});
            case INT32 -> Tensor.copyOf(new int[] {0, -1, 7, Integer.MAX_VALUE, Integer.MIN_VALUE});
            case UINT32 -> Tensor.ofIntegers(type, Shape.of(3), new long[] {0, 7, 0xffffffffL});
            case INT16 -> Tensor.ofIntegers(type, Shape.of(3), new long[] {-1, Short.MAX_VALUE, Short.MIN_VALUE});
            case UINT16 -> Tensor.ofIntegers(type, Shape.of(2), new long[] {7, 0xffff});
            case INT8 -> Tensor.ofIntegers(type, Shape.of(3), new long[] {-1, 127, -128});
            default -> Tensor.ofIntegers(type, Shape.of(2), new long[] {7, 255});
        };
    }
}
