package io.fedlearn.aggregators.robust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.aggregators.FedProx;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.testkit.generator.ModelGenerator;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the rules do with types, roles, ties and cohorts that are too small. */
class RobustRulesTest {
    record Rule(String name, Supplier<Aggregator> aggregator) {
        Aggregate aggregate(Model global, List<WeightedUpdate> updates) {
            return RobustRulesTest.aggregate(aggregator, global, updates);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /** Every rule, with settings that bear 1 bad client of 7. */
    static List<Rule> rules() {
        return List.of(
                new Rule("median", CoordinateMedian.aggregator(1)),
                new Rule("trimmed mean", TrimmedMean.aggregator(1)),
                new Rule("Krum", Krum.aggregator(1)),
                new Rule("Multi-Krum", MultiKrum.aggregator(1)),
                new Rule("Bulyan", Bulyan.aggregator(1)),
                new Rule("RFA", GeometricMedian.builder().badClients(1).aggregator()));
    }

    static Aggregate aggregate(Supplier<Aggregator> aggregator, Model global, List<WeightedUpdate> updates) {
        return ((Aggregator.WholeCohort) aggregator.get()).aggregate(global, updates);
    }

    static List<WeightedUpdate> updates(List<Model> models) {
        List<WeightedUpdate> updates = new ArrayList<>();
        for (Model model : models) {
            updates.add(
                    new WeightedUpdate(String.format("client%03d", updates.size()), ClientUpdate.ofModel(model, 1), 1));
        }
        return updates;
    }

    private static Model result(Supplier<Aggregator> aggregator, List<Model> models) {
        Model global = Model.zeros(models.get(0).spec());
        return aggregate(aggregator, global, updates(models)).toModel(global);
    }

    /** One trainable that puts the models in a row, the middle one in the middle, and a counter. */
    private static List<Model> counting(TensorType type, long... counts) {
        return LongStream.range(0, counts.length)
                .mapToObj(k -> Model.builder()
                        .trainable("weight", Tensor.wrap(new float[] {k}))
                        .counter("count", Tensor.ofIntegers(type, Shape.of(1), new long[] {counts[(int) k]}))
                        .build())
                .toList();
    }

    private static long count(Model model) {
        return model.tensor("count").toLongArray()[0];
    }

    @Test
    void medianOf64BitIntegersIsOneOfThem() {
        long large = (1L << 62) + 1;
        assertThat(count(result(CoordinateMedian.aggregator(), counting(TensorType.INT64, large, -large, large + 2))))
                .isEqualTo(large);
        assertThat(count(result(CoordinateMedian.aggregator(), counting(TensorType.UINT64, -1, -2, 5))))
                .as("2^64 - 2, of unsigned numbers")
                .isEqualTo(-2);
    }

    @Test
    void meansOf64BitIntegersAreExactBeforeTheyAreRoundedOnce() {
        long large = (1L << 62) + 1;
        assertThat(count(result(CoordinateMedian.aggregator(), counting(TensorType.INT64, 0, large, large + 2, -1))))
                .as("the middle is (0 + large) / 2, a tie, to even")
                .isEqualTo(1L << 61);
        assertThat(count(result(
                        TrimmedMean.aggregator(1),
                        counting(TensorType.INT64, large, -9, large + 3, large + 6, Long.MAX_VALUE))))
                .isEqualTo(large + 3);
        assertThat(count(result(TrimmedMean.aggregator(1), counting(TensorType.UINT64, 0, -1, -3, -5, -1))))
                .as("2^64 - 3, of 2^64 - 5, - 3 and - 1")
                .isEqualTo(-3);
        assertThat(count(result(
                        TrimmedMean.aggregator(0), counting(TensorType.INT64, Long.MIN_VALUE, Long.MIN_VALUE, -7))))
                .isEqualTo(-6148914691236517208L);
    }

    @Test
    void bulyanTakesThe64BitIntegersNearestToTheirMedian() {
        // All are picked but one at either end of the row; nothing may overflow on the way to the nearest three.
        long[] counts = {0, Long.MAX_VALUE, 3, 1, Long.MIN_VALUE, 2, 0};

        assertThat(count(result(Bulyan.aggregator(1), counting(TensorType.INT64, counts))))
                .isBetween(1L, 3L);
    }

    @Test
    void integersOfUpTo32BitsAreRoundedToEven() {
        assertThat(count(result(CoordinateMedian.aggregator(), counting(TensorType.INT32, 1, 2, 3, 4))))
                .isEqualTo(2);
        assertThat(count(result(
                        TrimmedMean.aggregator(0), counting(TensorType.UINT32, 0xffffffffL, 0xffffffffL, 0xfffffffeL))))
                .isEqualTo(0xffffffffL);
    }

    @Test
    void krumTakesOneModelWithAllThatIsInIt() {
        List<Model> models = counting(TensorType.INT64, 11, Long.MAX_VALUE - 1, 13, 14, 15);

        assertThat(result(Krum.aggregator(1), models)).isEqualTo(models.get(1));
    }

    @Test
    void buffersDoNotEnterDistances() {
        List<Model> models = new ArrayList<>();
        for (int k = 0; k < 5; k++) {
            models.add(Model.builder()
                    .trainable("weight", Tensor.wrap(new float[] {k == 2 ? 0 : k - 10}))
                    .buffer("mean", Tensor.wrap(new float[] {k == 3 ? 1e9f : 0}))
                    .build());
        }

        // Without the one at 0, that at -7 has the nearest two at 2 and 3; that at -9 at 1 and 2.
        assertThat(result(Krum.aggregator(1), models)).isEqualTo(models.get(1));
        assertThat(result(Krum.aggregator(0), models.subList(2, 5))).isEqualTo(models.get(3));
    }

    @ParameterizedTest
    @MethodSource("rules")
    void equalUpdatesReturnEveryBit(Rule rule) {
        Model model = Model.builder()
                .trainable("wide", Tensor.wrap(new double[] {0.1, -0.0, 1e-320, 1.0 / 3, -1e150}))
                .trainable("weight", Tensor.wrap(new float[] {0.1f, -0f, 1e-45f, -3e38f}))
                .buffer("mean", Tensor.wrap(new float[] {-0f}))
                .counter("count", Tensor.scalar(Long.MAX_VALUE))
                .counter("unsigned", Tensor.ofIntegers(TensorType.UINT64, Shape.of(2), new long[] {-1, 0}))
                .build();
        Model global = ModelGenerator.of(1).nextModerate(model.spec());
        List<WeightedUpdate> updates = new ArrayList<>();
        for (int k = 0; k < 8; k++) {
            updates.add(new WeightedUpdate("client" + k, ClientUpdate.ofModel(model, 1), 3 + k / 8.0));
        }

        assertThat(rule.aggregate(global, updates).toModel(global)).isEqualTo(model);
    }

    @ParameterizedTest
    @MethodSource("rules")
    void modelsAndTheirDeltasAreTreatedAlike(Rule rule) {
        Random random = new Random(3);
        Model global = whole(random);
        List<Model> deltas = new ArrayList<>();
        List<Model> models = new ArrayList<>();
        for (int k = 0; k < 8; k++) {
            Model delta = whole(random);
            deltas.add(delta);
            double[] sum = delta.tensors().get(0).toDoubleArray();
            global.tensors().get(0).addScaledTo(0, sum, 0, sum.length, 1);
            models.add(Model.of(global.spec(), List.of(Tensor.rounded(TensorType.FLOAT64, Shape.of(sum.length), sum))));
        }
        List<WeightedUpdate> updates = updates(deltas).stream()
                .map(update -> new WeightedUpdate(
                        update.clientId(),
                        ClientUpdate.ofModelDelta(update.update().model().orElseThrow(), 1),
                        1))
                .toList();

        Aggregate aggregate = rule.aggregate(global, updates);

        assertThat(aggregate.form()).isEqualTo(UpdateForm.MODEL_DELTA);
        double[] expected = rule.aggregate(global, updates(models))
                .toModel(global)
                .tensors()
                .get(0)
                .toDoubleArray();
        assertThat(aggregate.toModel(global).tensors().get(0).toDoubleArray())
                .usingComparatorWithPrecision(1e-12)
                .containsExactly(expected);
    }

    private static Model whole(Random random) {
        double[] values = new double[700];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextInt(2001) - 1000;
        }
        return Model.builder().trainable("weight", Tensor.wrap(values)).build();
    }

