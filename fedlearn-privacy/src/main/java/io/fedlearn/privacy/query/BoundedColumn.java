package io.fedlearn.privacy.query;

import java.util.OptionalDouble;

/**
 * A column of numbers, and the bounds that its values are clamped to before anything is computed from them. The bounds must not
 * come from the data: how large a value is in the table is itself something about a person.
 *
 * @param name of the column
 * @param lower within {@value #LARGEST_BOUND} of 0
 * @param upper within {@value #LARGEST_BOUND} of 0, greater than {@code lower}
 * @param missingAs what a missing value counts as; if empty, a row without one is left out
 */
public record BoundedColumn(String name, double lower, double upper, OptionalDouble missingAs) {
    /** How far from 0 a bound may be: {@value}. */
    public static final double LARGEST_BOUND = 1e150;

    /** Validates name and bounds. */
    public BoundedColumn {
        if (name.isEmpty()) {
            throw new IllegalArgumentException("column must be named, was ''");
        }
        requireBound("lower", name, lower);
        requireBound("upper", name, upper);
        if (lower >= upper) {
            throw new IllegalArgumentException(
                    "lower must be < upper = " + upper + " for column '" + name + "', was " + lower);
        }
        if (missingAs.isPresent() && !(missingAs.getAsDouble() >= lower && missingAs.getAsDouble() <= upper)) {
            throw new IllegalArgumentException("missingAs must be in [" + lower + ", " + upper + "] for column '" + name
                    + "', was " + missingAs.getAsDouble());
        }
    }

    /** A column whose values are clamped to these bounds; rows without one are left out. */
    public static BoundedColumn of(String name, double lower, double upper) {
        return new BoundedColumn(name, lower, upper, OptionalDouble.empty());
    }

    /** This column, with rows without a value counted as if they had this one. */
    public BoundedColumn withMissingAs(double value) {
        return new BoundedColumn(name, lower, upper, OptionalDouble.of(value));
    }

    /** Column, bounds and what a missing value counts as. */
    @Override
    public String toString() {
        return name + " in [" + lower + ", " + upper + "]"
                + (missingAs.isPresent() ? ", missing as " + missingAs.getAsDouble() : "");
    }

    private static void requireBound(String bound, String name, double value) {
        if (!(Math.abs(value) <= LARGEST_BOUND)) {
            throw new IllegalArgumentException(
                    bound + " for column '" + name + "' must be within " + LARGEST_BOUND + " of 0, was " + value);
        }
    }
}
