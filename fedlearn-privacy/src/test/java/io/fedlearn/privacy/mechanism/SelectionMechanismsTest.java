package io.fedlearn.privacy.mechanism;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.testkit.statistics.PrivacyAssertions;
import io.fedlearn.testkit.statistics.StatisticalAssertions;
import java.util.Arrays;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every statistical test here has a false alarm of 1e-9. */
class SelectionMechanismsTest {
    private static final double FALSE_ALARM = 1e-9;
    private static final int SAMPLES = 20_000;
    private static final NoiseSource SOURCE = NoiseSource.secure();
    private static final NeighboringRelation RELATION = NeighboringRelation.ADD_OR_REMOVE_ONE;
    private static final double[] SCORES = {3, 1.5, 0, 2.5, -100};

    private static long[] counts(ToIntFunction<double[]> choice) {
        long[] counts = new long[SCORES.length];
        for (int i = 0; i < SAMPLES; i++) {
            counts[choice.applyAsInt(SCORES)]++;
        }
        return counts;
    }

    @Test
    void exponentialMechanismChoosesByItsFormula() {
        ExponentialMechanism mechanism = ExponentialMechanism.of(RELATION, 0.5, 0.8);
        double[] expected =
                Arrays.stream(SCORES).map(score -> Math.exp(0.8 * score)).toArray();
        double sum = Arrays.stream(expected).sum();
        for (int i = 0; i < expected.length; i++) {
            expected[i] /= sum;
        }

        StatisticalAssertions.assertFrequencies(
                counts(scores -> mechanism.choose(SOURCE, scores)), expected, FALSE_ALARM);
    }

    /** Noise of rate epsilon / (2 sensitivity) on each score, and the largest is reported. */
    @Test
    void permuteAndFlipIsReportNoisyMax() {
        PermuteAndFlip mechanism = PermuteAndFlip.of(RELATION, 0.5, 0.8);
        long[] noisyMax = new long[SCORES.length];
        int trials = 200_000;
        for (int i = 0; i < trials; i++) {
            int best = 0;
            double highest = Double.NEGATIVE_INFINITY;
            for (int j = 0; j < SCORES.length; j++) {
                double noisy = SCORES[j] - Math.log1p(-SOURCE.nextDouble()) / 0.8;
                if (noisy > highest) {
                    highest = noisy;
                    best = j;
                }
            }
            noisyMax[best]++;
        }
        long[] counts = counts(scores -> mechanism.choose(SOURCE, scores));
        for (int j = 0; j < SCORES.length; j++) {
            StatisticalAssertions.assertSameDistribution(
                    indicators(counts[j], SAMPLES), indicators(noisyMax[j], trials), FALSE_ALARM / SCORES.length);
        }
    }

    private static double[] indicators(long ones, int count) {
        double[] indicators = new double[count];
        Arrays.fill(indicators, 0, (int) ones, 1);
        return indicators;
    }

    private static void assertPrivate(ToIntFunction<double[]> choice, double epsilon) {
        double[] scores = {0, 0, 0};
        double[] neighbour = {1, -1, -1};
        PrivacyAssertions.assertPrivate(
                () -> choice.applyAsInt(scores),
                () -> choice.applyAsInt(neighbour),
                3,
                SAMPLES / 4,
                epsilon,
                0,
                FALSE_ALARM);
    }

