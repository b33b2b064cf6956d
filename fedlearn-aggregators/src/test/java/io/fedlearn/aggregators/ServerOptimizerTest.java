package io.fedlearn.aggregators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.PartState;
import io.fedlearn.core.update.UpdateSpool;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for every server optimizer, and closed forms of single ones. */
class ServerOptimizerTest {
    static List<Strategy> strategies() {
        return List.of(
                FedAvgM.create(),
                FedAdagrad.create(),
                FedAdam.create(),
                FedAdam.builder().biasCorrection(BiasCorrection.KINGMA_BA).build(),
                FedAdam.builder().biasCorrection(BiasCorrection.FLOWER_COMPAT).build(),
                FedYogi.create());
    }

    @ParameterizedTest
    @MethodSource("strategies")
    void giveTheSameBitsAfterARestart(Strategy strategy) {
        Random random = new Random(1);
        Model global = batchNorm(random);
        ServerOptimizer undisturbed = start(strategy);
        ServerOptimizer interrupted = start(strategy);
        for (int round = 0; round < 3; round++) {
            Aggregate aggregate = aggregate(global, random);
            Model next = undisturbed.step(global, aggregate);
            assertThat(interrupted.step(global, aggregate).digest()).isEqualTo(next.digest());
            global = next;

            PartState saved = interrupted.snapshot();
            interrupted = start(strategy);
            try (UpdateSpool spool = UpdateSpool.inTemporaryDirectory()) {
                interrupted.restore(onDisk(saved, spool));
            }
        }
    }

    private static PartState onDisk(PartState state, UpdateSpool spool) {
        Map<String, Model> tensors = new TreeMap<>();
        state.tensors()
                .forEach((name, model) -> tensors.put(
                        name,
                        spool.write(ClientUpdate.ofModel(model, 1)).model().orElseThrow()));
        return new PartState(tensors, state.values());
    }

    @ParameterizedTest
    @MethodSource("strategies")
    void leaveASnapshotAsItWas(Strategy strategy) {
        Random random = new Random(2);
        Model global = batchNorm(random);
        ServerOptimizer optimizer = start(strategy);
        global = optimizer.step(global, aggregate(global, random));
        PartState saved = optimizer.snapshot();
        Map<String, String> digests = digests(saved);

        optimizer.step(global, aggregate(global, random));

        // Anew, since a model remembers its digest.
        assertThat(digests(new PartState(copies(saved), saved.values()))).isEqualTo(digests);
        assertThat(digests(optimizer.snapshot())).isNotEqualTo(digests);
    }

    private static Map<String, Model> copies(PartState state) {
        Map<String, Model> copies = new TreeMap<>();
        state.tensors().forEach((name, model) -> copies.put(name, Model.of(model.spec(), model.tensors())));
        return copies;
    }

    private static Map<String, String> digests(PartState state) {
        Map<String, String> digests = new TreeMap<>();
        state.tensors().forEach((name, model) -> digests.put(name, model.digest()));
        return digests;
    }

    @ParameterizedTest
    @MethodSource("strategies")
    void keepStateForTrainablesAloneUnderTheirNames(Strategy strategy) {
        Random random = new Random(3);
        Model global = batchNorm(random);
        ServerOptimizer optimizer = start(strategy);
        assertThat(optimizer.snapshot().isEmpty()).isTrue();
        optimizer.step(global, aggregate(global, random));

        PartState state = optimizer.snapshot();

        assertThat(state.values()).isEqualTo(Config.empty().with("steps", 1));
        for (Model moment : state.tensors().values()) {
            assertThat(moment.spec().tensors())
                    .containsExactly(
                            new TensorSpec("conv", TensorType.FLOAT32, Shape.of(100, 100), TensorRole.TRAINABLE),
                            new TensorSpec("scale", TensorType.FLOAT32, Shape.of(3), TensorRole.TRAINABLE),
                            new TensorSpec("head", TensorType.FLOAT64, Shape.of(5), TensorRole.TRAINABLE));
        }
    }