    @ParameterizedTest
    @MethodSource("rules")
    void cohortsOfChangingSizeAndSpecificationDoNotDisturbEachOther(Rule rule) {
        Aggregator.WholeCohort used = (Aggregator.WholeCohort) rule.aggregator().get();
        for (int seed = 0; seed < 6; seed++) {
            ModelGenerator generator = ModelGenerator.of(seed);
            Model global =
                    generator.nextModerate(counting(TensorType.INT64, 1).get(0).spec());
            if (seed % 3 == 2) {
                global = Model.builder()
                        .trainable("matrix", Tensor.wrap(new float[1300]))
                        .build();
            }
            List<Model> models = new ArrayList<>();
            for (int k = 0; k < 7 + seed % 2; k++) {
                models.add(generator.nextModerate(global.spec()));
            }

            assertThat(used.aggregate(global, updates(models)).toModel(global))
                    .isEqualTo(rule.aggregate(global, updates(models)).toModel(global));
        }
    }

    @Test
    void multiKrumWeighsAndIgnoresWhatItDoesNotSelect() {
        List<WeightedUpdate> updates = new ArrayList<>();
        float[] places = {0, 1, 2, 3, 1000};
        for (float place : places) {
            updates.add(new WeightedUpdate(
                    "client" + updates.size(),
                    ClientUpdate.ofModel(
                            Model.builder()
                                    .trainable("weight", Tensor.wrap(new float[] {place}))
                                    .build(),
                            1),
                    place == 1000 ? 1e9 : 1 + place));
        }
        Model global = Model.zeros(updates.get(0).update().model().orElseThrow().spec());

        Aggregate aggregate = aggregate(MultiKrum.aggregator(1), global, updates);

        assertThat(aggregate.values(0)).containsExactly((0 * 1 + 1 * 2 + 2 * 3 + 3 * 4) / 10.0);
        assertThat(aggregate.updateCount()).isEqualTo(4);
        assertThat(aggregate.totalWeight()).isEqualTo(10);
    }

