package io.fedlearn.aggregators.robust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.QuorumNotReachedException;
import io.fedlearn.core.federation.RoundPolicy;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.strategy.Weighting;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.testkit.client.DriftClient;
import io.fedlearn.testkit.generator.ModelGenerator;
import io.fedlearn.testkit.runtime.ShuffledRuntime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What the rules are for: some clients mean it. */
class HostileCohortTest {
    private static final int CLIENTS = 15;
    private static final int BAD = 3;
    private static final int PARAMETERS = 400;
    private static final int COHORTS = 10;

    /** What the bad clients send, all the same. */
    enum Attack {
        HUGE,
        SIGN_FLIPPED,
        LITTLE_IS_ENOUGH;

        float[] update(List<float[]> honest) {
            float[] update = new float[PARAMETERS];
            for (int i = 0; i < PARAMETERS; i++) {
                double sum = 0;
                double squares = 0;
                for (float[] values : honest) {
                    sum += values[i];
                    squares += (double) values[i] * values[i];
                }
                double mean = sum / honest.size();
                double deviation = Math.sqrt(squares / honest.size() - mean * mean);
                update[i] = (float)
                        switch (this) {
                            case HUGE -> i % 2 == 0 ? 3e38 : -3e38;
                            case SIGN_FLIPPED -> -5 * mean;
                            // Baruch et al., 2019: with 15 clients, 3 of them bad, 5 good ones must be won over, so z
                            // is where the normal distribution reaches 7 / 12.
                            case LITTLE_IS_ENOUGH -> mean - 0.21 * deviation;
                        };
            }
            return update;
        }
    }

    private static List<float[]> honest(Random random) {
        List<float[]> honest = new ArrayList<>();
        for (int k = 0; k < CLIENTS - BAD; k++) {
            float[] values = new float[PARAMETERS];
            for (int i = 0; i < PARAMETERS; i++) {
                values[i] = (float) (1 + i % 7 + 0.3 * random.nextGaussian());
            }
            honest.add(values);
        }
        return honest;
    }

    private static double[] combined(Supplier<Aggregator> rule, List<float[]> honest, List<float[]> bad) {
        List<float[]> all = new ArrayList<>(bad);
        all.addAll(honest);
        List<Model> models = all.stream()
                .map(values -> Model.builder()
                        .trainable("weight", Tensor.copyOf(values))
                        .build())
                .toList();
        Model global = Model.zeros(models.get(0).spec());
        return RobustRulesTest.aggregate(rule, global, RobustRulesTest.updates(models))
                .values(0)
                .clone();
    }

    static List<Supplier<Aggregator>> rulesThatStayAmongTheGood() {
        return List.of(
                CoordinateMedian.aggregator(BAD),
                TrimmedMean.aggregator(BAD),
                TrimmedMean.aggregatorWithTrimmedShare(0.2),
                Krum.aggregator(BAD),
                MultiKrum.aggregator(BAD),
                Bulyan.aggregator(BAD));
    }

