package io.fedlearn.privacy.query;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;

/**
 * A table in memory: columns of numbers and of categories, and a key that says which person a row belongs to. Immutable and
 * thread-safe.
 *
 * <p>Of a person's rows the first that count are left, in the table's order, and of the groups those that they are in. Where that
 * order means something, such as time, answers lean towards early rows: shuffle the table once if they should not.
 */
public final class TableSource implements QuerySource {
    private final Map<String, ColumnType> columns;
    private final Map<String, double[]> numbers;
    private final Map<String, Categories> texts;
    /** Rows of person {@code p}: {@code rows[starts[p]]} to {@code rows[starts[p + 1] - 1]}, in the table's order. */
    private final int[] starts;

    private final int[] rows;

    private TableSource(Builder builder, int[] persons, int personCount) {
        columns = Collections.unmodifiableMap(new LinkedHashMap<>(builder.columns));
        numbers = Map.copyOf(builder.numbers);
        texts = Map.copyOf(builder.texts);
        starts = new int[personCount + 1];
        for (int person : persons) {
            starts[person + 1]++;
        }
        for (int p = 0; p < personCount; p++) {
            starts[p + 1] += starts[p];
        }
        rows = new int[persons.length];
        int[] next = starts.clone();
        for (int row = 0; row < persons.length; row++) {
            rows[next[persons[row]]++] = row;
        }
    }

    /** A table whose rows belong to the persons with these numbers; the array is copied. */
    public static Builder ofPersons(long[] keys) {
        Map<Long, Integer> known = new HashMap<>();
        int[] persons = new int[keys.length];
        for (int row = 0; row < keys.length; row++) {
            persons[row] = known.computeIfAbsent(keys[row], key -> known.size());
        }
        return new Builder(persons, known.size());
    }

    /**
     * A table whose rows belong to the persons with these names.
     *
     * @throws IllegalArgumentException if a name is empty: a row of nobody could not be bounded
     */
    public static Builder ofPersons(List<String> keys) {
        Map<String, Integer> known = new HashMap<>();
        int[] persons = new int[keys.size()];
        int row = 0;
        for (String key : keys) {
            if (key.isEmpty()) {
                throw new IllegalArgumentException("persons must not be empty, was '' in row " + row);
            }
            persons[row++] = known.computeIfAbsent(key, name -> known.size());
        }
        return new Builder(persons, known.size());
    }

    @Override
    public Map<String, ColumnType> columns() {
        return columns;
    }

    @Override
    public BoundedSums measure(BoundedQuery query) {
        IntPredicate where = test(query.where());
        GroupOf group = query.grouping().map(this::groupOf).orElse(row -> 0);
        int maxGroups = query.grouping().map(Grouping::reachableGroups).orElse(1);
        Optional<BoundedColumn> column = query.column();
        double[] values = column.map(bounded -> number(bounded.name())).orElse(new double[0]);
        Adder adder = new Adder(query);

        int[] left = new int[query.groups()];
        int[] entered = new int[maxGroups];
        for (int person = 0; person + 1 < starts.length; person++) {
            int groups = 0;
            for (int i = starts[person]; i < starts[person + 1]; i++) {
                int row = rows[i];
                if (!where.test(row)) {
                    continue;
                }
                double value = 0;
                if (column.isPresent()) {
                    value = values[row];
                    if (Double.isNaN(value)) {
                        if (column.get().missingAs().isEmpty()) {
                            continue;
                        }
                        value = column.get().missingAs().getAsDouble();
                    }
                }
                int g = group.of(row);
                if (g < 0 || left[g] == query.maxRowsPerPerson()) {
                    continue;
                }
                if (left[g] == 0) {
                    if (groups == maxGroups) {
                        continue;
                    }
                    entered[groups++] = g;
                }
                adder.add(g, value, left[g]++ == 0);
            }
            for (int i = 0; i < groups; i++) {
                left[entered[i]] = 0;
            }
        }
        return adder.sums;
    }

