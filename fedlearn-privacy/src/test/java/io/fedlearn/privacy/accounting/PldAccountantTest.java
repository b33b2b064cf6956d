package io.fedlearn.privacy.accounting;

import static io.fedlearn.privacy.accounting.NeighboringRelation.ADD_OR_REMOVE_ONE;
import static io.fedlearn.privacy.accounting.NeighboringRelation.REPLACE_ONE;
import static io.fedlearn.privacy.accounting.NeighboringRelation.REPLACE_SPECIAL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class PldAccountantTest {
    private static final PrivacyEvent SAMPLED = new PrivacyEvent.PoissonSampled(0.01, new PrivacyEvent.Gaussian(1.1));

    private static PldAccountant accountant(PrivacyEvent event, long count) {
        return PldAccountant.of(ADD_OR_REMOVE_ONE).compose(event, count);
    }

    private static PrivacyEvent sampled(double rate, double noiseMultiplier) {
        return new PrivacyEvent.PoissonSampled(rate, new PrivacyEvent.Gaussian(noiseMultiplier));
    }

    /** Of independent losses of two values, {@code epsilon} with probability {@code p} and else {@code -epsilon}. */
    private static double exactDelta(double loss, double p, int count, double epsilon) {
        double delta = 0;
        double probability = Math.pow(1 - p, count);
        for (int k = 0; k <= count; k++) {
            double sum = (2 * k - count) * loss;
            delta += sum > epsilon ? probability * -Math.expm1(epsilon - sum) : 0;
            probability *= (double) (count - k) / (k + 1) * p / (1 - p);
        }
        return delta;
    }

    /** By composing a Gaussian mechanism as if nothing were known of it. */
    private static LossComposition composedGaussian(double noiseMultiplier, long count, double delta) {
        List<LossTerm> terms = List.of(new LossTerm(ContinuousLoss.gaussian(noiseMultiplier, 1), count));
        LossPlan plan = LossPlan.forDelta(terms, false, new PldSettings(0, 0), delta);
        return LossComposition.of(terms, false, plan);
    }

    @ParameterizedTest
    @CsvSource({
        "30, 100, 1e-2",
        "30, 100, 1e-5",
        "30, 100, 1e-12",
        "30, 100, 1e-60",
        "1000, 1000000, 1e-5",
        "1000, 1000000, 1e-12",
        "1, 3, 1e-6",
        "1e4, 2, 1e-9",
        "0.5, 1, 1e-6",
        "200, 10000, 1e-200"
    })
    void transformsToNoLessThanTheExactGaussianAndLittleMore(double noiseMultiplier, long count, double delta) {
        double exact = AnalyticGaussian.epsilon(noiseMultiplier / Math.sqrt(count), delta);
        double epsilon = composedGaussian(noiseMultiplier, count, delta).epsilon(delta);
        assertThat(epsilon).isBetween(exact * (1 - 1e-9), exact * (1 + 5e-5));
    }

    @Test
    void addsSeveralKindsOfLosses() {
        List<LossTerm> terms = List.of(
                new LossTerm(ContinuousLoss.gaussian(30, 1), 50), new LossTerm(ContinuousLoss.gaussian(60, 1), 200));
        LossPlan plan = LossPlan.forDelta(terms, false, new PldSettings(0, 0), 1e-9);
        double exact = AnalyticGaussian.epsilon(30 / Math.sqrt(100), 1e-9);
        assertThat(LossComposition.of(terms, false, plan).epsilon(1e-9))
                .isBetween(exact * (1 - 1e-9), exact * (1 + 5e-5));
    }

    @Test
    void staysAboveTheTruthWithACoarseInterval() {
        PrivacyEvent event = new PrivacyEvent.Laplace(20);
        double fine = accountant(event, 1000).withInterval(1e-4).epsilon(1e-5);
        assertThat(accountant(event, 1000).withInterval(0.05).epsilon(1e-5)).isBetween(fine, 1.3 * fine);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 10, 100, 400})
    void agreesWithTheEnumerationOfRandomizedResponse(int count) {
        PrivacyEvent event = new PrivacyEvent.RandomizedResponse(0.5, 2);
        double loss = Math.log(3);
        for (double epsilon : new double[] {0, 0.5, 1, 5, 20}) {
            double exact = exactDelta(loss, 0.75, count, epsilon);
            double delta = PldAccountant.of(REPLACE_ONE).compose(event, count).privacyDelta(epsilon);
            assertThat(delta).isBetween(exact * (1 - 1e-9), exact * (1 + 1e-6));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 400})
    void agreesWithTheEnumerationOfPureMechanisms(int count) {
        double loss = 0.1;
        for (double epsilon : new double[] {0, 0.2, 1.05, 4.8}) {
            double exact = exactDelta(loss, 1 / (1 + Math.exp(-loss)), count, epsilon);
            assertThat(accountant(new PrivacyEvent.PureLoss(loss), count).privacyDelta(epsilon))
                    .isBetween(exact * (1 - 1e-9), exact * (1 + 1e-6));
        }
    }

    @Test
    void keepsALatticeUnderASteepTilt() {
        // With the largest losses alone: p^3 (1 - exp(epsilon - 21 / b)) = delta.
        double scale = 10.872926213993345;
        double all = Math.pow(1 / (1 + Math.exp(-1 / scale)), 3);
        double exact = 21 / scale + Math.log1p(-1.32e-4 / all);
        assertThat(accountant(new PrivacyEvent.DiscreteLaplace(scale, 7), 3).epsilon(1.32e-4))
                .isBetween(exact, exact + 1e-6);
    }

    @Test
    void answersBothWaysBesideAVeryLargeLoss() {
        PldAccountant accountant = accountant(new PrivacyEvent.Gaussian(0.0275), 1)
                .compose(new PrivacyEvent.PoissonSampled(0.05, new PrivacyEvent.Laplace(44)), 7);
        double alone = accountant(new PrivacyEvent.Gaussian(0.0275), 1).epsilon(1e-6);
        assertThat(accountant.epsilon(1e-6)).isBetween(alone, alone + 0.1);
    }

    @Test
    void countsRandomizedResponses() {
        PldAccountant one = PldAccountant.of(REPLACE_ONE).compose(new PrivacyEvent.RandomizedResponse(0.5, 4));
        PldAccountant ten = PldAccountant.of(REPLACE_ONE)
                .compose(new PrivacyEvent.Repeated(10, new PrivacyEvent.RandomizedResponse(0.5, 4)));
        assertThat(ten.epsilon(0)).isCloseTo(10 * one.epsilon(0), within(1e-9));
        assertThat(ten.epsilon(1e-6)).isGreaterThan(5 * one.epsilon(1e-6));
    }

    @Test
    void addsPureEpsilonsWhereDeltaIsZero() {
        assertThat(accountant(new PrivacyEvent.Laplace(3), 1).epsilon(0)).isBetween(1 / 3.0, 1 / 3.0 * (1 + 1e-12));
        assertThat(accountant(new PrivacyEvent.PureLoss(0.25), 8).epsilon(0)).isBetween(2.0, 2 + 1e-12);
        assertThat(accountant(new PrivacyEvent.PoissonSampled(0.1, new PrivacyEvent.Laplace(1)), 5)
                        .epsilon(0))
                .isCloseTo(5 * Math.log1p(0.1 * Math.expm1(1)), within(1e-12));
        assertThat(accountant(new PrivacyEvent.Gaussian(1), 1).epsilon(0)).isInfinite();
        assertThat(accountant(new PrivacyEvent.Laplace(3), 1).privacyDelta(0.34))
                .isZero();
        assertThat(accountant(SAMPLED, 10).epsilon(0)).isInfinite();
    }

    @Test
    void costsNothingBeforeTheFirstRelease() {
        assertThat(PldAccountant.of(REPLACE_ONE).epsilon(0)).isZero();
        assertThat(accountant(SAMPLED, 0).epsilon(1e-9)).isZero();
        assertThat(accountant(SAMPLED, 0).privacyDelta(0)).isZero();
    }

    @Test
    void doesNotCareForTheOrder() {
        PrivacyEvent laplace = new PrivacyEvent.PoissonSampled(0.05, new PrivacyEvent.Laplace(2));
        PrivacyEvent discrete = new PrivacyEvent.DiscreteGaussian(8, 1);
        double one = accountant(SAMPLED, 20)
                .compose(laplace, 7)
                .compose(discrete)
                .compose(SAMPLED, 5)
                .epsilon(1e-6);
        double other = accountant(discrete, 1)
                .compose(new PrivacyEvent.Repeated(25, SAMPLED))
                .compose(new PrivacyEvent.Composed(List.of(laplace, new PrivacyEvent.Repeated(6, laplace))))
                .epsilon(1e-6);
        assertThat(one).isEqualTo(other).isPositive();
    }

    @Test
    void growsWithStepsAndRateAndShrinksWithNoise() {
        double previous = 0;
        for (long steps : new long[] {1, 2, 10, 100, 1000, 10_000, 100_000}) {
            double epsilon = accountant(SAMPLED, steps).epsilon(1e-6);
            assertThat(epsilon).isGreaterThan(previous);
            previous = epsilon;
        }
        previous = 0;
        for (double rate : new double[] {1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.5, 0.9, 1}) {
            double epsilon = accountant(sampled(rate, 2), 500).epsilon(1e-6);
            assertThat(epsilon).isGreaterThan(previous);
            previous = epsilon;
        }
        previous = 0;
        for (double noise : new double[] {50, 10, 4, 2, 1, 0.7, 0.5, 0.3}) {
            double epsilon = accountant(sampled(0.02, noise), 200).epsilon(1e-6);
            assertThat(epsilon).isGreaterThan(previous);
            previous = epsilon;
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.5, 0.1, 1e-3, 1e-6, 1e-12, 1e-30, 1e-100})
    void findsADeltaForItsEpsilonThatIsNoLarger(double delta) {
        PldAccountant accountant = accountant(SAMPLED, 300).compose(new PrivacyEvent.DiscreteLaplace(7, 2), 3);
        double epsilon = accountant.epsilon(delta);
        assertThat(accountant.privacyDelta(epsilon)).isLessThanOrEqualTo(delta * (1 + 1e-6));
        assertThat(accountant.privacyDelta(epsilon + 0.01)).isLessThan(delta);
    }

    @ParameterizedTest
    @CsvSource({
        "1e-6, 1, 1000000, 1e-12, 0.0076, 0.0078",
        "1e-6, 4, 1000000, 1e-12, 0.001388, 0.001390",
        "1e-6, 100, 1000000, 1e-12, 4.881e-5, 4.884e-5",
        "0.001, 1, 1000000, 1e-12, 9.7960, 9.7972",
        "0.01, 1, 1000000, 1e-12, 175.75, 175.78"
    })
    void staysTightAtTheLimits(double rate, double noise, long steps, double delta, double low, double high) {
        PldAccountant accountant = accountant(sampled(rate, noise), steps);
        double epsilon = accountant.epsilon(delta);
        assertThat(epsilon).isBetween(low, high);
        assertThat(epsilon)
                .isLessThanOrEqualTo(RdpAccountant.of(ADD_OR_REMOVE_ONE)
                        .compose(sampled(rate, noise), steps)
                        .epsilon(delta));
    }

    /** Where the two directions lie far apart, or one rare large loss decides. */
    @ParameterizedTest
    @CsvSource({
        "2.5e-5, 2.8, 10, 906507, 8.7e-11",
        "0.456, 4.2, 10, 478469, 2.9e-11",
        "1.1e-6, 10.9, 10, 47, 5e-12",
        "3.3e-5, 1.5, 1, 22, 1.2e-9",
        "0.26, 1.04, 10, 257613, 0.016"
    })
    void answersBothWaysForUnusualMechanisms(double rate, double sigma, long sensitivity, long count, double delta) {
        PldAccountant accountant = accountant(
                new PrivacyEvent.PoissonSampled(rate, new PrivacyEvent.DiscreteGaussian(sigma, sensitivity)), count);
        double epsilon = accountant.epsilon(delta);
        assertThat(epsilon).isPositive().isFinite();
        assertThat(accountant.privacyDelta(epsilon)).isBetween(0.5 * delta, 1.001 * delta);
    }

    static Stream<Golden> settings() {
        return Golden.rows("sampled-gaussian").stream();
    }

    @ParameterizedTest
    @MethodSource("settings")
    void isNeverAboveRenyiDivergences(Golden row) {
        PrivacyEvent event = sampled(row.get("q"), row.get("sigma"));
        double renyi = RdpAccountant.of(ADD_OR_REMOVE_ONE)
                .compose(event, row.whole("steps"))
                .epsilon(row.get("delta"));
        assertThat(accountant(event, row.whole("steps")).epsilon(row.get("delta")))
                .isLessThanOrEqualTo(renyi);
    }

    @Test
    void takesWhatIsCutOffFromDelta() {
        PldAccountant accountant = accountant(SAMPLED, 100);
        double epsilon = accountant.epsilon(1e-6);
        assertThat(accountant.withTailMass(5e-7).epsilon(1e-6)).isGreaterThan(epsilon + 1e-3);
        assertThat(accountant.withTailMass(1e-5).epsilon(1e-6)).isInfinite();
    }

    @Test
    void findsDiscreteNoiseCloseToContinuousNoise() {
        double continuous = accountant(sampled(0.1, 20), 50).epsilon(1e-6);
        double discrete = accountant(new PrivacyEvent.PoissonSampled(0.1, new PrivacyEvent.DiscreteGaussian(40, 2)), 50)
                .epsilon(1e-6);
        assertThat(discrete).isCloseTo(continuous, within(1e-4 * continuous));
    }

    @ParameterizedTest
    @ValueSource(longs = {100_000, 1_000_000, 1_000_000_000, 1L << 50})
    void groupsDiscreteNoiseOnAFineGrid(long sensitivity) {
        double continuous = accountant(new PrivacyEvent.Laplace(2), 10).epsilon(1e-6);
        assertThat(accountant(new PrivacyEvent.DiscreteLaplace(2.0 * sensitivity, sensitivity), 10)
                        .epsilon(1e-6))
                .isBetween(continuous * (1 - 5e-5), continuous * (1 + 5e-5));
        double gaussian = AnalyticGaussian.epsilon(3 / Math.sqrt(10), 1e-6);
        assertThat(accountant(new PrivacyEvent.DiscreteGaussian(3.0 * sensitivity, sensitivity), 10)
                        .epsilon(1e-6))
                .isBetween(gaussian * (1 - 1e-9), gaussian * (1 + 5e-5));
    }

    @Test
    void takesSeveralGaussiansOverOneSampleForOne() {
        PrivacyEvent both = new PrivacyEvent.Composed(
                List.of(new PrivacyEvent.Gaussian(2), new PrivacyEvent.Repeated(3, new PrivacyEvent.Gaussian(3))));
        double noise = 1 / Math.sqrt(1 / 4.0 + 3 / 9.0);
        assertThat(accountant(new PrivacyEvent.PoissonSampled(0.1, both), 20).epsilon(1e-5))
                .isCloseTo(accountant(sampled(0.1, noise), 20).epsilon(1e-5), within(1e-9));
    }

    @Test
    void answersForBothDirectionsOfOneUnitMoreOrLess() {
        List<LossTerm> terms = List.of(new LossTerm(ContinuousLoss.laplace(0.5, 0.6), 1));
        PldAccountant accountant = accountant(new PrivacyEvent.PoissonSampled(0.6, new PrivacyEvent.Laplace(0.5)), 1);
        for (double epsilon : new double[] {0, 0.1, 0.3, 0.6, 1}) {
            double there = delta(terms, false, epsilon);
            double notThere = delta(terms, true, epsilon);
            assertThat(accountant.privacyDelta(epsilon)).isGreaterThanOrEqualTo(Math.max(there, notThere) * (1 - 1e-6));
        }
    }

    private static double delta(List<LossTerm> terms, boolean reversed, double epsilon) {
        LossPlan plan = LossPlan.forEpsilon(terms, reversed, new PldSettings(0, 0), epsilon);
        return LossComposition.of(terms, reversed, plan).delta(epsilon);
    }

    static Stream<PrivacyEvent> unknown() {
        return Stream.of(
                new PrivacyEvent.ZeroConcentrated(0.1),
                new PrivacyEvent.SampledWithoutReplacement(100, 10, new PrivacyEvent.Gaussian(1)),
                new PrivacyEvent.PoissonSampled(0.5, new PrivacyEvent.Gaussian(1)),
                new PrivacyEvent.TreeAggregation(1, 8, 1, 8),
                new PrivacyEvent.DistributedSkellam(10, 5, 1, 1),
                new PrivacyEvent.DiscreteGaussian(10, 1L << 40));
    }

    @ParameterizedTest
    @MethodSource("unknown")
    void refusesWhatItHasNoBoundFor(PrivacyEvent event) {
        PldAccountant accountant = PldAccountant.of(REPLACE_ONE);
        assertThatThrownBy(() -> accountant.compose(event))
                .isInstanceOf(UnsupportedEventException.class)
                .hasMessageContaining("cannot be analysed under replace");
        assertThatThrownBy(() -> accountant.compose(event, 0)).isInstanceOf(UnsupportedEventException.class);
    }

    @Test
    void refusesSeveralMechanismsOverOneSample() {
        PrivacyEvent both =
                new PrivacyEvent.Composed(List.of(new PrivacyEvent.Gaussian(2), new PrivacyEvent.Laplace(3)));
        assertThatThrownBy(() -> accountant(new PrivacyEvent.PoissonSampled(0.1, both), 1))
                .isInstanceOf(UnsupportedEventException.class)
                .hasMessageContaining("only if all of them are Gaussian");
        assertThat(accountant(new PrivacyEvent.PoissonSampled(1, both), 1).epsilon(1e-5))
                .isPositive();
    }

    @ParameterizedTest
    @CsvSource({
        "8.514888660519297, 3, 6, 1.1907312528152115e-11",
        "0.6294081175149701, 2, 5, 2.0507381851954336e-8",
        "1.373312995108255, 4, 4, 2.2141338971815757e-12",
        "1.3697313270259364, 3, 6, 9.214102742942466e-12"
    })
    void isAboveAlmostEveryLossWhereDeltaIsLessThanTheProbabilityOfTheLargest(
            double scale, long sensitivity, int count, double delta) {
        double largest = count * sensitivity / scale;
        double ofLargest = Math.pow(1 / (1 + Math.exp(-1 / scale)), count);
        // The largest sum of losses is the only one that matters: delta = P(largest) (1 - exp(epsilon - largest)).
        double exact = largest + Math.log1p(-delta / ofLargest);
        double epsilon = accountant(new PrivacyEvent.DiscreteLaplace(scale, sensitivity), count)
                .epsilon(delta);
        assertThat(epsilon).isBetween(exact * (1 - 1e-14), largest * (1 + 1e-12));
    }

    @ParameterizedTest
    @CsvSource({
        "0.00312320413408099, 0.39887638911223033, 1, 3, 4.628790431999577, 7.5277e-8",
        "0.24021034990242696, 0.8312383789594281, 2, 2, 2.846176011699709, 0.10356",
        "0.0023011138173150356, 0.4589533123459373, 3, 2, 0.12095578098088464, 0.00457975"
    })
    void knowsDeltaWhereTheOtherWayRoundHasNoSuchLoss(
            double rate, double sigma, long sensitivity, int count, double epsilon, double exact) {
        PrivacyEvent event =
                new PrivacyEvent.PoissonSampled(rate, new PrivacyEvent.DiscreteGaussian(sigma, sensitivity));
        assertThat(accountant(event, count).privacyDelta(epsilon)).isBetween(exact, exact * 1.001);
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-6, 1e6})
    void saysNothingWhereNumbersOverflow(double tilt) {
        List<LossTerm> terms = List.of(new LossTerm(AtomicLoss.discreteLaplace(3, 2, 1), 4));
        LossPlan usual = LossPlan.forDelta(terms, false, new PldSettings(0, 0), 1e-6);
        LossPlan steep = new LossPlan(1, 1e-6, 1e300 * tilt, 1e300 * tilt, usual.interval(), usual.first(), 256, 1e-20);
        LossComposition composition = LossComposition.of(terms, false, steep);
        assertThat(composition.epsilon(1e-6)).isInfinite();
        assertThat(composition.delta(1)).isEqualTo(1);
    }

    @Test
    void countsNoiseWhoseSquareOverflows() {
        PldAccountant accountant = accountant(new PrivacyEvent.Gaussian(1e200), 1);
        assertThat(accountant.epsilon(0)).isInfinite();
        assertThat(accountant.privacyDelta(0)).isPositive().isLessThan(1e-150);
        assertThat(accountant.epsilon(1e-5)).isZero();
    }

    @Test
    void refusesArgumentsOutOfRange() {
        PldAccountant accountant = PldAccountant.of(REPLACE_SPECIAL);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> accountant.epsilon(1))
                .withMessage("privacyDelta must be in [0, 1), was 1.0");
        assertThatIllegalArgumentException().isThrownBy(() -> accountant.epsilon(Double.NaN));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> accountant.privacyDelta(-0.5))
                .withMessage("epsilon must be >= 0 and finite, was -0.5");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> accountant.compose(new PrivacyEvent.Gaussian(1), -1))
                .withMessage("count must be >= 0, was -1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> accountant.withInterval(0))
                .withMessage("interval must be > 0 and finite, was 0.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> accountant.withTailMass(1))
                .withMessage("tailMass must be in (0, 1), was 1.0");
    }

    @Test
    void countsNoSamplingWhereThereIsHardlyAnyNoise() {
        PrivacyEvent noisy = new PrivacyEvent.Gaussian(0.001);
        PldAccountant empty = PldAccountant.of(NeighboringRelation.ADD_OR_REMOVE_ONE);
        assertThat(empty.compose(new PrivacyEvent.PoissonSampled(0.5, noisy), 10)
                        .epsilon(1e-5))
                .isEqualTo(empty.compose(noisy, 10).epsilon(1e-5))
                .isGreaterThan(1e6);
    }
}