    @ParameterizedTest
    @MethodSource("rulesThatStayAmongTheGood")
    void staysWithinTheRangeOfTheGoodInEveryCoordinate(Supplier<Aggregator> rule) {
        Random random = new Random(5);
        for (int cohort = 0; cohort < COHORTS; cohort++) {
            for (Attack attack : Attack.values()) {
                List<float[]> honest = honest(random);
                float[] update = attack.update(honest);

                double[] result = combined(rule, honest, List.of(update, update, update));

                for (int i = 0; i < PARAMETERS; i++) {
                    double least = Double.POSITIVE_INFINITY;
                    double largest = Double.NEGATIVE_INFINITY;
                    for (float[] values : honest) {
                        least = Math.min(least, values[i]);
                        largest = Math.max(largest, values[i]);
                    }
                    if (!(result[i] >= least && result[i] <= largest)) {
                        throw new AssertionError(attack + " moved coordinate " + i + " to " + result[i] + ", beyond "
                                + least + " to " + largest);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Attack.class,
            names = {"HUGE", "SIGN_FLIPPED"})
    void krumTakesTheModelOfAGoodClient(Attack attack) {
        Random random = new Random(6);
        for (int cohort = 0; cohort < COHORTS; cohort++) {
            List<float[]> honest = honest(random);
            float[] update = attack.update(honest);

            double[] result = combined(Krum.aggregator(BAD), honest, List.of(update, update, update));

            assertThat(honest.stream().map(HostileCohortTest::widened)).contains(result);
        }
    }

    private static double[] widened(float[] values) {
        double[] wide = new double[values.length];
        Arrays.setAll(wide, i -> values[i]);
        return wide;
    }

    /** A bad share {@code a} far away moves the mean by {@code a}; an iteration leaves {@code a / (1 - a)} of that. */
    @Test
    void eachIterationOfTheGeometricMedianTakesMostOfAFarAttackAway() {
        Random random = new Random(7);
        List<float[]> honest = honest(random);
        float[] far = new float[PARAMETERS];
        Arrays.fill(far, 1e6f);
        double distance = 1e6 * Math.sqrt(PARAMETERS);
        double share = (double) BAD / CLIENTS;
        double[] center = combined(TrimmedMean.aggregator(0), honest, List.of());

        for (int iterations = 1; iterations <= 8; iterations++) {
            double moved = distance(
                    center,
                    combined(
                            GeometricMedian.builder().iterations(iterations).aggregator(),
                            honest,
                            List.of(far, far, far)));
            assertThat(moved / distance)
                    .as("after %s iterations", iterations)
                    .isBetween(
                            0.5 * share * Math.pow(share / (1 - share), iterations),
                            1.5 * share * Math.pow(share / (1 - share), iterations));
        }
    }

    /** Lopuhaa and Rousseeuw's bound: twice the good ones' largest distance from a point, by (1 - a) / (1 - 2 a). */
    @ParameterizedTest
    @EnumSource(Attack.class)
    void geometricMedianStaysNearTheGood(Attack attack) {
        List<float[]> honest = honest(new Random(8));
        float[] update = attack.update(honest);
        double[] center = combined(TrimmedMean.aggregator(0), honest, List.of());
        double largest = honest.stream()
                .mapToDouble(values -> distance(center, widened(values)))
                .max()
                .orElseThrow();
        double share = (double) BAD / CLIENTS;

        double[] result = combined(
                GeometricMedian.builder().iterations(100).badClients(BAD).aggregator(),
                honest,
                List.of(update, update, update));

        assertThat(distance(center, result)).isLessThan(2 * (1 - share) / (1 - 2 * share) * largest);
    }

    private static double distance(double[] one, double[] other) {
        double sum = 0;
        for (int i = 0; i < one.length; i++) {
            sum += (one[i] - other[i]) * (one[i] - other[i]);
        }
        return Math.sqrt(sum);
    }

    /**
     * Late in training: weights of 0.05, updates that differ by 1e-5. {@code ||a||^2 + ||b||^2 - 2 a b} in float32 is noise
     * there, below zero in half of the cases.
     */
    @Test
    void krumTellsUpdatesApartThatHardlyDiffer() {
        Random random = new Random(9);
        float[] start = new float[200_000];
        for (int i = 0; i < start.length; i++) {
            start[i] = (float) (0.05 * random.nextGaussian());
        }
        List<Model> models = new ArrayList<>();
        for (int k = 0; k < 10; k++) {
            // Number 6 is in the middle of all, so its neighbours are nearest.
            double step = k == 6 ? 1e-7 : 1e-5;
            float[] values = new float[start.length];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (start[i] + step * random.nextGaussian());
            }
            models.add(Model.builder().trainable("weight", Tensor.wrap(values)).build());
        }
        Model global = Model.builder().trainable("weight", Tensor.wrap(start)).build();

        assertThat(RobustRulesTest.aggregate(Krum.aggregator(2), global, RobustRulesTest.updates(models))
                        .toModel(global))
                .isEqualTo(models.get(6));
    }

    @Test
    void krumSurvivesDistancesBeyondTheRangeOfFloat64() {
        List<Model> models = new ArrayList<>();
        for (int k = 0; k < 7; k++) {
            models.add(Model.builder()
                    .trainable("weight", Tensor.wrap(new double[] {k < 2 ? 1e200 * (k - 0.5) : k}))
                    .build());
        }
        Model global = Model.zeros(models.get(0).spec());
        List<WeightedUpdate> updates = RobustRulesTest.updates(models);

        assertThat(RobustRulesTest.aggregate(Krum.aggregator(2), global, updates)
                        .values(0))
                .containsExactly(3);
        assertThat(RobustRulesTest.aggregate(GeometricMedian.builder().aggregator(), global, updates)
                        .updateCount())
                .as("nothing is left of the weight of those infinitely far away")
                .isBetween(5, 7);
    }

    private static Map<String, Client> clients(Client hostile, int bad) {
        Map<String, Client> clients = new TreeMap<>();
        for (int k = 0; k < 8; k++) {
            clients.put("site-" + k, k < bad ? hostile : DriftClient.withExamples(10 + k));
        }
        return clients;
    }

    private static Model initial() {
        return ModelGenerator.of(4)
                .nextModerate(Model.builder()
                        .trainable("weight", Tensor.zeros(TensorType.FLOAT32, Shape.of(120, 10)))
                        .trainable("bias", Tensor.zeros(TensorType.FLOAT64, Shape.of(10)))
                        .buffer("mean", Tensor.zeros(TensorType.FLOAT32, Shape.of(10)))
                        .counter("batches", Tensor.scalar(3L))
                        .build()
                        .spec());
    }

    /** Sends the global model 1,000 times as large, and says that this rests on a million examples. */
    private static final Client INFLATED = (task, context) -> {
        List<Tensor> tensors = new ArrayList<>();
        for (Tensor tensor : task.model().tensors()) {
            double[] values = tensor.toDoubleArray();
            for (int i = 0; i < values.length; i++) {
                values[i] *= tensor.type().isFloating() ? -1000 : 1;
            }
            tensors.add(Tensor.rounded(tensor.type(), tensor.shape(), values));
        }
        return ClientUpdate.ofModel(Model.of(task.model().spec(), tensors), 1_000_000);
    };

    static List<Strategy> strategies() {
        return List.of(
                CoordinateMedian.bearing(1),
                TrimmedMean.bearing(1),
                Krum.bearing(1),
                MultiKrum.bearing(1),
                Bulyan.bearing(1),
                GeometricMedian.builder().iterations(8).badClients(1).build().withWeighting(Weighting.uniform()));
    }

    private static Federation.Builder federation(Federation.Builder builder, Strategy strategy) {
        return builder.strategy(strategy).rounds(3).seed(11).initialModel(initial());
    }

    @ParameterizedTest
    @MethodSource("strategies")
    void orderOfArrivalDoesNotMatterAndTheModelStaysAmongTheGood(Strategy strategy) throws Exception {
        Run run = federation(Federation.of(clients(INFLATED, 1)), strategy)
                .parallelism(1)
                .run();

        double[] start = initial().tensor("weight").toDoubleArray();
        double[] end = run.model().tensor("weight").toDoubleArray();
        for (int i = 0; i < start.length; i++) {
            assertThat(end[i]).isBetween(start[i] - 3 * DriftClient.STEP, start[i] + 3 * DriftClient.STEP);
        }
        for (long order = 1; order <= 3; order++) {
            try (ShuffledRuntime runtime = ShuffledRuntime.around(InProcessRuntime.of(clients(INFLATED, 1)), order)) {
                assertThat(federation(Federation.of(runtime), strategy).run().model())
                        .isEqualTo(run.model());
            }
        }
    }

    @Test
    void theRecordSaysWhomTheRuleChose() throws Exception {
        Run run = federation(Federation.of(clients(INFLATED, 1)), MultiKrum.bearing(1))
                .rounds(1)
                .run();

        assertThat(run.records().get(0).outcomes())
                .allMatch(OutcomeRecord::isCompleted)
                .extracting(OutcomeRecord::weight)
                .containsExactlyInAnyOrder(0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0);
    }

    @Test
    void meanIsCarriedAwayByTheSameClient() throws Exception {
        Run run =
                federation(Federation.of(clients(INFLATED, 1)), FedAvg.create()).run();

        double[] start = initial().tensor("weight").toDoubleArray();
        double[] end = run.model().tensor("weight").toDoubleArray();
        assertThat(Math.abs(end[0])).isGreaterThan(1000 * Math.abs(start[0]));
    }

    @Test
    void tooFewUpdatesAbortTheRoundAndLeaveTheModel() throws Exception {
        Client failing = (task, context) -> {
            throw new IllegalStateException("no data today");
        };
        Run run = federation(Federation.of(clients(failing, 4)), Krum.bearing(1))
                .rounds(1)
                .policy(RoundPolicy.defaults().withToleratedAborts(1))
                .run();

        assertThat(run.records().get(0).isAborted()).isTrue();
        assertThat(run.records().get(0).abortReason().orElseThrow())
                .startsWith("clients that completed: 4 of 8, needed: 5 (by krum(badClients=1))");
        assertThat(run.model()).isEqualTo(initial());
        assertThatExceptionOfType(QuorumNotReachedException.class)
                .isThrownBy(() -> federation(Federation.of(clients(failing, 4)), Krum.bearing(1))
                        .run())
                .withMessageContaining("needed: 5 (by krum(badClients=1))");
    }

    @Test
    void aSumOverSeveralClientsIsItsSendersOutcome() throws Exception {
        Client edge = (task, context) -> {
            Model.Builder sum = Model.builder();
            for (int i = 0; i < task.model().spec().size(); i++) {
                Tensor tensor = task.model().tensors().get(i);
                sum.buffer(
                        task.model().spec().tensors().get(i).name(),
                        Tensor.rounded(TensorType.FLOAT64, tensor.shape(), tensor.toDoubleArray()));
            }
            return ClientUpdate.of(UpdateForm.WEIGHTED_SUM, sum.build(), 5);
        };
        Run run = federation(Federation.of(clients(edge, 1)), CoordinateMedian.bearing(2))
                .rounds(1)
                .run();

        assertThat(run.records().get(0).isAborted()).isFalse();
        assertThat(run.records().get(0).outcomes().get(0).outcome()).isEqualTo("rejected");
        assertThat(run.records().get(0).outcomes().get(0).reason()).contains("WEIGHTED_SUM");
    }
}
