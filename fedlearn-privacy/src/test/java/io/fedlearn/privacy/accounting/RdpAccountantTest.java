package io.fedlearn.privacy.accounting;

import static io.fedlearn.privacy.accounting.NeighboringRelation.ADD_OR_REMOVE_ONE;
import static io.fedlearn.privacy.accounting.NeighboringRelation.REPLACE_ONE;
import static io.fedlearn.privacy.accounting.NeighboringRelation.REPLACE_SPECIAL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.random.SeededRandom;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class RdpAccountantTest {
    static Stream<Golden> sampledGaussians() {
        return Golden.rows("sampled-gaussian").stream();
    }

    @ParameterizedTest
    @MethodSource("sampledGaussians")
    void equalsTheExactDivergencesAndIsNeverAboveThePeer(Golden row) {
        RdpAccountant accountant = RdpAccountant.of(ADD_OR_REMOVE_ONE)
                .compose(sampled(row.get("q"), row.get("sigma")), row.whole("steps"));
        double epsilon = accountant.epsilon(row.get("delta"));
        assertThat(epsilon)
                .isCloseTo(row.get("exact"), within(1e-9 * row.get("exact")))
                .isLessThanOrEqualTo(row.get("most"));
        assertThat(accountant.privacyDelta(epsilon)).isCloseTo(row.get("delta"), within(1e-8 * row.get("delta")));
    }

    static Stream<Golden> orders() {
        return Golden.rows("sampled-gaussian-orders").stream();
    }

    @ParameterizedTest
    @MethodSource("orders")
    void everyOrderEqualsThirtyDigits(Golden row) {
        double divergence = RdpAccountant.of(ADD_OR_REMOVE_ONE, row.get("order"))
                .compose(sampled(row.get("q"), row.get("sigma")))
                .divergences()[0];
        assertThat(divergence).isBetween(row.get("mpmath"), row.get("mpmath") * (1 + 3e-11));
    }

    static Stream<Golden> laplaceOrders() {
        return Golden.rows("laplace-orders").stream();
    }

    @ParameterizedTest
    @MethodSource("laplaceOrders")
    void laplaceDivergencesEqualThePeers(Golden row) {
        double divergence = RdpAccountant.of(REPLACE_ONE, row.get("order"))
                .compose(new PrivacyEvent.Laplace(row.get("scale")))
                .divergences()[0];
        assertThat(divergence).isCloseTo(row.get("divergence"), within(1e-12 * row.get("divergence")));
    }

    static Stream<Golden> withoutReplacement() {
        return Golden.rows("without-replacement").stream();
    }

    @ParameterizedTest
    @MethodSource("withoutReplacement")
    void samplesOfFixedSizeEqualThePeers(Golden row) {
        PrivacyEvent event = new PrivacyEvent.SampledWithoutReplacement(
                1_000_000, Math.round(1_000_000 * row.get("q")), new PrivacyEvent.Gaussian(row.get("sigma")));
        double epsilon =
                RdpAccountant.of(REPLACE_ONE).compose(event, row.whole("steps")).epsilon(row.get("delta"));
        assertThat(epsilon).isCloseTo(row.get("epsilon"), within(1e-6 * row.get("epsilon")));
        assertThat(epsilon).isLessThanOrEqualTo(row.get("epsilon") * (1 + 1e-9));
    }

    static Stream<Golden> published() {
        return Golden.rows("published").stream();
    }

    @ParameterizedTest
    @MethodSource("published")
    void theOlderConversionReproducesPublishedTables(Golden row) {
        RdpAccountant accountant = RdpAccountant.of(ADD_OR_REMOVE_ONE)
                .compose(sampled(row.get("q"), row.get("sigma")), row.whole("steps"));
        double older = accountant.epsilonByMironov(row.get("delta"));
        // The recomputed value is the peer's, whose divergences of fractional order are a little too high.
        assertThat(older)
                .isCloseTo(row.get("mironov"), within(2e-4 * row.get("mironov")))
                .isLessThanOrEqualTo(row.get("mironov") * (1 + 1e-9))
                .isCloseTo(row.get("published"), within(0.005));
        assertThat(accountant.epsilon(row.get("delta")))
                .isLessThan(older)
                .isLessThanOrEqualTo(row.get("newer") * (1 + 1e-9));
    }

    static Stream<Golden> trees() {
        return Golden.rows("tree").stream();
    }

    @ParameterizedTest
    @MethodSource("trees")
    void treesEqualThePeers(Golden row) {
        PrivacyEvent tree = new PrivacyEvent.TreeAggregation(
                row.get("noiseMultiplier"),
                row.whole("steps"),
                (int) row.whole("maxParticipations"),
                row.whole("minSeparation"));
        assertThat(ZcdpAccountant.of(REPLACE_SPECIAL).compose(tree).rho()).isCloseTo(row.get("rho"), within(1e-14));
        assertThat(RdpAccountant.of(REPLACE_SPECIAL).compose(tree).epsilon(row.get("delta")))
                .isCloseTo(row.get("epsilon"), within(1e-12 * row.get("epsilon")));
    }

    @Test
    void infiniteOrderKeepsPureMechanismsAtTheirSum() {
        RdpAccountant accountant = RdpAccountant.of(ADD_OR_REMOVE_ONE).compose(new PrivacyEvent.Laplace(2), 3);
        assertThat(accountant.epsilon(0)).isBetween(1.5, 1.5 + 1e-12);
        assertThat(accountant.privacyDelta(1.6)).isZero();
        assertThat(RdpAccountant.of(ADD_OR_REMOVE_ONE)
                        .compose(new PrivacyEvent.Gaussian(1))
                        .epsilon(0))
                .isInfinite();
        assertThat(RdpAccountant.of(ADD_OR_REMOVE_ONE).epsilon(0)).isZero();
    }

    @Test
    void releasesOfRandomizedResponseAddUp() {
        PrivacyEvent event = new PrivacyEvent.RandomizedResponse(0.5, 2);
        RdpAccountant ten = RdpAccountant.of(REPLACE_ONE).compose(event, 10);
        RdpAccountant one = RdpAccountant.of(REPLACE_ONE);
        for (int i = 0; i < 10; i++) {
            one = one.compose(event);
        }
        assertThat(ten.epsilon(1e-6)).isCloseTo(one.epsilon(1e-6), within(1e-9)).isGreaterThan(9);
        assertThat(RdpAccountant.of(REPLACE_ONE)
                        .compose(new PrivacyEvent.Repeated(10, event))
                        .epsilon(1e-6))
                .isCloseTo(ten.epsilon(1e-6), within(1e-9));
    }

    /** {@code log(sum P^a Q^(1 - a)) / (a - 1)}, term by term. */
    private static double divergence(double order, double[] p, double[] q) {
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            sum += p[i] < 1e-280 || q[i] < 1e-280 ? 0 : Math.exp(order * Math.log(p[i]) + (1 - order) * Math.log(q[i]));
        }
        return Math.log(sum) / (order - 1);
    }

    private static double of(PrivacyEvent event, NeighboringRelation relation, double order) {
        return RdpAccountant.of(relation, order).compose(event).divergences()[0];
    }

    @ParameterizedTest
    @ValueSource(doubles = {1.1, 2, 3.7, 16, 64})
    void closedFormsEqualTheSumsTheyStandFor(double order) {
        double[] answer = {0.8 + 0.05, 0.05, 0.05, 0.05};
        double[] other = {0.05, 0.8 + 0.05, 0.05, 0.05};
        assertThat(of(new PrivacyEvent.RandomizedResponse(0.2, 4), REPLACE_ONE, order))
                .isCloseTo(divergence(order, answer, other), within(1e-12));
        for (double scale : new double[] {0.7, 3, 40}) {
            for (int sensitivity : new int[] {1, 2, 5}) {
                double[] p = IntStream.rangeClosed(-2000, 2000)
                        .mapToDouble(x -> Math.tanh(0.5 / scale) * Math.exp(-Math.abs(x) / scale))
                        .toArray();
                double[] q = IntStream.rangeClosed(-2000, 2000)
                        .mapToDouble(x -> Math.tanh(0.5 / scale) * Math.exp(-Math.abs(x - sensitivity) / scale))
                        .toArray();
                assertThat(of(new PrivacyEvent.DiscreteLaplace(scale, sensitivity), ADD_OR_REMOVE_ONE, order))
                        .isCloseTo(divergence(order, p, q), within(1e-11));
            }
        }
        double often = 1 / (1 + Math.exp(-0.3));
        double[] bit = {often, 1 - often};
        double[] flipped = {1 - often, often};
        assertThat(of(new PrivacyEvent.PureLoss(0.3), ADD_OR_REMOVE_ONE, order))
                .isCloseTo(divergence(order, bit, flipped), within(1e-12));
        double[] sampled = {0.1 * often + 0.9 * (1 - often), 0.1 * (1 - often) + 0.9 * often};
        assertThat(of(new PrivacyEvent.PoissonSampled(0.1, new PrivacyEvent.PureLoss(0.3)), ADD_OR_REMOVE_ONE, order))
                .isCloseTo(
                        Math.max(divergence(order, sampled, flipped), divergence(order, flipped, sampled)),
                        within(1e-12));
    }

    @ParameterizedTest
    @ValueSource(doubles = {1.5, 2, 8, 32})
    void generalBoundsCoverWhatIsKnownExactly(double order) {
        // A discrete Gaussian of large sigma is as good as a continuous one, but is taken by the bound for any
        // mechanism.
        for (double rate : new double[] {1e-4, 0.01, 0.3}) {
            PrivacyEvent rough = new PrivacyEvent.PoissonSampled(rate, new PrivacyEvent.DiscreteGaussian(200, 100));
            double exact = of(sampled(rate, 2), ADD_OR_REMOVE_ONE, order);
            assertThat(of(rough, ADD_OR_REMOVE_ONE, order)).isBetween(exact * (1 - 1e-10), 0.125 * order * (1 + 1e-9));
            PrivacyEvent fixed = new PrivacyEvent.SampledWithoutReplacement(
                    10_000, Math.round(rate * 10_000), new PrivacyEvent.Gaussian(2));
            PrivacyEvent roughFixed = new PrivacyEvent.SampledWithoutReplacement(
                    10_000, Math.round(rate * 10_000), new PrivacyEvent.DiscreteGaussian(200, 100));
            assertThat(of(roughFixed, REPLACE_ONE, order))
                    .isBetween(of(fixed, REPLACE_ONE, order) * (1 - 1e-10), 0.125 * order * (1 + 1e-9));
        }
    }

    @Test
    void sampledLaplaceIsCloseAboveItsDistributionOfLosses() {
        PrivacyEvent event = new PrivacyEvent.PoissonSampled(0.01, new PrivacyEvent.Laplace(1));
        double epsilon =
                RdpAccountant.of(ADD_OR_REMOVE_ONE).compose(event, 1000).epsilon(1e-5);
        double best = PldAccountant.of(ADD_OR_REMOVE_ONE).compose(event, 1000).epsilon(1e-5);
        double pure = PureCompositionAccountant.of(ADD_OR_REMOVE_ONE)
                .compose(event, 1000)
                .epsilon(1e-5);
        assertThat(epsilon).isBetween(best, 1.4 * best);
        assertThat(pure).isGreaterThan(best);
    }

    @Test
    void severalGaussiansOnOneSampleAreOne() {
        PrivacyEvent two = new PrivacyEvent.Composed(
                List.of(new PrivacyEvent.Gaussian(3), new PrivacyEvent.Repeated(3, new PrivacyEvent.Gaussian(4))));
        double together = 1 / Math.sqrt(1 / 9.0 + 3 / 16.0);
        assertThat(of(new PrivacyEvent.PoissonSampled(0.01, two), ADD_OR_REMOVE_ONE, 8))
                .isCloseTo(of(sampled(0.01, together), ADD_OR_REMOVE_ONE, 8), within(1e-15));
    }

    @Test
    void staysExactFarFromTheUsual() {
        // A - 1 is about alpha (alpha - 1) q^2 (e^(1 / sigma^2) - 1) / 2 for small q.
        for (double sigma : new double[] {0.8, 1, 50, 1e4}) {
            for (double order : new double[] {1.1, 2, 2.5}) {
                double expected = order / 2 * 1e-12 * Math.expm1(1 / sigma / sigma);
                assertThat(of(sampled(1e-6, sigma), ADD_OR_REMOVE_ONE, order))
                        .isCloseTo(expected, within(2e-4 * expected));
            }
        }
        double epsilon = RdpAccountant.of(ADD_OR_REMOVE_ONE)
                .compose(sampled(1e-6, 1), 1_000_000)
                .epsilon(1e-12);
        assertThat(epsilon).isBetween(0.5, 2.0);
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-3, 0.01, 0.05, 0.2, 0.7, 3, 30, 1e5})
    void fractionalOrdersLieBetweenTheirNeighbours(double sigma) {
        for (double rate : new double[] {1e-6, 1e-3, 0.1, 0.5, 0.999}) {
            for (int order = 2; order < 30; order += 9) {
                double below = of(sampled(rate, sigma), ADD_OR_REMOVE_ONE, order) * (order - 1);
                double above = of(sampled(rate, sigma), ADD_OR_REMOVE_ONE, order + 1) * order;
                double between = of(sampled(rate, sigma), ADD_OR_REMOVE_ONE, order + 0.4) * (order - 0.6);
                assertThat(between)
                        .as("rate %s, sigma %s, order %s", rate, sigma, order)
                        .isBetween(below, (0.6 * below + 0.4 * above) * (1 + 1e-9));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-200, 1e-5, 1e9, 1e200})
    void absurdNoiseGivesABoundAndNeverNothing(double sigma) {
        PrivacyEvent fixed = new PrivacyEvent.SampledWithoutReplacement(100, 3, new PrivacyEvent.Gaussian(sigma));
        PrivacyEvent rough =
                new PrivacyEvent.PoissonSampled(0.03, new PrivacyEvent.ZeroConcentrated(0.5 / sigma / 1e100));
        for (double order : new double[] {1.1, 2, 50.5, 1024}) {
            assertThat(of(sampled(0.03, sigma), ADD_OR_REMOVE_ONE, order)).isPositive();
            assertThat(of(fixed, REPLACE_ONE, order)).isPositive();
            assertThat(of(rough, ADD_OR_REMOVE_ONE, order)).isPositive();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void epsilonRisesWithStepsAndRateAndFallsWithNoise(long seed) {
        SeededRandom random = SeededRandom.of(seed);
        double rate = Math.exp(-10 * random.nextDouble());
        double sigma = Math.exp(3 * random.nextDouble() - 0.7);
        long steps = 1 + (long) Math.exp(9 * random.nextDouble());
        double delta = Math.exp(-3 - 20 * random.nextDouble());
        double epsilon = epsilon(rate, sigma, steps, delta);
        assertThat(epsilon(rate, sigma, steps + 1 + steps / 10, delta)).isGreaterThanOrEqualTo(epsilon);
        assertThat(epsilon(Math.min(1, rate * 1.1), sigma, steps, delta)).isGreaterThanOrEqualTo(epsilon);
        assertThat(epsilon(rate, sigma * 1.1, steps, delta)).isLessThanOrEqualTo(epsilon);
        assertThat(epsilon(rate, sigma, steps, delta * 1.1)).isLessThanOrEqualTo(epsilon);
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13, 14, 15, 16})
    void epsilonOfFixedSamplesRisesWithTheirSizeAndStepsAndFallsWithNoise(long seed) {
        SeededRandom random = SeededRandom.of(seed);
        long size = 1 + random.nextInt(900);
        double sigma = Math.exp(4 * random.nextDouble() - 0.5);
        long steps = 1 + (long) Math.exp(7 * random.nextDouble());
        double epsilon = fixed(size, sigma, steps);
        assertThat(fixed(size + 1 + size / 10, sigma, steps)).isGreaterThanOrEqualTo(epsilon);
        assertThat(fixed(size, sigma * 1.1, steps)).isLessThanOrEqualTo(epsilon);
        assertThat(fixed(size, sigma, steps + 1)).isGreaterThanOrEqualTo(epsilon);
        assertThat(fixed(1000, sigma, steps)).isGreaterThanOrEqualTo(epsilon);
    }

    private static double fixed(long size, double sigma, long steps) {
        return RdpAccountant.of(REPLACE_ONE)
                .compose(
                        new PrivacyEvent.SampledWithoutReplacement(1000, size, new PrivacyEvent.Gaussian(sigma)), steps)
                .epsilon(1e-6);
    }

    private static double epsilon(double rate, double sigma, long steps, double delta) {
        return RdpAccountant.of(ADD_OR_REMOVE_ONE)
                .compose(sampled(rate, sigma), steps)
                .epsilon(delta);
    }

    @Test
    void theOrderOfReleasesDoesNotMatter() {
        List<PrivacyEvent> events = List.of(
                sampled(0.01, 1),
                new PrivacyEvent.Laplace(3),
                new PrivacyEvent.DiscreteGaussian(10, 2),
                sampled(0.2, 5));
        RdpAccountant forward = RdpAccountant.of(ADD_OR_REMOVE_ONE);
        RdpAccountant backward = forward;
        for (int i = 0; i < events.size(); i++) {
            forward = forward.compose(events.get(i), 3);
            backward = backward.compose(events.get(events.size() - 1 - i), 3);
        }
        RdpAccountant atOnce = RdpAccountant.of(ADD_OR_REMOVE_ONE).compose(new PrivacyEvent.Composed(events), 3);
        assertThat(forward.epsilon(1e-6)).isCloseTo(backward.epsilon(1e-6), within(1e-12));
        assertThat(forward.epsilon(1e-6)).isCloseTo(atOnce.epsilon(1e-6), within(1e-12));
    }

    @Test
    void refusesWhatHasNoBoundAndSaysWhy() {
        PrivacyEvent tree = new PrivacyEvent.TreeAggregation(1, 8, 1, 1);
        PrivacyEvent fixed = new PrivacyEvent.SampledWithoutReplacement(10, 1, new PrivacyEvent.Gaussian(1));
        refuses(REPLACE_ONE, sampled(0.1, 1), "add-remove");
        refuses(REPLACE_SPECIAL, sampled(0.1, 1), "public when each unit took part");
        refuses(ADD_OR_REMOVE_ONE, fixed, "proven for replace");
        refuses(ADD_OR_REMOVE_ONE, tree, "replace-special");
        refuses(REPLACE_ONE, tree, "replace-special");
        refuses(ADD_OR_REMOVE_ONE, new PrivacyEvent.RandomizedResponse(0.5, 2), "how many answered");
        refuses(ADD_OR_REMOVE_ONE, new PrivacyEvent.PoissonSampled(0.1, sampled(0.1, 1)), "sample of a sample");
        refuses(
                ADD_OR_REMOVE_ONE,
                new PrivacyEvent.Repeated(3, new PrivacyEvent.Composed(List.of(tree))),
                "replace-special");
        refuses(ADD_OR_REMOVE_ONE, new PrivacyEvent.DistributedDiscreteGaussian(0.3, 10, 5, 1, 1), "sigma >= 0.5");
    }

    private static void refuses(NeighboringRelation relation, PrivacyEvent event, String reason) {
        assertThatThrownBy(() -> RdpAccountant.of(relation).compose(event))
                .isInstanceOf(UnsupportedEventException.class)
                .hasMessageContaining(relation.toString())
                .hasMessageContaining(reason);
    }

    @Test
    void aSampleOfEverybodyIsNone() {
        PrivacyEvent gaussian = new PrivacyEvent.Gaussian(1);
        double plain = of(gaussian, REPLACE_ONE, 2);
        assertThat(of(new PrivacyEvent.PoissonSampled(1, gaussian), REPLACE_ONE, 2))
                .isEqualTo(plain);
        assertThat(of(new PrivacyEvent.SampledWithoutReplacement(7, 7, gaussian), ADD_OR_REMOVE_ONE, 2))
                .isEqualTo(plain);
    }

    @Test
    void rejectsOrdersAndTargetsOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RdpAccountant.of(REPLACE_ONE, 1.0))
                .withMessageContaining("1.0");
        assertThatIllegalArgumentException().isThrownBy(() -> RdpAccountant.of(REPLACE_ONE, new double[0]));
        RdpAccountant accountant = RdpAccountant.of(REPLACE_ONE);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> accountant.epsilon(1))
                .withMessage("privacyDelta must be in [0, 1), was 1.0");
        assertThatIllegalArgumentException().isThrownBy(() -> accountant.epsilon(Double.NaN));
        assertThatIllegalArgumentException().isThrownBy(() -> accountant.privacyDelta(-1));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> accountant.compose(new PrivacyEvent.Gaussian(1), -1))
                .withMessage("count must be >= 0, was -1");
    }

    private static PrivacyEvent sampled(double rate, double noiseMultiplier) {
        PrivacyEvent gaussian = new PrivacyEvent.Gaussian(noiseMultiplier);
        return rate == 1 ? gaussian : new PrivacyEvent.PoissonSampled(rate, gaussian);
    }
}