    @Test
    void choicesOfNeighboursAreHardToTellApart() {
        ExponentialMechanism exponential = ExponentialMechanism.of(RELATION, 1, 2);
        PermuteAndFlip permuting = PermuteAndFlip.of(RELATION, 1, 2);
        assertPrivate(scores -> exponential.choose(SOURCE, scores), 2);
        assertPrivate(scores -> permuting.choose(SOURCE, scores), 2);
        // Half the noise that this epsilon takes: the second candidates' probabilities fall by e^2 and more.
        ExponentialMechanism tooSure = ExponentialMechanism.of(RELATION, 0.5, 2);
        PermuteAndFlip tooSurePermuting = PermuteAndFlip.of(RELATION, 0.5, 2);
        assertThatThrownBy(() -> assertPrivate(scores -> tooSure.choose(SOURCE, scores), 2))
                .isExactlyInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> assertPrivate(scores -> tooSurePermuting.choose(SOURCE, scores), 2))
                .isExactlyInstanceOf(AssertionError.class);
    }

    @Test
    void selectionDescribesItself() {
        ExponentialMechanism exponential = ExponentialMechanism.of(RELATION, 1, 0.3);
        PermuteAndFlip permuting = PermuteAndFlip.of(RELATION, 1, 0.3);
        assertThat(exponential.event()).isEqualTo(new PrivacyEvent.PureLoss(0.3));
        assertThat(permuting.event()).isEqualTo(new PrivacyEvent.PureLoss(0.3));
        assertThat(exponential).hasToString("exponential(relation=add-remove, sensitivity=1.0, epsilon=0.3)");
        assertThat(permuting).hasToString("permute-and-flip(relation=add-remove, sensitivity=1.0, epsilon=0.3)");
        assertThat(exponential.choose(new double[] {5})).isZero();
        assertThat(permuting.choose(new double[] {1e6, 0})).isZero();
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
    void selectionRejectsSettingThatIsNone(double value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExponentialMechanism.of(RELATION, value, 1))
                .withMessageStartingWith("sensitivity must be > 0 and finite");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PermuteAndFlip.of(RELATION, 1, value))
                .withMessageStartingWith("epsilon must be > 0 and finite");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SparseVector.builder().epsilon(value))
                .withMessage("epsilon must be > 0 and finite, was " + value);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SparseVector.builder().sensitivity(value))
                .withMessageStartingWith("sensitivity must be > 0 and finite");
    }

    @Test
    void selectionRejectsScoresThatAreNone() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PermuteAndFlip.of(RELATION, 1, 1).choose(new double[0]));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExponentialMechanism.of(RELATION, 1, 1).choose(new double[] {1, Double.NaN}))
                .withMessage("values must be finite, that at 1 is not");
    }

    private static SparseVector sparse(double sensitivity, double epsilon, int maxAbove) {
        return SparseVector.builder()
                .relation(RELATION)
                .sensitivity(sensitivity)
                .threshold(0)
                .epsilon(epsilon)
                .maxAbove(maxAbove)
                .build(SOURCE);
    }

    /** The answers to these, as bits. */
    private static int answers(SparseVector mechanism, double[] values) {
        int answers = 0;
        for (int i = 0; i < values.length && !mechanism.isExhausted(); i++) {
            answers |= mechanism.isAbove(values[i]) ? 1 << i : 0;
        }
        return answers;
    }

    private static void assertSparseIsPrivate(double sensitivity, double epsilon, int maxAbove) {
        double[] values = {0, 0, 0, 0, 0};
        double[] neighbour = {-1, -1, -1, -1, 1};
        PrivacyAssertions.assertPrivate(
                () -> answers(sparse(sensitivity, epsilon, maxAbove), values),
                () -> answers(sparse(sensitivity, epsilon, maxAbove), neighbour),
                32,
                SAMPLES / 20,
                epsilon,
                0,
                FALSE_ALARM);
    }

    @Test
    void sparseAnswersOfNeighboursAreHardToTellApart() {
        assertSparseIsPrivate(1, 1, 1);
        assertSparseIsPrivate(1, 1, 2);
        assertThatThrownBy(() -> assertSparseIsPrivate(0.1, 1, 1)).isExactlyInstanceOf(AssertionError.class);
    }

    /** Threshold and number each have Laplace noise, of scales 1 / epsilon_1 and 2 / epsilon_2. */
    @Test
    void sparseNoiseIsThatOfTheFormula() {
        double first = 1 / (1 + Math.cbrt(4));
        double a = 1 / first;
        double b = 2 / (1 - first);
        long above = 0;
        for (int i = 0; i < 2_000; i++) {
            above += sparse(1, 1, 1).isAbove(4) ? 1 : 0;
        }
        // P(x + nu >= rho): the difference of two Laplace variables of different scales.
        double probability = 1 - (b * b * Math.exp(-4 / b) - a * a * Math.exp(-4 / a)) / (2 * (b * b - a * a));
        StatisticalAssertions.assertProbability(above, 2_000, probability, FALSE_ALARM);
    }

    @Test
    void sparseVectorEndsAfterWhatWasPaidFor() {
        SparseVector mechanism = sparse(1, 50, 2);
        assertThat(mechanism.isAbove(-1e6)).isFalse();
        assertThat(mechanism.isAbove(1e6)).isTrue();
        assertThat(mechanism.isExhausted()).isFalse();
        assertThat(mechanism.isAbove(1e6)).isTrue();
        assertThat(mechanism.isExhausted()).isTrue();
        assertThatIllegalStateException().isThrownBy(() -> mechanism.isAbove(0)).withMessageContaining("exhausted");
        assertThat(mechanism.event()).isEqualTo(new PrivacyEvent.PureLoss(50));
        assertThat(mechanism)
                .hasToString(
                        "sparse-vector(relation=add-remove, sensitivity=1.0, threshold=0.0, maxAbove=2, epsilon=50.0)");
    }

    @Test
    void sparseVectorRejectsWhatIsMissingOrWrong() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SparseVector.builder().maxAbove(0))
                .withMessage("maxAbove must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SparseVector.builder().threshold(Double.NaN))
                .withMessage("threshold must be finite, was NaN");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SparseVector.builder()
                        .relation(RELATION)
                        .sensitivity(1)
                        .epsilon(1)
                        .build())
                .withMessage("threshold must be set");
        SparseVector mechanism = sparse(1, 1, 1);
        assertThatIllegalArgumentException().isThrownBy(() -> mechanism.isAbove(Double.POSITIVE_INFINITY));
    }
}