    private interface GroupOf {
        /** The group of a row, or -1. */
        int of(int row);
    }

    private GroupOf groupOf(Grouping grouping) {
        if (columns.get(grouping.column()) == ColumnType.TEXT) {
            Categories categories = text(grouping.column());
            int[] groups = new int[categories.names.size()];
            Arrays.fill(groups, -1);
            for (int g = 0; g < grouping.keys().size(); g++) {
                Integer category = categories.names.get(grouping.keys().get(g));
                if (category != null) {
                    groups[category] = g;
                }
            }
            return row -> groups[categories.of[row]];
        }
        Map<Double, Integer> groups = new HashMap<>();
        for (int g = 0; g < grouping.keys().size(); g++) {
            groups.put(Double.parseDouble(grouping.keys().get(g)) + 0.0, g);
        }
        double[] keys = number(grouping.column());
        return row -> groups.getOrDefault(keys[row] + 0.0, -1);
    }

    private IntPredicate test(Condition condition) {
        if (condition instanceof Condition.And and) {
            List<IntPredicate> parts = and.conditions().stream().map(this::test).toList();
            return row -> {
                for (IntPredicate part : parts) {
                    if (!part.test(row)) {
                        return false;
                    }
                }
                return true;
            };
        }
        if (condition instanceof Condition.Or or) {
            List<IntPredicate> parts = or.conditions().stream().map(this::test).toList();
            return row -> {
                for (IntPredicate part : parts) {
                    if (part.test(row)) {
                        return true;
                    }
                }
                return false;
            };
        }
        if (condition instanceof Condition.Not not) {
            return test(not.condition()).negate();
        }
        if (condition instanceof Condition.Compare compare) {
            double[] values = number(compare.column());
            return row -> !Double.isNaN(values[row]) && compare.comparison().holds(values[row], compare.constant());
        }
        if (condition instanceof Condition.Between between) {
            double[] values = number(between.column());
            return row -> values[row] >= between.lower() && values[row] <= between.upper();
        }
        if (condition instanceof Condition.InNumbers in) {
            double[] values = number(in.column());
            double[] constants =
                    in.constants().stream().mapToDouble(Double::doubleValue).toArray();
            return row -> {
                for (double constant : constants) {
                    if (values[row] == constant) {
                        return true;
                    }
                }
                return false;
            };
        }
        if (condition instanceof Condition.InTexts in) {
            Categories categories = text(in.column());
            boolean[] wanted = new boolean[categories.names.size()];
            for (String constant : in.constants()) {
                Integer category = categories.names.get(constant);
                if (category != null) {
                    wanted[category] = true;
                }
            }
            return row -> wanted[categories.of[row]];
        }
        String column = ((Condition.IsMissing) condition).column();
        if (columns.get(column) == ColumnType.TEXT) {
            Categories categories = text(column);
            int missing = categories.names.getOrDefault("", -1);
            return row -> categories.of[row] == missing;
        }
        double[] values = number(column);
        return row -> Double.isNaN(values[row]);
    }

    private double[] number(String column) {
        return known(numbers, column);
    }

    private Categories text(String column) {
        return known(texts, column);
    }

    private static <T> T known(Map<String, T> of, String column) {
        T found = of.get(column);
        if (found == null) {
            throw new IllegalArgumentException("column must be one of " + of.keySet() + ", was '" + column + "'");
        }
        return found;
    }

    /** The form alone. */
    @Override
    public String toString() {
        return "TableSource" + columns;
    }

    /** Adds one row after the other to the measures of a query. */
    private static final class Adder {
        private final BoundedSums sums;
        private final Measure[] measures;
        private final int[] offsets;
        private final double[][] edges;

