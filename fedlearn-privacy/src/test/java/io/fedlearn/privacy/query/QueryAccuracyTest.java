package io.fedlearn.privacy.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.privacy.accounting.AnalyticGaussian;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.privacy.internal.SeededNoise;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Answers lie where they say. Fixed seeds; with fresh ones each test would fail with a probability below 1e-7: bounds are six
 * standard deviations wide.
 */
final class QueryAccuracyTest {
    private static final int TRIALS = 5_000;
    private static final Noise LAPLACE = Noise.laplace(0.8);
    private static final Noise GAUSSIAN = Noise.gaussian(0.8, 1e-6);
    private static final double[] VALUES = values();

    private static final TableSource TABLE = TableSource.ofPersons(
                    LongStream.range(0, VALUES.length).toArray())
            .number("x", VALUES)
            .build();

    private static double[] values() {
        SeededRandom random = SeededRandom.of(5);
        double[] values = new double[1000];
        for (int i = 0; i < values.length; i++) {
            values[i] = 20 + 5 * random.nextGaussian();
        }
        return values;
    }

    private static double mean(DoubleUnaryOperator of) {
        return Arrays.stream(VALUES).map(of).average().orElseThrow();
    }

    private static Stream<Arguments> queries() {
        double mean = mean(x -> x);
        double variance = mean(x -> (x - mean) * (x - mean));
        return Stream.of(LAPLACE, GAUSSIAN)
                .flatMap(noise -> Stream.of(
                        Arguments.of(PrivateQuery.of(Aggregate.count(), noise), 1000.0),
                        Arguments.of(PrivateQuery.of(Aggregate.persons(), noise), 1000.0),
                        Arguments.of(PrivateQuery.of(Aggregate.sum("x", -10, 60), noise), 1000 * mean),
                        Arguments.of(PrivateQuery.of(Aggregate.mean("x", 0, 60), noise), mean),
                        Arguments.of(PrivateQuery.of(Aggregate.variance("x", 0, 60), noise), variance)));
    }

    @ParameterizedTest
    @MethodSource("queries")
    void answersLieWhereTheySay(PrivateQuery query, double exact) {
        List<Estimate> answers = answers(Plan.of(query, 0));

        long covered = answers.stream()
                .map(answer -> (Uncertainty.InValue) answer.uncertainty())
                .filter(range ->
                        range.low() <= exact + 1e-4 * Math.abs(exact) && range.high() >= exact - 1e-4 * Math.abs(exact))
                .count();
        double[] values = answers.stream().mapToDouble(Estimate::value).toArray();
        double average = DoubleStream.of(values).average().orElseThrow();
        double deviation = Math.sqrt(DoubleStream.of(values)
                .map(value -> (value - average) * (value - average))
                .average()
                .orElseThrow());
        double declared = answers.stream()
                .mapToDouble(answer -> ((Uncertainty.InValue) answer.uncertainty()).standardDeviation())
                .average()
                .orElseThrow();

        assertThat(covered).isGreaterThan((long) (TRIALS * 0.95 - 6 * Math.sqrt(TRIALS * 0.05 * 0.95)));
        // The first-order bias of a ratio is far below its deviation here.
        assertThat(average).isCloseTo(exact, within(6 * declared / Math.sqrt(TRIALS) + 1e-4 * Math.abs(exact)));
        // A Laplace variable's fourth moment is six squared variances.
        assertThat(deviation / declared).isCloseTo(1, within(6 * Math.sqrt(5.0 / TRIALS) / 2));
    }

    private static List<Estimate> answers(Plan plan) {
        NoiseSource source = SeededNoise.of(6);
        BoundedSums sums = TABLE.measure(plan.bounded());
        return Stream.generate(
                        () -> plan.answer(sums, source).get(0).estimates().get(0))
                .limit(TRIALS)
                .toList();
    }