    @ParameterizedTest
    @MethodSource("strategies")
    void takeBuffersAndCountersFromTheAggregateAndStayFinite(Strategy strategy) {
        Random random = new Random(4);
        Model global = batchNorm(random);
        ServerOptimizer optimizer = start(strategy);
        for (int round = 1; round <= 50; round++) {
            Aggregate aggregate = aggregate(global, random);
            // Variances that shrink: a step of an optimizer's own would take them below 0.
            aggregate.values(2)[0] = 1.0 / round;
            aggregate.values(3)[0] = round * 10 + 0.4;
            global = optimizer.step(global, aggregate);

            assertThat(global.tensor("variance")).isEqualTo(Tensor.copyOf(new float[] {1f / round}));
            assertThat(global.tensor("batches")).isEqualTo(Tensor.scalar(round * 10L));
            for (Tensor tensor : global.tensors()) {
                assertThat(tensor.firstNonFinite()).isEqualTo(-1);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("strategies")
    void changeNeitherInput(Strategy strategy) {
        Random random = new Random(5);
        Model global = batchNorm(random);
        Aggregate aggregate = aggregate(global, random);
        String digest = global.digest();
        double[] values = aggregate.values(0).clone();

        start(strategy).step(global, aggregate);

        assertThat(Model.of(global.spec(), global.tensors()).digest()).isEqualTo(digest);
        assertThat(aggregate.values(0)).containsExactly(values);
    }

    @ParameterizedTest
    @MethodSource("strategies")
    void stayPutWhereNothingChanges(Strategy strategy) {
        Model global = batchNorm(new Random(6));

        Model next = start(strategy).step(global, unchanged(global));

        assertThat(next).isEqualTo(global);
    }

    @ParameterizedTest
    @MethodSource("strategies")
    void refuseAStepOutOfRangeWithoutATrace(Strategy strategy) {
        Model global = Model.builder()
                .trainable("fine", Tensor.scalar(1f))
                .trainable("huge", Tensor.scalar(3e38f))
                .build();
        ServerOptimizer optimizer = start(strategy);
        Aggregate good = delta(global, new double[] {1}, new double[] {-1e-3});
        Model next = optimizer.step(global, good);
        Map<String, String> before = digests(optimizer.snapshot());

        // For the adaptive ones it is the square that no float32 can hold.
        Aggregate bad = delta(global, new double[] {1}, new double[] {3e38});
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> optimizer.step(next, bad))
                .withMessageContaining("'huge'")
                .withMessageContaining("FLOAT32");

        assertThat(digests(optimizer.snapshot())).isEqualTo(before);
        assertThat(optimizer.snapshot().values().getLong("steps")).contains(1L);
    }

    @ParameterizedTest
    @MethodSource("strategies")
    void refuseTheStateOfAnotherModelOrOptimizer(Strategy strategy) {
        Random random = new Random(7);
        Model global = batchNorm(random);
        ServerOptimizer optimizer = start(strategy);
        optimizer.step(global, aggregate(global, random));
        PartState state = optimizer.snapshot();
        Model other = Model.builder().trainable("w", Tensor.scalar(1f)).build();

        assertThatIllegalStateException().isThrownBy(() -> optimizer.step(other, unchanged(other)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> optimizer.restore(new PartState(Map.of("u", other), state.values())))
                .withMessageContaining("[u]");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> optimizer.restore(new PartState(state.tensors(), Config.empty())))
                .withMessageContaining("steps");
    }

    @ParameterizedTest
    @MethodSource("strategies")
    void startAnewFromAnEmptyState(Strategy strategy) {
        Random random = new Random(8);
        Model global = batchNorm(random);
        Aggregate aggregate = aggregate(global, random);
        ServerOptimizer optimizer = start(strategy);
        Model first = optimizer.step(global, aggregate);
        assertThat(optimizer.step(global, aggregate)).isNotEqualTo(first);

        optimizer.restore(PartState.empty());

        assertThat(optimizer.step(global, aggregate)).isEqualTo(first);
    }

    @ParameterizedTest
    @MethodSource("strategies")
    void allocateNoMoreThanTheNextModel(Strategy strategy) {
        int count = 1_000_000;
        Model global = Model.builder()
                .trainable("w", Tensor.zeros(TensorType.FLOAT32, Shape.of(count)))
                .build();
        Aggregate aggregate = delta(global, new double[count]);
        ServerOptimizer optimizer = start(strategy);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        optimizer.step(global, aggregate);

        long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
        optimizer.step(global, aggregate);
        long allocated = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;

        assertThat(allocated).isLessThan(4L * count + 300_000);
    }

    /** After t steps along a constant change, FedAvgM's v is the geometric sum. */
    @Test
    void fedAvgMAddsUpAConstantChangeAsAGeometricSum() {
        ServerOptimizer optimizer = start(
                FedAvgM.builder().serverMomentum(0.5).serverLearningRate(2).build());
        Model global = scalar(0);
        for (int round = 0; round < 4; round++) {
            global = optimizer.step(global, delta(global, new double[] {1}));
        }

        assertThat(global.tensors().get(0).get(0)).isEqualTo(2 * (1 + 1.5 + 1.75 + 1.875));
    }

    @Test
    void fedAvgMWithoutMomentumIsFedAvg() {
        Random random = new Random(9);
        Model global = batchNorm(random);
        ServerOptimizer plain = start(FedAvgM.builder().serverMomentum(0).build());
        for (int round = 0; round < 3; round++) {
            Aggregate aggregate = aggregate(global, random);
            Model expected = aggregate.toModel(global);
            global = plain.step(global, aggregate);
            // w + (mean - w) is not mean to the last bit.
            double[] difference = expected.tensor("head").toDoubleArray();
            for (int i = 0; i < difference.length; i++) {
                assertThat(global.tensor("head").get(i)).isCloseTo(difference[i], within(1e-14));
            }
        }
    }

    @Test
    void fedAdagradDividesByTheRootOfAllSquares() {
        ServerOptimizer optimizer =
                start(FedAdagrad.builder().serverLearningRate(1).tau(0.5).build());
        Model first = optimizer.step(scalar(0), delta(scalar(0), new double[] {2}));
        Model second = optimizer.step(first, delta(first, new double[] {-1}));

        double afterFirst = 2 / (Math.sqrt(0.25 + 4) + 0.5);
        assertThat(first.tensors().get(0).get(0)).isCloseTo(afterFirst, within(1e-15));
        assertThat(second.tensors().get(0).get(0))
                .isCloseTo(afterFirst - 1 / (Math.sqrt(0.25 + 5) + 0.5), within(1e-15));
    }

    /** With Kingma and Ba's correction the first step is eta times the sign of the change, but for tau. */
    @Test
    void fedAdamsFirstCorrectedStepIsTheServerLearningRate() {
        Model kingmaBa = firstStep(FedAdam.builder().biasCorrection(BiasCorrection.KINGMA_BA), -3);
        Model flower = firstStep(FedAdam.builder().biasCorrection(BiasCorrection.FLOWER_COMPAT), -3);
        Model none = firstStep(FedAdam.builder(), -3);

        assertThat(kingmaBa.tensors().get(0).get(0)).isCloseTo(-0.1, within(1e-8));
        assertThat(flower.tensors().get(0).get(0)).isCloseTo(-0.1 * 0.742_459_786, within(1e-9));
        assertThat(none.tensors().get(0).get(0)).isCloseTo(-0.1, within(1e-8));
    }

    private static Model firstStep(FedAdam.Builder builder, double change) {
        return builder.tau(1e-9).serverOptimizer().get().step(scalar(0), delta(scalar(0), new double[] {change}));
    }

    /** A change much smaller than v: Adam's v falls to a share of itself, Yogi's by the change's square at most. */
    @Test
    void fedYogisSecondMomentFallsByTheSquareOfTheChangeAtMost() {
        ServerOptimizer yogi = start(FedYogi.builder().tau(1).beta2(0.5).build());
        ServerOptimizer adam = start(FedAdam.builder().tau(1).beta2(0.5).build());
        yogi.step(scalar(0), delta(scalar(0), new double[] {0.125}));
        adam.step(scalar(0), delta(scalar(0), new double[] {0.125}));

        assertThat(yogi.snapshot().tensors().get("v")).isEqualTo(scalar(1 - 0.5 * 0.015625));
        assertThat(adam.snapshot().tensors().get("v")).isEqualTo(scalar(0.5 + 0.5 * 0.015625));
    }

    private static ServerOptimizer start(Strategy strategy) {
        return strategy.start(Config.empty()).serverOptimizer();
    }

    private static Model scalar(double value) {
        return Model.builder()
                .trainable("w", Tensor.copyOf(new double[] {value}))
                .build();
    }

    /** As a network with batch norm: trainables of two types, a buffer and a counter between them. */
    private static Model batchNorm(Random random) {
        float[] conv = new float[10_000];
        for (int i = 0; i < conv.length; i++) {
            conv[i] = (float) random.nextGaussian();
        }
        return Model.builder()
                .trainable("conv", Tensor.wrap(conv, 100, 100))
                .trainable("scale", Tensor.copyOf(new float[] {1, -1, 0}))
                .buffer("variance", Tensor.copyOf(new float[] {1}))
                .counter("batches", Tensor.scalar(0L))
                .trainable("head", Tensor.copyOf(new double[] {1, -1e-8, 0, 1e8, 0.1}))
                .build();
    }

    private static Aggregate aggregate(Model global, Random random) {
        Aggregate aggregate = unchanged(global);
        for (int t : new int[] {0, 1, 4}) {
            double[] values = aggregate.values(t);
            for (int i = 0; i < values.length; i++) {
                values[i] += random.nextGaussian() * 0.1;
            }
        }
        return aggregate;
    }

    private static Aggregate unchanged(Model global) {
        List<double[]> values = new ArrayList<>();
        global.tensors().forEach(tensor -> values.add(tensor.toDoubleArray()));
        return Aggregate.wrap(UpdateForm.MODEL, global.spec(), values, 1, 1);
    }

    private static Aggregate delta(Model global, double[]... values) {
        return Aggregate.wrap(UpdateForm.MODEL_DELTA, global.spec(), List.of(values), 1, 1);
    }
}
