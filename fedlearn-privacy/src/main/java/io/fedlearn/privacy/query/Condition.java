package io.fedlearn.privacy.query;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Which rows a query is about: a tree of comparisons of columns with constants. Immutable.
 *
 * <p>There are two truth values, not three: a comparison with a missing value does not hold, and so its {@link Not} does.
 * Constants are data for a source, never text of its language.
 */
public sealed interface Condition {
    /** Every row. */
    static Condition everyRow() {
        return new And(List.of());
    }

    /** Rows whose number compares so with a constant. */
    static Condition compare(String column, Comparison comparison, double constant) {
        return new Compare(column, comparison, constant);
    }

    /** Rows whose number is in an interval, ends included. */
    static Condition between(String column, double lower, double upper) {
        return new Between(column, lower, upper);
    }

    /** Rows whose number is one of these. */
    static Condition in(String column, double... constants) {
        return new InNumbers(column, Arrays.stream(constants).boxed().toList());
    }

    /** Rows whose category is one of these. */
    static Condition in(String column, String... constants) {
        return new InTexts(column, List.of(constants));
    }

    /** Rows without a value in this column. */
    static Condition isMissing(String column) {
        return new IsMissing(column);
    }

    /** Rows for which not this holds. */
    static Condition not(Condition condition) {
        return new Not(condition);
    }

    /** Rows for which this holds and the other too. */
    default Condition and(Condition other) {
        return new And(List.of(this, other));
    }

    /** Rows for which this holds, or the other, or both. */
    default Condition or(Condition other) {
        return new Or(List.of(this, other));
    }

    /**
     * All of them hold; none of them is every row.
     *
     * @param conditions any number
     */
    record And(List<Condition> conditions) implements Condition {
        /** Copies the list. */
        public And {
            conditions = List.copyOf(conditions);
        }

        @Override
        public String toString() {
            return conditions.isEmpty() ? "every row" : joined(conditions, " and ");
        }
    }

    /**
     * At least one of them holds.
     *
     * @param conditions at least one
     */
    record Or(List<Condition> conditions) implements Condition {
        /** Copies the list, and validates that it is not empty. */
        public Or {
            conditions = List.copyOf(conditions);
            requireSome("conditions", conditions);
        }

        @Override
        public String toString() {
            return joined(conditions, " or ");
        }
    }

    /**
     * It does not hold.
     *
     * @param condition which
     */
    record Not(Condition condition) implements Condition {
        /** Validates that there is one. */
        public Not {
            Objects.requireNonNull(condition, "condition");
        }

        @Override
        public String toString() {
            return "not (" + condition + ")";
        }
    }

    /**
     * A number compares so with a constant.
     *
     * @param column of numbers
     * @param comparison how
     * @param constant finite
     */
    record Compare(String column, Comparison comparison, double constant) implements Condition {
        /** Validates that the constant is finite. */
        public Compare {
            requireName(column);
            Objects.requireNonNull(comparison, "comparison");
            requireFinite("constant", column, constant);
        }

        @Override
        public String toString() {
            return column + " " + comparison + " " + constant;
        }
    }

    /**
     * A number is in an interval, ends included.
     *
     * @param column of numbers
     * @param lower finite
     * @param upper finite, at least {@code lower}
     */
    record Between(String column, double lower, double upper) implements Condition {
        /** Validates the ends. */
        public Between {
            requireName(column);
            requireFinite("lower", column, lower);
            requireFinite("upper", column, upper);
            if (lower > upper) {
                throw new IllegalArgumentException(
                        "lower must be <= upper = " + upper + " for column '" + column + "', was " + lower);
            }
        }

        @Override
        public String toString() {
            return column + " between " + lower + " and " + upper;
        }
    }

    /**
     * A number is one of these.
     *
     * @param column of numbers
     * @param constants finite, at least one
     */
    record InNumbers(String column, List<Double> constants) implements Condition {
        /** Copies and validates the constants. */
        public InNumbers {
            requireName(column);
            constants = List.copyOf(constants);
            requireSome("constants", constants);
            for (double constant : constants) {
                requireFinite("constant", column, constant);
            }
        }

        @Override
        public String toString() {
            return column + " in "
                    + constants.stream().map(String::valueOf).collect(Collectors.joining(", ", "(", ")"));
        }
    }

    /**
     * A category is one of these.
     *
     * @param column of categories
     * @param constants not empty, at least one
     */
    record InTexts(String column, List<String> constants) implements Condition {
        /** Copies and validates the constants. */
        public InTexts {
            requireName(column);
            constants = List.copyOf(constants);
            requireSome("constants", constants);
            if (constants.contains("")) {
                throw new IllegalArgumentException("a constant for column '" + column
                        + "' must not be empty, was '': that is a missing value, ask with isMissing");
            }
        }

        @Override
        public String toString() {
            return column + " in "
                    + constants.stream()
                            .map(text -> "'" + text.replace("'", "''") + "'")
                            .collect(Collectors.joining(", ", "(", ")"));
        }
    }

    /**
     * There is no value.
     *
     * @param column of any type
     */
    record IsMissing(String column) implements Condition {
        /** Validates that the column is named. */
        public IsMissing {
            requireName(column);
        }

        @Override
        public String toString() {
            return column + " is missing";
        }
    }

    private static String joined(List<Condition> conditions, String word) {
        return conditions.stream().map(condition -> "(" + condition + ")").collect(Collectors.joining(word));
    }

    private static void requireName(String column) {
        if (column.isEmpty()) {
            throw new IllegalArgumentException("column must be named, was ''");
        }
    }

    private static void requireFinite(String name, String column, double value) {
        if (!Double.isFinite(value)) {
            throw new IllegalArgumentException(name + " for column '" + column + "' must be finite, was " + value);
        }
    }

    private static void requireSome(String name, List<?> list) {
        if (list.isEmpty()) {
            throw new IllegalArgumentException(name + " must be at least one, were none");
        }
    }
}
