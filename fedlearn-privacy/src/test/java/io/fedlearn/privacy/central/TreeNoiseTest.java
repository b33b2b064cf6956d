package io.fedlearn.privacy.central;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.testkit.statistics.StatisticalAssertions;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class TreeNoiseTest {
    /** Of each assertion; there are fewer than 40 here. */
    private static final double FALSE_ALARM = 1e-8;

    private static final int COORDINATES = 20_000;
    private static final double SIGMA = 1 << 20;

    private static ClippedSum zeros() {
        return new ClippedSum(Model.builder()
                .trainable("weight", Tensor.zeros(TensorType.FLOAT64, Shape.of(COORDINATES)))
                .build()
                .spec());
    }

    /** The running sums of the noise of so many rounds, coordinate by coordinate. */
    private static double[][] runningSums(TreeNoise tree, double strength, int rounds) {
        double[][] sums = new double[rounds][];
        double[] total = new double[COORDINATES];
        ClippedSum sum = zeros();
        for (int round = 0; round < rounds; round++) {
            sum.clear();
            tree.addTo(sum, KnownNoise.times(strength).gaussian(SIGMA), NoiseSource.secure());
            for (int i = 0; i < COORDINATES; i++) {
                total[i] += sum.values().get(0)[i];
            }
            sums[round] = total.clone();
        }
        return sums;
    }

    /** What a running sum of {@code t} leaves varies by: a refined node of level l for each bit l of t. */
    private static double theory(int t) {
        double variance = 0;
        for (int level = 0; level < 31; level++) {
            if ((t >> level & 1) == 1) {
                variance += Math.scalb(1.0, level) / (Math.scalb(1.0, level + 1) - 1);
            }
        }
        return Math.sqrt(variance) * SIGMA;
    }

    @Test
    void runningSumsVaryAsTheoryHasIt() {
        double[][] sums = runningSums(new TreeNoise(16), 1, 16);
        for (int t = 1; t <= 16; t++) {
            StatisticalAssertions.assertNormalDeviation(sums[t - 1], 0, theory(t), FALSE_ALARM);
            // Unbiased, but for halves of single steps.
            StatisticalAssertions.assertMean(sums[t - 1], 0, theory(t), FALSE_ALARM);
        }
        // Sixteen noises of their own would have four times the deviation of one.
        assertThat(theory(16)).isLessThan(0.72 * SIGMA);
    }

    @Test
    void tooLittleNoiseIsNoticed() {
        double[][] sums = runningSums(new TreeNoise(16), 0.9, 16);
        assertThatThrownBy(() -> StatisticalAssertions.assertNormalDeviation(sums[15], 0, theory(16), FALSE_ALARM))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void newTreeStartsWhereTheLastOneEnded() {
        double[][] sums = runningSums(new TreeNoise(4), 1, 6);
        double two = Math.hypot(theory(4), theory(2));
        StatisticalAssertions.assertNormalDeviation(sums[5], 0, two, FALSE_ALARM);
        double[] sinceRestart = new double[COORDINATES];
        Arrays.setAll(sinceRestart, i -> sums[5][i] - sums[3][i]);
        StatisticalAssertions.assertNormalDeviation(sinceRestart, 0, theory(2), FALSE_ALARM);
    }

    @Test
    void noiseIsOfWholeSteps() {
        for (double[] sums : runningSums(new TreeNoise(8), 1, 8)) {
            assertThat(Arrays.stream(sums).allMatch(value -> value == Math.rint(value)))
                    .isTrue();
        }
    }

    private static CentralPrivacy.Builder privacy() {
        return CentralPrivacy.builder("run")
                .clipping(Clipping.fixed(1))
                .noiseMultiplier(2)
                .sampling(ClientSampling.separated(3))
                .restartEvery(4)
                .expectedCohort(4);
    }

    @Test
    void withoutNoiseRoundsAddUpToTheRunningSum() {
        PrivateMean mean = new PrivateMean(privacy().build(), KnownNoise.none());
        Model global = Updates.model(0);
        double total = 0;
        for (int round = 1; round <= 11; round++) {
            mean.begin(global);
            mean.accumulate(List.of(Updates.delta("a", 0.5), Updates.delta("b", -0.25)));
            Aggregate aggregate = mean.finish();
            total += Updates.values(aggregate)[0];
            assertThat(total).isEqualTo(round * 0.0625);
        }
    }

    @Test
    void treeIsChargedWhenItStarts() {
        PrivateMean mean = new PrivateMean(privacy().build(), KnownNoise.times(1));
        Model global = Updates.model(0);
        for (int round = 1; round <= 9; round++) {
            assertThat(mean.charge(round).isPresent()).as("round %d", round).isEqualTo(round % 4 == 1);
            mean.begin(global);
            mean.finish();
        }
        assertThat(mean.charge(10)).isEmpty();
        // The noise of a tree is nowhere but in memory.
        mean.restore(mean.snapshot());
        assertThat(mean.charge(10)).hasValueSatisfying(charge -> {
            assertThat(charge.mechanism())
                    .isEqualTo("tree-aggregation(noiseMultiplier=2.0, steps=4, maxParticipations=2, minSeparation=3)");
            assertThat(charge.parameters().getString("purpose")).contains("rounds 10 to 13");
            assertThat(charge.parameters().getString("relation")).contains("replace-special");
        });
        assertThat(mean.snapshot().isEmpty()).isTrue();
    }
}
