package io.fedlearn.privacy.query;

import io.fedlearn.core.random.SeededRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** Small tables with every nuisance, queries over them, and sums by brute force. */
public final class RandomTable {
    private static final double[] NUISANCES = {
        Double.NaN,
        Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY,
        Double.MAX_VALUE,
        -Double.MAX_VALUE,
        Double.MIN_VALUE,
        0.0,
        -0.0,
        1.0,
        0.1,
        -7.0
    };
    private static final String[] REGIONS = {"", "north", "south", "east", "it's"};

    private final long[] persons;
    private final double[] x;
    private final double[] y;
    private final String[] region;

    private RandomTable(long[] persons, double[] x, double[] y, String[] region) {
        this.persons = persons;
        this.x = x;
        this.y = y;
        this.region = region;
    }

    /** A table without rows. */
    public static RandomTable empty() {
        return new RandomTable(new long[0], new double[0], new double[0], new String[0]);
    }

    /** Some rows of some persons. */
    public static RandomTable of(SeededRandom random) {
        int rows = 1 + random.nextInt(30);
        int people = 1 + random.nextInt(8);
        RandomTable table = new RandomTable(new long[rows], new double[rows], new double[rows], new String[rows]);
        for (int row = 0; row < rows; row++) {
            table.persons[row] = 1000 + random.nextInt(people);
            table.x[row] = random.nextInt(3) == 0
                    ? NUISANCES[random.nextInt(NUISANCES.length)]
                    : 20 * random.nextDouble() - 10;
            table.y[row] = random.nextInt(6) == 0 ? Double.NaN : random.nextInt(5);
            table.region[row] = REGIONS[random.nextInt(REGIONS.length)];
        }
        return table;
    }

    /** The table in memory. */
    public TableSource source() {
        return TableSource.ofPersons(persons)
                .number("x", x)
                .number("y", y)
                .text("region", List.of(region))
                .build();
    }

    /** Everybody who has a row. */
    public List<Long> people() {
        return Arrays.stream(persons).distinct().boxed().toList();
    }

    /** The same table without one person: the rows after it move up. */
    RandomTable without(long person) {
        return where(row -> persons[row] != person);
    }

    /** One person's rows of the table. */
    RandomTable only(long person) {
        return where(row -> persons[row] == person);
    }

    private RandomTable where(IntPredicate rows) {
        int[] kept = IntStream.range(0, persons.length).filter(rows).toArray();
        return new RandomTable(
                Arrays.stream(kept).mapToLong(row -> persons[row]).toArray(),
                Arrays.stream(kept).mapToDouble(row -> x[row]).toArray(),
                Arrays.stream(kept).mapToDouble(row -> y[row]).toArray(),
                Arrays.stream(kept).mapToObj(row -> region[row]).toArray(String[]::new));
    }

    /** How many rows it has. */
    public int rows() {
        return persons.length;
    }

    /** Whose row it is. */
    public long person(int row) {
        return persons[row];
    }

    /** A number; NaN is missing. */
    public double x(int row) {
        return x[row];
    }

    /** A number; NaN is missing. */
    public double y(int row) {
        return y[row];
    }

    /** A text; empty is missing. */
    public String region(int row) {
        return region[row];
    }

    /** A question about such a table. */
    public static PrivateQuery query(SeededRandom random, Noise noise) {
        PrivateQuery query = PrivateQuery.of(aggregate(random, noise), noise)
                .where(condition(random, 3))
                .withMaxRowsPerPerson(1 + random.nextInt(4));
        return switch (random.nextInt(3)) {
            case 0 -> query;
            case 1 ->
                query.groupedBy(
                        new Grouping("region", List.of("north", "nowhere", "it's", "south"), 1 + random.nextInt(5)));
            default -> query.groupedBy(new Grouping("y", List.of("3", "0", "1e0", "17"), 1 + random.nextInt(3)));
        };
    }

    private static Aggregate aggregate(SeededRandom random, Noise noise) {
        double lower = 10 * random.nextDouble() - 8;
        BoundedColumn column = BoundedColumn.of("x", lower, lower + 0.5 + 9 * random.nextDouble());
        if (random.nextInt(3) == 0) {
            column = new BoundedColumn("x", column.lower(), column.upper(), OptionalDouble.of(column.upper()));
        }
        double middle = (column.lower() + column.upper()) / 2;
        return switch (random.nextInt(noise instanceof Noise.Laplace ? 7 : 6)) {
            case 0 -> Aggregate.count();
            case 1 -> Aggregate.persons();
            case 2 -> new Aggregate.Sum(column);
            case 3 -> new Aggregate.Mean(column);
            case 4 -> new Aggregate.Variance(column);
            case 5 -> new Aggregate.Histogram(column, List.of(column.lower(), middle, column.upper()));
            default -> new Aggregate.Quantiles(column, List.of(0.1, 0.5, 0.7), 2 + random.nextInt(20));
        };
    }

