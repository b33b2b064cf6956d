package io.fedlearn.privacy.query;

import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How a query is answered: what its source adds up, which noise goes on it, what it costs, and how numbers become an answer.
 *
 * <p>A group's numbers are protected one by one, each with its share of what the query may spend; a person moves the numbers of
 * as many groups as the query allows. That is a composition: {@link #event()} is {@code maxGroupsPerPerson} times that of a group.
 */
final class Plan {
    /** The share of a query's budget that a count of persons gets, where it is for the smallest group alone. */
    static final double SIZE_SHARE = 0.2;

    private final PrivateQuery query;
    private final BoundedQuery bounded;
    private final int minimumGroupSize;
    /** The noise of a number of the aggregate's measures, in their order; none for quantiles. */
    private final List<NoiseLaw> laws;

    private final Optional<NoiseLaw> sizeLaw;
    private final Optional<QuantileChoice> quantiles;
    private final PrivacyEvent event;

    private Plan(
            PrivateQuery query,
            BoundedQuery bounded,
            int minimumGroupSize,
            List<NoiseLaw> laws,
            Optional<NoiseLaw> sizeLaw,
            Optional<QuantileChoice> quantiles,
            PrivacyEvent event) {
        this.query = query;
        this.bounded = bounded;
        this.minimumGroupSize = minimumGroupSize;
        this.laws = laws;
        this.sizeLaw = sizeLaw;
        this.quantiles = quantiles;
        this.event = event;
    }

    /**
     * Plans a query.
     *
     * @throws IllegalArgumentException if it cannot be protected as it asks
     */
    static Plan of(PrivateQuery query, int minimumGroupSize) {
        List<Measure> measures = new ArrayList<>(measures(query.aggregate()));
        boolean extraSize = minimumGroupSize > 0 && !countsPersons(query);
        if (extraSize) {
            measures.add(new Measure.Persons());
        }
        BoundedQuery bounded = new BoundedQuery(
                query.where(),
                query.grouping(),
                query.maxRowsPerPerson(),
                query.aggregate().column(),
                measures);
        requireNumbers(bounded);

        int groups = query.grouping().map(Grouping::reachableGroups).orElse(1);
        double share = (extraSize ? 1 - SIZE_SHARE : 1) / groups;
        List<PrivacyEvent> events = new ArrayList<>();
        List<NoiseLaw> laws = new ArrayList<>();
        Optional<QuantileChoice> quantiles = Optional.empty();
        if (query.aggregate() instanceof Aggregate.Quantiles asked) {
            quantiles = Optional.of(QuantileChoice.of(asked, query, share));
            events.add(quantiles.get().event());
        } else {
            List<Measure> main = measures(query.aggregate());
            for (Measure measure : main) {
                NoiseLaw law = NoiseLaws.of(
                        query.noise(),
                        share / main.size(),
                        measure,
                        sensitivity(measure, query.maxRowsPerPerson()),
                        bounded.groups());
                laws.add(law);
                events.add(law.event());
            }
        }
        Optional<NoiseLaw> sizeLaw = Optional.empty();
        if (extraSize) {
            NoiseLaw law = NoiseLaws.of(query.noise(), SIZE_SHARE / groups, new Measure.Persons(), 1, bounded.groups());
            sizeLaw = Optional.of(law);
            events.add(law.event());
        }
        PrivacyEvent ofGroup = events.size() == 1 ? events.get(0) : new PrivacyEvent.Composed(events);
        PrivacyEvent event = groups == 1 ? ofGroup : new PrivacyEvent.Repeated(groups, ofGroup);
        return new Plan(query, bounded, minimumGroupSize, List.copyOf(laws), sizeLaw, quantiles, event);
    }

    private static List<Measure> measures(Aggregate aggregate) {
        if (aggregate instanceof Aggregate.Count) {
            return List.of(new Measure.Rows());
        }
        if (aggregate instanceof Aggregate.Persons) {
            return List.of(new Measure.Persons());
        }
        if (aggregate instanceof Aggregate.Sum sum) {
            return List.of(new Measure.Values(ValueGrid.fromZero(sum.bounded())));
        }
        if (aggregate instanceof Aggregate.Mean mean) {
            return List.of(new Measure.Rows(), new Measure.Values(ValueGrid.centered(mean.bounded())));
        }
        if (aggregate instanceof Aggregate.Variance variance) {
            ValueGrid grid = ValueGrid.centered(variance.bounded());
            return List.of(new Measure.Rows(), new Measure.Values(grid), new Measure.Squares(grid));
        }
        if (aggregate instanceof Aggregate.Histogram histogram) {
            return List.of(new Measure.Bins(histogram.edges()));
        }
        return List.of(new Measure.Bins(QuantileChoice.edges((Aggregate.Quantiles) aggregate)));
    }

    /** Whether the first number of the aggregate is the number of persons, or the same as it. */
    private static boolean countsPersons(PrivateQuery query) {
        return query.aggregate() instanceof Aggregate.Persons
                || query.maxRowsPerPerson() == 1
                        && (query.aggregate() instanceof Aggregate.Count
                                || query.aggregate() instanceof Aggregate.Mean
                                || query.aggregate() instanceof Aggregate.Variance);
    }

    /** By how much one person's rows in one group move a measure at most; of bins, all of them together. */
    static long sensitivity(Measure measure, int maxRowsPerPerson) {
        if (measure instanceof Measure.Persons) {
            return 1;
        }
        if (measure instanceof Measure.Values values) {
            return maxRowsPerPerson * values.grid().reach();
        }
        if (measure instanceof Measure.Squares squares) {
            return maxRowsPerPerson * squares.grid().squareReach();
        }
        return maxRowsPerPerson;
    }

    private static void requireNumbers(BoundedQuery bounded) {
        long numbers = (long) bounded.groups() * bounded.size();
        if (numbers > PrivateQueries.MAX_NUMBERS) {
            throw new IllegalArgumentException(
                    "groups times bins must be at most " + PrivateQueries.MAX_NUMBERS + ", were " + numbers);
        }
    }

    /** What the source is asked. */
    BoundedQuery bounded() {
        return bounded;
    }

    /** What the answer costs. */
    PrivacyEvent event() {
        return event;
    }

    /**
     * The answer: noise on every number of every group first, then what follows from the noisy ones alone.
     *
     * @throws IllegalStateException if the source gave sums of another form
     */
    List<GroupAnswer> answer(BoundedSums sums, NoiseSource source) {
        if (sums.groups() != bounded.groups() || sums.size() != bounded.size()) {
            throw new IllegalStateException("a source must give " + bounded.groups() + " groups of " + bounded.size()
                    + " numbers, gave " + sums.groups() + " of " + sums.size());
        }
        List<GroupAnswer> answers = new ArrayList<>();
        for (int group = 0; group < bounded.groups(); group++) {
            answers.add(answer(sums, group, source));
        }
        return answers;
    }

    private GroupAnswer answer(BoundedSums sums, int group, NoiseSource source) {
        int g = group;
        String key = query.grouping().map(groups -> groups.keys().get(g)).orElse("");
        List<Estimate> estimates;
        long size;
        if (quantiles.isPresent()) {
            estimates = quantiles.get().choose(sums, group, source);
            size = Long.MAX_VALUE;
        } else {
            int lastLaw = laws.size() - 1;
            long[] noisy = new long[bounded.size() - (sizeLaw.isPresent() ? 1 : 0)];
            for (int i = 0; i < noisy.length; i++) {
                // The bins of a histogram share one law.
                noisy[i] = laws.get(Math.min(i, lastLaw)).add(sums.get(group, i), source);
            }
            estimates = estimates(noisy);
            size = noisy[0];
        }
        if (sizeLaw.isPresent()) {
            size = sizeLaw.get().add(sums.get(group, sums.size() - 1), source);
        }
        boolean suppressed = minimumGroupSize > 0 && size < minimumGroupSize;
        return new GroupAnswer(key, suppressed ? List.of() : estimates);
    }

    private List<Estimate> estimates(long[] noisy) {
        Aggregate aggregate = query.aggregate();
        if (aggregate instanceof Aggregate.Sum) {
            double step = ((Measure.Values) bounded.measures().get(0)).grid().step();
            return List.of(estimate(noisy[0], laws.get(0), step));
        }
        if (aggregate instanceof Aggregate.Mean) {
            return List.of(mean(noisy));
        }
        if (aggregate instanceof Aggregate.Variance) {
            return List.of(variance(noisy));
        }
        List<Estimate> estimates = new ArrayList<>();
        for (long number : noisy) {
            estimates.add(estimate(number, laws.get(0), 1));
        }
        return estimates;
    }

    private static Estimate estimate(long noisy, NoiseLaw law, double unit) {
        double value = noisy - law.mean();
        double tail = law.tail(1);
        return new Estimate(
                value * unit,
                new Uncertainty.InValue(law.standardDeviation() * unit, (value - tail) * unit, (value + tail) * unit));
    }

    private Estimate mean(long[] noisy) {
        ValueGrid grid = ((Measure.Values) bounded.measures().get(1)).grid();
        Range count = range(noisy[0], laws.get(0), 2).atLeastOne();
        Range sum = range(noisy[1], laws.get(1), 2);
        double n = Math.max(1, noisy[0] - laws.get(0).mean());
        double mean = (noisy[1] - laws.get(1).mean()) / n;
        double deviation = grid.step()
                * Math.hypot(laws.get(1).standardDeviation(), mean * laws.get(0).standardDeviation())
                / n;
        Range ratio = sum.over(count);
        return new Estimate(
                value(grid, mean), new Uncertainty.InValue(deviation, value(grid, ratio.low), value(grid, ratio.high)));
    }

    private static double value(ValueGrid grid, double mean) {
        return Math.max(grid.lower(), Math.min(grid.upper(), grid.origin() + grid.step() * mean));
    }

    private Estimate variance(long[] noisy) {
        ValueGrid grid = ((Measure.Values) bounded.measures().get(1)).grid();
        double unit = grid.squareUnit();
        double middle = (double) grid.reach() * grid.reach() / 2;
        double n = Math.max(1, noisy[0] - laws.get(0).mean());
        double mean = (noisy[1] - laws.get(1).mean()) / n;
        double square = (noisy[2] - laws.get(2).mean()) / n;
        // To first order: d(Q/n - (S/n)^2) = dQ/n - 2 S/n dS/n + (2 (S/n)^2 - Q/n) dn/n.
        double deviation = Math.hypot(
                        Math.hypot(
                                unit * laws.get(2).standardDeviation(),
                                2 * mean * laws.get(1).standardDeviation()),
                        (2 * mean * mean - unit * square) * laws.get(0).standardDeviation())
                / n;
        Range count = range(noisy[0], laws.get(0), 3).atLeastOne();
        Range means = range(noisy[1], laws.get(1), 3).over(count);
        Range squares = range(noisy[2], laws.get(2), 3).over(count);
        double step = grid.step() * grid.step();
        double largest = (double) grid.reach() * grid.reach();
        double low = unit * squares.low + middle - Math.max(means.low * means.low, means.high * means.high);
        double high = unit * squares.high + middle - means.leastSquare();
        return new Estimate(
                step * clamp(unit * square + middle - mean * mean, largest),
                new Uncertainty.InValue(step * deviation, step * clamp(low, largest), step * clamp(high, largest)));
    }

    private static double clamp(double variance, double largest) {
        return Math.max(0, Math.min(largest, variance));
    }

    /** Where one of several exact numbers is, so that all of them together are there with the probability that is claimed. */
    private static Range range(long noisy, NoiseLaw law, int numbers) {
        double value = noisy - law.mean();
        double tail = law.tail(numbers);
        return new Range(value - tail, value + tail);
    }

    private record Range(double low, double high) {
        /** A group without rows has no mean: whatever is said of one, is said of a group that has some. */
        Range atLeastOne() {
            return new Range(Math.max(1, low), Math.max(1, high));
        }

        Range over(Range positive) {
            return new Range(
                    Math.min(low / positive.low, low / positive.high),
                    Math.max(high / positive.low, high / positive.high));
        }

        double leastSquare() {
            return low <= 0 && high >= 0 ? 0 : Math.min(low * low, high * high);
        }
    }
}