    static List<Map.Entry<Supplier<Aggregator>, String>> tooSmall() {
        return List.of(
                Map.entry(
                        CoordinateMedian.aggregator(3),
                        "coordinate-median(badClients=3) needs at least 7 updates (n >= 2 f + 1), had 6"),
                Map.entry(
                        TrimmedMean.aggregator(3),
                        "trimmed-mean(badClients=3) needs at least 7 updates (n >= 2 f + 1), had 6"),
                Map.entry(Krum.aggregator(2), "krum(badClients=2) needs at least 7 updates (n >= 2 f + 3), had 6"),
                Map.entry(
                        MultiKrum.aggregator(2),
                        "multi-krum(badClients=2) needs at least 7 updates (n >= 2 f + 3), had 6"),
                Map.entry(
                        MultiKrum.aggregator(1, 6),
                        "multi-krum(badClients=1, selected=6) needs at least 7 updates (n >= m + f), had 6"),
                Map.entry(Bulyan.aggregator(1), "bulyan(badClients=1) needs at least 7 updates (n >= 4 f + 3), had 6"),
                Map.entry(
                        GeometricMedian.builder().badClients(3).aggregator(),
                        "geometric-median(smoothing=1.0E-6, iterations=4, badClients=3) needs at least 7 updates"
                                + " (n >= 2 f + 1), had 6"));
    }

    @ParameterizedTest
    @MethodSource("tooSmall")
    void refusesACohortThatCannotBearWhatIsStated(Map.Entry<Supplier<Aggregator>, String> rule) {
        List<WeightedUpdate> six = updates(counting(TensorType.INT32, 1, 2, 3, 4, 5, 6));
        Model global = six.get(0).update().model().orElseThrow();

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> aggregate(rule.getKey(), global, six))
                .withMessage(rule.getValue());
        assertThat(rule.getKey().get().leastUpdates()).isEqualTo(7);
    }

