package io.fedlearn.privacy.query;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.random.SeededRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What everything else rests on: one person moves the bounded sums by no more than the noise is made for. */
final class SensitivityTest {
    private static final Noise NOISE = Noise.laplace(1);

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13, 14, 15})
    void onePersonMovesNoSumByMoreThanItsSensitivity(long seed) {
        SeededRandom random = SeededRandom.of(seed);
        for (int trial = 0; trial < 500; trial++) {
            RandomTable table = RandomTable.of(random);
            PrivateQuery query = RandomTable.query(random, NOISE);
            Plan plan = Plan.of(query, trial % 2);
            BoundedSums with = table.source().measure(plan.bounded());
            for (long person : table.people()) {
                BoundedSums without = table.without(person).source().measure(plan.bounded());
                assertThat(excess(query, plan.bounded(), with, without))
                        .as("%s over %s without %d", query, table, person)
                        .isEmpty();
            }
        }
    }

    /** What one person moves by more than is declared. */
    private static List<String> excess(
            PrivateQuery query, BoundedQuery bounded, BoundedSums with, BoundedSums without) {
        List<String> excess = new ArrayList<>();
        int moved = 0;
        for (int group = 0; group < bounded.groups(); group++) {
            int index = 0;
            boolean groupMoved = false;
            for (Measure measure : bounded.measures()) {
                long all = 0;
                for (int i = 0; i < measure.size(); i++, index++) {
                    all += Math.abs(with.get(group, index) - without.get(group, index));
                }
                groupMoved |= all > 0;
                if (all > Plan.sensitivity(measure, query.maxRowsPerPerson())) {
                    excess.add("group " + group + ", " + measure + ": " + all);
                }
            }
            moved += groupMoved ? 1 : 0;
            if (query.aggregate() instanceof Aggregate.Quantiles asked) {
                excess.addAll(excess(QuantileChoice.of(asked, query, 1), group, with, without));
            }
        }
        int most = query.grouping().map(Grouping::maxGroupsPerPerson).orElse(1);
        if (moved > most) {
            excess.add(moved + " groups");
        }
        return excess;
    }

    private static List<String> excess(QuantileChoice choice, int group, BoundedSums with, BoundedSums without) {
        List<String> excess = new ArrayList<>();
        for (long part : choice.parts()) {
            long[] scores = choice.scores(with, group, part);
            long[] others = choice.scores(without, group, part);
            for (int end = 0; end < scores.length; end++) {
                if (Math.abs(scores[end] - others[end]) > choice.sensitivity(part)) {
                    excess.add("score of end " + end + ": " + Math.abs(scores[end] - others[end]));
                }
            }
        }
        return excess;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void sensitivitiesAreReached(int maxRows) {
        TableSource everyone = people(maxRows, 9);
        TableSource nobody =
                TableSource.ofPersons(new long[0]).number("x", new double[0]).build();
        BoundedColumn column = BoundedColumn.of("x", -2, 5);
        for (Aggregate aggregate : List.of(
                Aggregate.count(),
                Aggregate.persons(),
                new Aggregate.Sum(column),
                new Aggregate.Mean(column),
                new Aggregate.Variance(column),
                Aggregate.histogram("x", -2, 0, 5))) {
            PrivateQuery query = PrivateQuery.of(aggregate, NOISE).withMaxRowsPerPerson(maxRows);
            BoundedQuery bounded = Plan.of(query, 0).bounded();
            BoundedSums with = everyone.measure(bounded);
            BoundedSums without = nobody.measure(bounded);
            int index = 0;
            for (Measure measure : bounded.measures()) {
                long all = 0;
                for (int i = 0; i < measure.size(); i++, index++) {
                    all += Math.abs(with.get(0, index) - without.get(0, index));
                }
                assertThat(all).as("%s", measure).isEqualTo(Plan.sensitivity(measure, maxRows));
            }
        }
    }

    /** One person with more rows than count, all with this value. */
    private static TableSource people(int rows, double value) {
        long[] persons = new long[rows + 2];
        double[] values = new double[rows + 2];
        Arrays.fill(values, value);
        return TableSource.ofPersons(persons).number("x", values).build();
    }

    @Test
    void declaredSensitivityOfASumIsTheLargerBoundInItsUnits() {
        for (double[] bounds : new double[][] {{0, 1}, {-3, 1}, {10, 11}, {-1e9, 1e-9}, {0.1, 0.3}, {-1e150, 1e150}}) {
            ValueGrid grid = ValueGrid.fromZero(BoundedColumn.of("x", bounds[0], bounds[1]));
            double largest = Math.max(Math.abs(bounds[0]), Math.abs(bounds[1]));
            assertThat(grid.reach() * grid.step()).isBetween(largest, largest * (1 + 0x1p-19));
            assertThat(Math.getExponent(grid.step())).isEqualTo(Math.getExponent(Math.nextUp(grid.step())));
            assertThat(grid.step()).isEqualTo(Math.scalb(1.0, Math.getExponent(grid.step())));
        }
    }

    @Test
    void gridHoldsEveryValueWithinItsReach() {
        SeededRandom random = SeededRandom.of(77);
        for (int trial = 0; trial < 20_000; trial++) {
            double lower = StrictMath.scalb(random.nextDouble() - 0.5, random.nextInt(800) - 350);
            double upper = lower + StrictMath.scalb(random.nextDouble(), random.nextInt(800) - 350);
            if (!(lower < upper) || Math.max(Math.abs(lower), upper) > BoundedColumn.LARGEST_BOUND) {
                continue;
            }
            for (ValueGrid grid : List.of(
                    ValueGrid.fromZero(BoundedColumn.of("x", lower, upper)),
                    ValueGrid.centered(BoundedColumn.of("x", lower, upper)))) {
                double inside = lower + random.nextDouble() * (upper - lower);
                for (double value : new double[] {
                    lower, upper, inside, 0, -Double.MAX_VALUE, Double.MAX_VALUE, Double.POSITIVE_INFINITY
                }) {
                    long index = grid.index(value);
                    assertThat(index).isBetween(-grid.reach(), grid.reach());
                    assertThat(Math.abs(grid.square(index))).isLessThanOrEqualTo(grid.squareReach());
                    double clamped = Math.max(lower, Math.min(upper, value));
                    assertThat(grid.origin() + index * grid.step())
                            .isBetween(
                                    clamped - grid.step() - Math.ulp(clamped),
                                    clamped + grid.step() + Math.ulp(clamped));
                }
            }
        }
    }
}