    @Test
    void quantilesAreOffByNoMoreRowsThanTheySay() {
        Plan plan = Plan.of(PrivateQuery.of(Aggregate.quantiles("x", 0, 60, 0.25, 0.5, 0.9), LAPLACE), 10);
        NoiseSource source = SeededNoise.of(7);
        BoundedSums sums = TABLE.measure(plan.bounded());
        double[] probabilities = {0.25, 0.5, 0.9};
        int outside = 0;
        for (int trial = 0; trial < 200; trial++) {
            List<Estimate> estimates = plan.answer(sums, source).get(0).estimates();
            for (int i = 0; i < probabilities.length; i++) {
                double value = estimates.get(i).value();
                double rank = Arrays.stream(VALUES).filter(x -> x < value).count();
                double rows = ((Uncertainty.InRank) estimates.get(i).uncertainty()).rows();
                // One step of 0.06 holds at most this many of the 1,000 values.
                outside += Math.abs(rank - probabilities[i] * VALUES.length) > rows + 15 ? 1 : 0;
                assertThat(rows).isLessThan(120);
            }
        }

        assertThat(outside).isLessThan(36);
    }

    @Test
    void histogramsCountWhatIsInTheBins() {
        PrivateQuery query = PrivateQuery.of(Aggregate.histogram("x", 0, 15, 20, 25, 40), Noise.laplace(20));
        List<Estimate> bins = Plan.of(query, 0)
                .answer(TABLE.measure(Plan.of(query, 0).bounded()), SeededNoise.of(8))
                .get(0)
                .estimates();
        double[] edges = {0, 15, 20, 25, 40};
        for (int i = 0; i < 4; i++) {
            double from = edges[i];
            double to = edges[i + 1];
            long exact = Arrays.stream(VALUES).filter(x -> x >= from && x < to).count();
            assertThat(bins.get(i).value()).isCloseTo(exact, within(2.0));
        }
    }

    @Test
    void sumsLieOnTheGrid() {
        Plan plan = Plan.of(PrivateQuery.of(Aggregate.sum("x", -10, 60), LAPLACE), 0);
        double step = ((Measure.Values) plan.bounded().measures().get(0)).grid().step();

        assertThat(answers(plan))
                .allSatisfy(answer -> assertThat(answer.value() % step).isZero());
    }

    /** All that a person can move, added up as pure privacy, is what the query named, and not much less. */
    @Test
    void eventCostsWhatTheQueryNames() {
        SeededRandom random = SeededRandom.of(9);
        for (int trial = 0; trial < 2000; trial++) {
            PrivateQuery query = RandomTable.query(random, LAPLACE);
            PrivacyEvent event = Plan.of(query, trial % 2).event();
            assertThat(pureEpsilon(event)).as("%s", event).isBetween(0.8 * (1 - 0x1p-20), 0.8);
        }
    }

    @Test
    void eventOfGaussianNoiseIsWhatTheQueryNames() {
        SeededRandom random = SeededRandom.of(10);
        double whole = AnalyticGaussian.noiseMultiplier(0.8, 1e-6);
        for (int trial = 0; trial < 200; trial++) {
            PrivateQuery query = RandomTable.query(random, GAUSSIAN);
            double precision = precision(Plan.of(query, trial % 2).event());
            assertThat(precision * whole * whole).as("%s", query).isBetween(1 - 1e-12, 1.0);
        }
    }

    private static double pureEpsilon(PrivacyEvent event) {
        if (event instanceof PrivacyEvent.DiscreteLaplace laplace) {
            return laplace.sensitivity() / laplace.scale();
        }
        if (event instanceof PrivacyEvent.PureLoss pure) {
            return pure.epsilon();
        }
        if (event instanceof PrivacyEvent.Repeated repeated) {
            return repeated.count() * pureEpsilon(repeated.event());
        }
        return ((PrivacyEvent.Composed) event)
                .events().stream().mapToDouble(QueryAccuracyTest::pureEpsilon).sum();
    }

    private static double precision(PrivacyEvent event) {
        if (event instanceof PrivacyEvent.Gaussian gaussian) {
            return 1 / gaussian.noiseMultiplier() / gaussian.noiseMultiplier();
        }
        if (event instanceof PrivacyEvent.Repeated repeated) {
            return repeated.count() * precision(repeated.event());
        }
        return ((PrivacyEvent.Composed) event)
                .events().stream().mapToDouble(QueryAccuracyTest::precision).sum();
    }
}