    @Test
    void geometricMedianRefusesWeightsThatThreeCouldHoldHalfOf() {
        List<WeightedUpdate> updates = new ArrayList<>();
        for (WeightedUpdate update : updates(counting(TensorType.INT32, 1, 2, 3, 4, 5, 6, 7, 8))) {
            updates.add(new WeightedUpdate(update.clientId(), update.update(), updates.size() < 3 ? 5 : 3));
        }
        Model global = updates.get(0).update().model().orElseThrow();
        Supplier<Aggregator> bearingThree =
                GeometricMedian.builder().badClients(3).aggregator();

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> aggregate(bearingThree, global, updates))
                .withMessageContaining("badClients=3")
                .withMessageContaining("less than half of all, they were 0.5");
        assertThat(aggregate(bearingThree, global, updates(counting(TensorType.INT32, 1, 2, 3, 4, 5, 6, 7)))
                        .updateCount())
                .isEqualTo(7);
    }

    @ParameterizedTest
    @MethodSource("rules")
    void refusesASumOverSeveralClients(Rule rule) {
        Model sum = Model.builder()
                .trainable("weight", Tensor.wrap(new double[] {1}))
                .build();
        ClientUpdate update = ClientUpdate.of(UpdateForm.WEIGHTED_SUM, sum, 5);

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> rule.aggregator().get().check(update, sum.spec()))
                .withMessageContaining("WEIGHTED_SUM");
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> rule.aggregate(sum, List.of(new WeightedUpdate("a", update, 5))))
                .withMessageContaining("WEIGHTED_SUM");
    }

    @ParameterizedTest
    @MethodSource("rules")
    void refusesModelsBesideDeltasAndNamesBoth(Rule rule) {
        List<WeightedUpdate> updates = updates(counting(TensorType.INT32, 1, 2, 3, 4, 5, 6, 7));
        Model global = updates.get(0).update().model().orElseThrow();
        List<WeightedUpdate> mixed = new ArrayList<>(updates);
        mixed.set(4, new WeightedUpdate("client004", ClientUpdate.ofModelDelta(global, 1), 1));

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> rule.aggregate(global, mixed))
                .withMessageContaining("'client004' sent a MODEL_DELTA")
                .withMessageContaining("'client000' a MODEL");
    }

    @ParameterizedTest
    @MethodSource("rules")
    void refusesAModelThatHoldsABool(Rule rule) {
        Model global = Model.builder()
                .trainable("weight", Tensor.wrap(new float[1]))
                .buffer("mask", Tensor.zeros(TensorType.BOOL, Shape.of(2)))
                .build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> rule.aggregate(global, updates(List.of(global, global, global, global, global))))
                .withMessageContaining("'mask'");
    }

    @ParameterizedTest
    @MethodSource("rules")
    void resultThatIsNotFiniteIsRefused(Rule rule) {
        List<Model> models = new ArrayList<>();
        for (int k = 0; k < 7; k++) {
            models.add(Model.builder()
                    .trainable("weight", Tensor.wrap(new double[] {k % 2 == 0 ? 1.7e308 : -1.7e308, k}))
                    .buffer("mean", Tensor.wrap(new float[] {Float.NaN}))
                    .build());
        }
        Model global = Model.zeros(models.get(0).spec());

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> rule.aggregate(global, updates(models)))
                .withMessageMatching("(?s).*(not finite|range of float64).*");
    }

    @Test
    void settingsOutOfRangeAreRefusedWithNameRangeAndValue() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CoordinateMedian.bearing(-1))
                .withMessage("badClients must be >= 0, was -1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TrimmedMean.bearing(-1))
                .withMessage("badClients must be >= 0, was -1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Krum.bearing(-2))
                .withMessage("badClients must be >= 0, was -2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MultiKrum.bearing(-2))
                .withMessage("badClients must be >= 0, was -2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MultiKrum.bearing(0, 0))
                .withMessage("selected must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Bulyan.bearing(-1))
                .withMessage("badClients must be >= 0, was -1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GeometricMedian.builder().smoothing(0).build())
                .withMessage("smoothing must be > 0 and finite, was 0.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GeometricMedian.builder().iterations(0).aggregator())
                .withMessage("iterations must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GeometricMedian.builder().badClients(-1).build())
                .withMessage("badClients must be >= 0, was -1");
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.1, 0.5, 1, Double.NaN})
    void trimmedShareThatWouldLeaveNothingIsRefused(double share) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TrimmedMean.withTrimmedShare(share))
                .withMessage("trimmedShare must be in [0, 0.5), was " + share);
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 4, 5, 100})
    void largestTrimmedShareLeavesOneOrTwo(int n) {
        List<Model> models = new ArrayList<>();
        for (int k = 0; k < n; k++) {
            models.add(Model.builder()
                    .trainable("weight", Tensor.wrap(new float[] {k}))
                    .build());
        }

        assertThat(result(TrimmedMean.aggregatorWithTrimmedShare(Math.nextDown(0.5)), models)
                        .tensors()
                        .get(0)
                        .get(0))
                .isEqualTo((n - 1) / 2.0);
    }

    @ParameterizedTest
    @CsvSource({"0.2, 5", "0.1, 10", "0.3, 4", "0.01, 100", "0, 1", "1e-12, 2147483647"})
    void trimmedShareNeedsEnoughUpdatesToLeaveOneOut(double share, int least) {
        assertThat(TrimmedMean.withTrimmedShare(share).leastUpdates()).isEqualTo(least);
    }

    @Test
    void trimmedShareIsTakenAsItIsWritten() {
        List<Model> models = new ArrayList<>();
        for (int k = 0; k < 100; k++) {
            models.add(Model.builder()
                    .trainable("weight", Tensor.wrap(new float[] {k == 28 ? -1e6f : k}))
                    .build());
        }

        // 0.29 * 100 is a little less than 29 in binary. Of 0 to 99, with -1e6 for 28, 29 to 70 are left.
        assertThat(result(TrimmedMean.aggregatorWithTrimmedShare(0.29), models)
                        .tensors()
                        .get(0)
                        .get(0))
                .isEqualTo((29 + 70) / 2.0);
    }

    @Test
    void recordsItsSettings() {
        assertThat(CoordinateMedian.bearing(2).settings().asMap())
                .containsEntry("badClients", 2L)
                .containsEntry("aggregator", "coordinate-median(badClients=2)");
        assertThat(TrimmedMean.create().settings().asMap())
                .containsEntry("trimmedShare", TrimmedMean.DEFAULT_TRIMMED_SHARE)
                .containsEntry("aggregator", "trimmed-mean(trimmedShare=0.2)");
        assertThat(TrimmedMean.bearing(3).settings().asMap()).containsEntry("badClients", 3L);
        assertThat(Krum.bearing(2).settings().asMap()).containsEntry("badClients", 2L);
        assertThat(MultiKrum.bearing(2).settings().asMap()).containsEntry("badClients", 2L);
        assertThat(MultiKrum.bearing(2, 5).settings().asMap())
                .containsEntry("badClients", 2L)
                .containsEntry("selected", 5L);
        assertThat(Bulyan.bearing(2).settings().asMap()).containsEntry("badClients", 2L);
        assertThat(GeometricMedian.create().settings().asMap())
                .containsEntry("smoothing", GeometricMedian.DEFAULT_SMOOTHING)
                .containsEntry("iterations", (long) GeometricMedian.DEFAULT_ITERATIONS)
                .containsEntry("badClients", 0L);
    }

    @Test
    void goesWithTheOtherPartsOfAStrategy() {
        Strategy median = FedProx.withMu(0.1).toBuilder()
                .aggregator(CoordinateMedian.aggregator(1))
                .build();
        Strategy adam = Krum.bearing(1).toBuilder()
                .serverOptimizer(FedAdam.builder().serverOptimizer())
                .build();

        assertThat(median.settings().getString("aggregator")).contains("coordinate-median(badClients=1)");
        assertThat(median.name()).isEqualTo(FedProx.NAME);
        assertThat(adam.settings().getString("aggregator")).contains("krum(badClients=1)");
        assertThat(adam.name()).isEqualTo(Krum.NAME);
    }
}
