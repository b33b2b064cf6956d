package io.fedlearn.privacy.query;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.CoinSampler;
import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.privacy.internal.SeededNoise;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Answers over two tables, of which one has one person more, by the definition: for every bucket {@code S} of answers, and for
 * all of them up to one or from one on, {@code P(S) <= exp(epsilon) Q(S) + delta}, both ways.
 *
 * <p>A set counts as a violation if its surplus is beyond {@value #DEVIATIONS} standard deviations and {@value #FEW} answers. There
 * are fewer than 1,000 sets a test and 15 tests: false alarms have a probability below 15,000 * 4e-11 &lt; 1e-6. The seed is fixed.
 */
final class QueryPrivacyTest {
    private static final int SAMPLES = 25_000;
    private static final double DEVIATIONS = 6.5;
    private static final int FEW = 30;
    private static final double EPSILON = 1;
    private static final double DELTA = 0.02;
    private static final Noise LAPLACE = Noise.laplace(EPSILON);
    private static final Noise GAUSSIAN = Noise.gaussian(EPSILON, DELTA);

    /** Three persons with a row each, of which one is small. */
    private static final TableSource WITHOUT = TableSource.ofPersons(new long[] {1, 2, 3})
            .number("x", new double[] {0, 4, 5})
            .text("g", List.of("a", "a", "b"))
            .build();

    /** These and one with five rows, all as large as they can be. */
    private static final TableSource WITH = TableSource.ofPersons(new long[] {1, 2, 9, 9, 9, 9, 3, 9})
            .number("x", new double[] {0, 4, 99, 99, 99, 99, 5, 99})
            .text("g", List.of("a", "a", "b", "b", "a", "a", "b", "b"))
            .build();

    private static Stream<Arguments> queries() {
        BoundedColumn column = BoundedColumn.of("x", 0, 10);
        return Stream.of(
                Arguments.of(0, PrivateQuery.of(Aggregate.count(), LAPLACE).withMaxRowsPerPerson(3)),
                Arguments.of(0, PrivateQuery.of(Aggregate.persons(), LAPLACE)),
                Arguments.of(
                        0, PrivateQuery.of(new Aggregate.Sum(column), LAPLACE).withMaxRowsPerPerson(3)),
                Arguments.of(0, PrivateQuery.of(new Aggregate.Mean(column), LAPLACE)),
                Arguments.of(
                        4, PrivateQuery.of(new Aggregate.Mean(column), LAPLACE).withMaxRowsPerPerson(2)),
                Arguments.of(0, PrivateQuery.of(new Aggregate.Variance(column), LAPLACE)),
                Arguments.of(
                        0,
                        PrivateQuery.of(Aggregate.histogram("x", 0, 5, 10), LAPLACE)
                                .withMaxRowsPerPerson(2)),
                Arguments.of(0, PrivateQuery.of(new Aggregate.Quantiles(column, List.of(0.5), 40), LAPLACE)),
                Arguments.of(
                        0,
                        PrivateQuery.of(new Aggregate.Quantiles(column, List.of(0.2, 0.9), 40), LAPLACE)
                                .withMaxRowsPerPerson(2)),
                Arguments.of(
                        3,
                        PrivateQuery.of(Aggregate.count(), LAPLACE)
                                .groupedBy(new Grouping("g", List.of("a", "b", "c"), 2))),
                Arguments.of(0, PrivateQuery.of(Aggregate.count(), GAUSSIAN).withMaxRowsPerPerson(3)),
                Arguments.of(
                        0, PrivateQuery.of(new Aggregate.Sum(column), GAUSSIAN).withMaxRowsPerPerson(3)),
                Arguments.of(
                        4,
                        PrivateQuery.of(new Aggregate.Sum(column), GAUSSIAN)
                                .groupedBy(new Grouping("g", List.of("a", "b"), 2))),
                Arguments.of(0, PrivateQuery.of(new Aggregate.Mean(column), GAUSSIAN)));
    }

    @ParameterizedTest
    @MethodSource("queries")
    void keepsEpsilonAndDelta(int minimumGroupSize, PrivateQuery query) {
        Plan plan = Plan.of(query, minimumGroupSize);
        double delta = query.noise() instanceof Noise.Gaussian ? DELTA : 0;

        assertThat(violations(answers(plan, WITH, 1), answers(plan, WITHOUT, 2), delta))
                .isEmpty();
    }

    @Test
    void naiveSumDoesNot() {
        Plan plan = Plan.of(PrivateQuery.of(Aggregate.sum("x", 0, 10), LAPLACE), 0);
        double step = ((Measure.Values) plan.bounded().measures().get(0)).grid().step();

        assertThat(naive(table -> sum(plan, table) * step)).isNotEmpty();
    }

    @Test
    void naiveMeanDoesNot() {
        Plan plan = Plan.of(PrivateQuery.of(Aggregate.mean("x", 0, 10), LAPLACE), 0);
        ValueGrid grid = ((Measure.Values) plan.bounded().measures().get(1)).grid();

        assertThat(naive(table -> {
                    BoundedSums sums = table.measure(plan.bounded());
                    return grid.origin() + grid.step() * sums.get(0, 1) / sums.get(0, 0);
                }))
                .isNotEmpty();
    }

    @Test
    void countOfAllRowsOfAPersonDoesNot() {
        Plan plan = Plan.of(PrivateQuery.of(Aggregate.count(), LAPLACE).withMaxRowsPerPerson(100), 0);

        assertThat(naive(table -> sum(plan, table))).isNotEmpty();
    }

    @Test
    void suppressionByAnExactCountDoesNot() {
        Plan plan = Plan.of(PrivateQuery.of(Aggregate.count(), LAPLACE), 0);
        List<double[]> with = answers(plan, WITH, 1);
        List<double[]> without = answers(plan, WITHOUT, 2);
        // The group with three persons is too small, that with four is not.
        without.forEach(answer -> answer[0] = SUPPRESSED);

        assertThat(violations(with, without, 0)).isNotEmpty();
    }

    @Test
    void halfTheGaussianNoiseDoesNot() {
        double sigma = ((PrivacyEvent.Gaussian)
                        Plan.of(PrivateQuery.of(Aggregate.count(), GAUSSIAN), 0).event())
                .noiseMultiplier();
        GridSampler half = GridSampler.roundedGaussian(sigma / 2);
        NoiseSource source = SeededNoise.of(3);

        assertThat(violations(noisy(4, half, source), noisy(3, half, source), DELTA))
                .isNotEmpty();
    }

    private static long sum(Plan plan, TableSource table) {
        return table.measure(plan.bounded()).get(0, 0);
    }

    /** What an engine violates that holds every sensitivity for 1. */
    private static List<String> naive(ToDoubleFunction<TableSource> exact) {
        GridSampler sampler = CoinSampler.discreteLaplace(1 / EPSILON);
        NoiseSource source = SeededNoise.of(4);
        return violations(
                noisy(exact.applyAsDouble(WITH), sampler, source),
                noisy(exact.applyAsDouble(WITHOUT), sampler, source),
                0);
    }

    private static List<double[]> noisy(double exact, GridSampler sampler, NoiseSource source) {
        return Stream.generate(() -> new double[] {exact + sampler.sample(source)})
                .limit(SAMPLES)
                .toList();
    }

    private static final double SUPPRESSED = 1e9;

    private static List<double[]> answers(Plan plan, TableSource table, long seed) {
        NoiseSource source = SeededNoise.of(seed);
        BoundedSums sums = table.measure(plan.bounded());
        List<double[]> answers = new ArrayList<>();
        for (int i = 0; i < SAMPLES; i++) {
            answers.add(plan.answer(sums, source).stream()
                    .flatMapToDouble(group -> group.isSuppressed()
                            ? DoubleStream.of(SUPPRESSED)
                            : group.estimates().stream().mapToDouble(Estimate::value))
                    .toArray());
        }
        return answers;
    }

    /** The sets of answers that are too probable over one table for how probable they are over the other. */
    private static List<String> violations(List<double[]> with, List<double[]> without, double delta) {
        double spread = without.stream()
                .mapToDouble(answer -> answer[0])
                .filter(value -> value != SUPPRESSED)
                .map(value -> value - without.get(0)[0])
                .map(Math::abs)
                .average()
                .orElse(1);
        // Answers of several numbers fall into coarser buckets, so that there are not too many.
        double width = Math.max(1e-3, spread * (with.get(0).length == 1 ? 0.25 : 1.5));
        TreeMap<String, int[]> buckets = new TreeMap<>();
        TreeMap<Long, int[]> line = new TreeMap<>();
        count(with, 0, width, buckets, line);
        count(without, 1, width, buckets, line);

        assertThat(buckets.size() + 2 * line.size()).as("sets that are tested").isLessThan(1000);

        List<String> violations = new ArrayList<>();
        buckets.forEach((bucket, counts) -> test(bucket, counts[0], counts[1], delta, violations));
        int[] below = new int[2];
        line.forEach((bucket, counts) -> {
            below[0] += counts[0];
            below[1] += counts[1];
            test("up to " + bucket, below[0], below[1], delta, violations);
            test("beyond " + bucket, SAMPLES - below[0], SAMPLES - below[1], delta, violations);
        });
        return violations;
    }

    private static void count(
            List<double[]> answers, int of, double width, Map<String, int[]> buckets, Map<Long, int[]> line) {
        for (double[] answer : answers) {
            long[] place = Arrays.stream(answer)
                    .mapToLong(value -> value == SUPPRESSED ? Long.MAX_VALUE : Math.round(value / width))
                    .map(value -> value == Long.MAX_VALUE ? value : Math.max(-100, Math.min(100, value)))
                    .toArray();
            buckets.computeIfAbsent(Arrays.toString(place), key -> new int[2])[of]++;
            line.computeIfAbsent(place[0], key -> new int[2])[of]++;
        }
    }

    private static void test(String set, int with, int without, double delta, List<String> violations) {
        if (isTooMuch(with, without, delta) || isTooMuch(without, with, delta)) {
            violations.add(set + ": " + with + " and " + without);
        }
    }

    private static boolean isTooMuch(int one, int other, double delta) {
        double factor = Math.exp(EPSILON);
        double surplus = one - factor * other - delta * SAMPLES;
        return surplus > FEW + DEVIATIONS * Math.sqrt(one + factor * factor * other);
    }
}