    static Condition condition(SeededRandom random, int depth) {
        return switch (random.nextInt(depth == 0 ? 7 : 10)) {
            case 0, 1 -> Condition.everyRow();
            case 2 ->
                Condition.compare(
                        "x",
                        Comparison.values()[random.nextInt(6)],
                        NUISANCES[5 + random.nextInt(NUISANCES.length - 5)]);
            case 3 -> Condition.between("y", 1, 1 + random.nextInt(3));
            case 4 -> Condition.in("y", 0, 2, -0.0);
            case 5 -> Condition.in("region", "south", "it's", "nowhere");
            case 6 -> Condition.isMissing(random.nextInt(2) == 0 ? "region" : "x");
            case 7 -> Condition.not(condition(random, depth - 1));
            case 8 -> condition(random, depth - 1).and(condition(random, depth - 1));
            default -> condition(random, depth - 1).or(condition(random, depth - 1));
        };
    }

    /** By brute force: row by row, in the simplest way that is right. */
    long[][] sums(BoundedQuery query) {
        long[][] sums = new long[query.groups()][query.size()];
        for (long person : people()) {
            Map<Integer, Integer> left = new HashMap<>();
            for (int row = 0; row < persons.length; row++) {
                int group = query.grouping().map(groups(row)).orElse(0);
                double value = x[row];
                if (Double.isNaN(value) && query.column().isPresent()) {
                    value = query.column().get().missingAs().orElse(Double.NaN);
                }
                boolean counts = persons[row] == person
                        && holds(query.where(), row)
                        && group >= 0
                        && (query.column().isEmpty() || !Double.isNaN(value));
                int before = left.getOrDefault(group, 0);
                int most = query.grouping().map(Grouping::maxGroupsPerPerson).orElse(1);
                if (!counts || before == query.maxRowsPerPerson() || before == 0 && left.size() == most) {
                    continue;
                }
                left.put(group, before + 1);
                List<Long> shares = new ArrayList<>();
                for (Measure measure : query.measures()) {
                    shares.addAll(shares(measure, value, before == 0));
                }
                for (int i = 0; i < shares.size(); i++) {
                    sums[group][i] += shares.get(i);
                }
            }
        }
        return sums;
    }

    private Function<Grouping, Integer> groups(int row) {
        return grouping -> {
            for (int i = 0; i < grouping.keys().size(); i++) {
                String key = grouping.keys().get(i);
                if (grouping.column().equals("region") ? key.equals(region[row]) : Double.parseDouble(key) == y[row]) {
                    return i;
                }
            }
            return -1;
        };
    }

    private static List<Long> shares(Measure measure, double value, boolean first) {
        if (measure instanceof Measure.Persons) {
            return List.of(first ? 1L : 0L);
        }
        if (measure instanceof Measure.Values values) {
            return List.of(values.grid().index(value));
        }
        if (measure instanceof Measure.Squares squares) {
            return List.of(squares.grid().square(squares.grid().index(value)));
        }
        if (measure instanceof Measure.Bins bins) {
            List<Double> edges = bins.edges();
            int bin = 0;
            while (bin + 2 < edges.size() && value >= edges.get(bin + 1)) {
                bin++;
            }
            int chosen = bin;
            return IntStream.range(0, edges.size() - 1)
                    .mapToObj(i -> i == chosen ? 1L : 0L)
                    .toList();
        }
        return List.of(1L);
    }

    boolean holds(Condition condition, int row) {
        if (condition instanceof Condition.And and) {
            return and.conditions().stream().allMatch(part -> holds(part, row));
        }
        if (condition instanceof Condition.Or or) {
            return or.conditions().stream().anyMatch(part -> holds(part, row));
        }
        if (condition instanceof Condition.Not not) {
            return !holds(not.condition(), row);
        }
        if (condition instanceof Condition.IsMissing missing) {
            return missing.column().equals("region") ? region[row].isEmpty() : Double.isNaN(x[row]);
        }
        if (condition instanceof Condition.InTexts in) {
            return in.constants().contains(region[row]);
        }
        if (condition instanceof Condition.InNumbers in) {
            return in.constants().stream().anyMatch(constant -> constant == y[row]);
        }
        if (condition instanceof Condition.Between between) {
            return y[row] >= between.lower() && y[row] <= between.upper();
        }
        Condition.Compare compare = (Condition.Compare) condition;
        double value = x[row];
        return !Double.isNaN(value)
                && switch (compare.comparison()) {
                    case LESS -> value < compare.constant();
                    case AT_MOST -> value <= compare.constant();
                    case EQUAL -> value == compare.constant();
                    case NOT_EQUAL -> value != compare.constant();
                    case AT_LEAST -> value >= compare.constant();
                    case GREATER -> value > compare.constant();
                };
    }

    @Override
    public String toString() {
        return Arrays.toString(persons) + Arrays.toString(x) + Arrays.toString(y) + Arrays.toString(region);
    }
}
