package io.fedlearn.privacy.central;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.ModelDelta;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClippedSumTest {
    private final Model global = Updates.mixedModel();

    private ModelDelta delta(Model model) {
        return ModelDelta.of(ClientUpdate.ofModelDelta(model, 1), global);
    }

    private static List<double[]> copy(ClippedSum sum) {
        return sum.values().stream().map(double[]::clone).toList();
    }

    /** The squared distance, of whole numbers and in whole numbers; fails if one is not whole. */
    private static BigInteger squaredDistance(List<double[]> a, List<double[]> b) {
        BigInteger squares = BigInteger.ZERO;
        for (int t = 0; t < a.size(); t++) {
            for (int i = 0; i < a.get(t).length; i++) {
                BigInteger difference = new BigDecimal(a.get(t)[i])
                        .toBigIntegerExact()
                        .subtract(new BigDecimal(b.get(t)[i]).toBigIntegerExact());
                squares = squares.add(difference.multiply(difference));
            }
        }
        return squares;
    }

    /** The sensitivity: whatever a client sends, it moves the sum by at most the radius, exactly. */
    @Test
    void oneClientMovesTheSumByAtMostTheRadius() {
        SeededRandom random = SeededRandom.of(11);
        for (int trial = 0; trial < 150; trial++) {
            double norm = Math.scalb(1 + random.nextDouble(), (int) (random.nextDouble() * 60) - 40);
            double weight = trial % 3 == 0 ? 1 : Math.max(1e-9, random.nextDouble());
            ClippingGrid grid = ClippingGrid.of(norm);
            ClippedSum sum = new ClippedSum(global.spec());
            sum.add(delta(Updates.randomDelta(global, trial)), 1, grid);
            List<double[]> before = copy(sum);
            sum.add(delta(Updates.randomDelta(global, 1000 + trial)), weight, grid);
            assertThat(squaredDistance(before, copy(sum)))
                    .as("trial %d", trial)
                    .isLessThanOrEqualTo(BigInteger.valueOf(grid.radius()).pow(2));
        }
    }

    @Test
    void clippingLosesAMillionthOfTheNormAtMost() {
        ClippingGrid grid = ClippingGrid.of(1.7);
        ClippedSum sum = new ClippedSum(global.spec());
        Model large = Updates.randomDelta(global, 1000);
        double norm = sum.add(delta(large), 1, grid);
        List<double[]> zeros = global.tensors().stream()
                .map(tensor -> new double[(int) tensor.elementCount()])
                .toList();
        double clipped = Math.sqrt(squaredDistance(zeros, copy(sum)).doubleValue()) * grid.step();
        assertThat(norm).isGreaterThan(2);
        // And what 5,000 values lose by rounding towards zero.
        assertThat(clipped).isBetween(1.7 * (1 - 3e-6), 1.7);
    }

    @Test
    void shortDeltaEntersAsItIsRoundedTowardsZero() {
        Model start = Updates.model(0, 0, 0);
        ClippingGrid grid = ClippingGrid.of(1);
        ClippedSum sum = new ClippedSum(start.spec());
        double step = grid.step();
        ModelDelta small =
                ModelDelta.of(ClientUpdate.ofModelDelta(Updates.model(0.25, -2.75 * step, 0.99 * step), 1), start);
        assertThat(sum.add(small, 1, grid)).isCloseTo(0.25, within(1e-9));
        assertThat(sum.values().get(0)).containsExactly(0.25 / step, -2, 0);
    }

    @Test
    void modelsCountByTheirDeltas() {
        Model start = Updates.model(3, -5);
        ClippingGrid grid = ClippingGrid.of(8);
        ClippedSum sum = new ClippedSum(start.spec());
        sum.add(ModelDelta.of(ClientUpdate.ofModel(Updates.model(4, -7), 1), start), 1, grid);
        assertThat(sum.values().get(0)).containsExactly(1 / grid.step(), -2 / grid.step());
    }

    @Test
    void deltasWhoseSquaresOverflowAreClippedLikeOthers() {
        Model start = Updates.model(0, 0);
        ClippingGrid grid = ClippingGrid.of(5);
        ClippedSum sum = new ClippedSum(start.spec());
        ModelDelta huge = ModelDelta.of(ClientUpdate.ofModelDelta(Updates.model(3e200, -4e200), 1), start);
        assertThat(sum.add(huge, 1, grid)).isCloseTo(5e200, within(1e186));
        assertThat(sum.values().get(0)[0] * grid.step()).isCloseTo(3, within(1e-5));
        assertThat(sum.values().get(0)[1] * grid.step()).isCloseTo(-4, within(1e-5));
    }

    @Test
    void valuesThatAreNotFiniteCountAsNothing() {
        Model start = Updates.model(0, 0);
        ClippedSum sum = new ClippedSum(start.spec());
        for (double odd : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            ModelDelta delta = ModelDelta.of(ClientUpdate.ofModelDelta(Updates.model(odd, 1), 1), start);
            assertThat(sum.add(delta, 1, ClippingGrid.of(1))).isEqualTo(Double.POSITIVE_INFINITY);
        }
        assertThat(sum.values().get(0)).containsExactly(0, 0);
    }

    /** The exact check is what bounds the sum: a delta that would come out too long is taken back, and made shorter. */
    @Test
    void whatComesOutTooLongIsTakenBackAndMadeShorter() {
        Model start = Updates.model(0, 0);
        ClippedSum sum = new ClippedSum(start.spec());
        ClippingGrid honest = ClippingGrid.of(1);
        ClippedSum other = new ClippedSum(start.spec());
        WeightedUpdate update = Updates.delta("a", 3, 4);
        // A weight above 1 stands for a norm that was computed too small.
        sum.add(ModelDelta.of(update.update(), start), 3, honest);
        other.add(ModelDelta.of(update.update(), start), 3.0 / 4, honest);
        assertThat(sum.values().get(0)).isEqualTo(other.values().get(0));
    }

    @Test
    void buffersCountTowardsTheNormAndIntegersStay() {
        Model buffered = Model.builder()
                .trainable("weight", Tensor.wrap(new double[] {0}, 1))
                .buffer("mean", Tensor.wrap(new double[] {0}, 1))
                .counter("batches", Tensor.copyOf(new long[] {9}, 1))
                .build();
        Model change = Model.builder()
                .trainable("weight", Tensor.wrap(new double[] {3}, 1))
                .buffer("mean", Tensor.wrap(new double[] {4}, 1))
                .counter("batches", Tensor.copyOf(new long[] {1_000_000}, 1))
                .build();
        ClippingGrid grid = ClippingGrid.of(1);
        ClippedSum sum = new ClippedSum(buffered.spec());
        assertThat(sum.add(ModelDelta.of(ClientUpdate.ofModelDelta(change, 1), buffered), 1, grid))
                .isEqualTo(5);
        assertThat(sum.values().get(0)[0] * grid.step()).isCloseTo(0.6, within(1e-5));
        assertThat(sum.values().get(1)[0] * grid.step()).isCloseTo(0.8, within(1e-5));
        assertThat(sum.values().get(2)).containsExactly(0);
    }

    @Test
    void orderChangesNoBit() {
        List<Model> deltas = new ArrayList<>();
        for (int k = 0; k < 12; k++) {
            deltas.add(Updates.randomDelta(global, k));
        }
        ClippingGrid grid = ClippingGrid.of(0.37);
        ClippedSum forwards = new ClippedSum(global.spec());
        deltas.forEach(model -> forwards.add(delta(model), 0.3, grid));
        Collections.reverse(deltas);
        ClippedSum backwards = new ClippedSum(global.spec());
        deltas.forEach(model -> backwards.add(delta(model), 0.3, grid));
        assertThat(squaredDistance(copy(forwards), copy(backwards))).isZero();
    }

    @Test
    void refusesTensorsThatAreNoNumbers() {
        Model flags = Model.builder()
                .trainable("weight", Tensor.wrap(new double[] {0}, 1))
                .buffer("mask", Tensor.zeros(TensorType.BOOL, Shape.of(2)))
                .build();
        assertThatThrownBy(() -> new ClippedSum(flags.spec()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("tensor 'mask' must be of a number type to be clipped or kept, was BOOL");
    }
}