        Adder(BoundedQuery query) {
            sums = BoundedSums.zeros(query);
            measures = query.measures().toArray(new Measure[0]);
            offsets = new int[measures.length];
            edges = new double[measures.length][];
            int offset = 0;
            for (int i = 0; i < measures.length; i++) {
                offsets[i] = offset;
                offset += measures[i].size();
                edges[i] = measures[i] instanceof Measure.Bins bins
                        ? bins.edges().stream().mapToDouble(edge -> edge + 0.0).toArray()
                        : new double[0];
            }
        }

        void add(int group, double value, boolean firstOfPerson) {
            for (int i = 0; i < measures.length; i++) {
                Measure measure = measures[i];
                int place = offsets[i];
                long share = 1;
                if (measure instanceof Measure.Persons) {
                    share = firstOfPerson ? 1 : 0;
                } else if (measure instanceof Measure.Values values) {
                    share = values.grid().index(value);
                } else if (measure instanceof Measure.Squares squares) {
                    share = squares.grid().square(squares.grid().index(value));
                } else if (measure instanceof Measure.Bins) {
                    place += bin(edges[i], value);
                }
                sums.add(group, place, share);
            }
        }

        private static int bin(double[] edges, double value) {
            int last = edges.length - 2;
            if (value >= edges[last]) {
                return last;
            }
            int found = Arrays.binarySearch(edges, value + 0.0);
            return Math.max(0, found >= 0 ? found : -found - 2);
        }
    }

    /** The categories of a column, numbered, and the number of each row's. */
    private static final class Categories {
        private final Map<String, Integer> names;
        private final int[] of;

        Categories(Map<String, Integer> names, int[] of) {
            this.names = names;
            this.of = of;
        }
    }

    /** Collects the columns of a table, each as long as the persons are. Confined to one thread at a time. */
    public static final class Builder {
        /** Up to here, whole numbers and numbers are the same. */
        private static final long LARGEST_WHOLE = 1L << 53;

        private final int[] persons;
        private final int personCount;
        private final Map<String, ColumnType> columns = new LinkedHashMap<>();
        private final Map<String, double[]> numbers = new HashMap<>();
        private final Map<String, Categories> texts = new HashMap<>();

        private Builder(int[] persons, int personCount) {
            this.persons = persons;
            this.personCount = personCount;
        }

        /** A column of numbers, NaN where one is missing; the array is copied. */
        public Builder number(String column, double[] values) {
            declare(column, ColumnType.NUMBER, values.length);
            numbers.put(column, values.clone());
            return this;
        }

        /**
         * A column of whole numbers; the array is copied.
         *
         * @throws IllegalArgumentException if one is beyond 2^53, where numbers have gaps: such a column is a key, so give it as text
         */
        public Builder number(String column, long[] values) {
            declare(column, ColumnType.NUMBER, values.length);
            double[] copy = new double[values.length];
            for (int row = 0; row < values.length; row++) {
                if (values[row] > LARGEST_WHOLE || values[row] < -LARGEST_WHOLE) {
                    throw new IllegalArgumentException(
                            "values of column '" + column + "' must be within 2^53 of 0, one is not in row " + row);
                }
                copy[row] = values[row];
            }
            numbers.put(column, copy);
            return this;
        }

        /** A column of categories, empty where one is missing. */
        public Builder text(String column, List<String> values) {
            declare(column, ColumnType.TEXT, values.size());
            Map<String, Integer> names = new HashMap<>();
            int[] of = new int[values.size()];
            int row = 0;
            for (String value : values) {
                of[row++] = names.computeIfAbsent(value, name -> names.size());
            }
            texts.put(column, new Categories(names, of));
            return this;
        }

        private void declare(String column, ColumnType type, int length) {
            if (column.isEmpty() || columns.containsKey(column)) {
                throw new IllegalArgumentException("columns must be named, each once, was '" + column + "'");
            }
            if (length != persons.length) {
                throw new IllegalArgumentException(
                        "column '" + column + "' must have " + persons.length + " rows, has " + length);
            }
            columns.put(column, type);
        }

        /** The table. */
        public TableSource build() {
            return new TableSource(this, persons, personCount);
        }
    }
}
