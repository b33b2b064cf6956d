package io.fedlearn.models.table;

import java.util.ArrayList;
import java.util.List;

/**
 * A column of a table and the features that are made of it. Immutable.
 *
 * <p>{@code age} makes a feature {@code age}; a category {@code cp} makes one feature for each declared value,
 * {@code cp=1}, {@code cp=2} …, of which the row's own is 1 and the others are 0. A column with a missing indicator
 * makes one more, {@code age=missing}, that is 1 where the field is missing and 0 elsewhere.
 */
public sealed interface Column {
    /** The name of the column in the file. */
    String name();

    /** The names of the features, in order. */
    List<String> featureNames();

    /** This column with one more feature that says whether the field is missing. */
    Column withMissingIndicator();

    /** A column of numbers; a missing one becomes NaN, which a standardising model takes for the mean. */
    static Numeric numeric(String name) {
        return new Numeric(name, false, List.of());
    }

    /**
     * A column of these categories and no others. A missing one makes all their features 0. A value that is written as
     * a number stands for that number: {@code 4} is also {@code 4.0}.
     */
    static Category category(String name, String... values) {
        return new Category(name, List.of(values), false, false);
    }

    private static void requireName(String name) {
        if (name.isBlank()) {
            throw new IllegalArgumentException("a column's name must not be blank");
        }
    }

    /**
     * A column of numbers.
     *
     * @param name in the file
     * @param missingIndicator whether there is a feature that says that the field is missing
     * @param missing texts that say so in this column alone, beside those of the whole table; one that is written as a number
     *     stands for that number
     */
    record Numeric(String name, boolean missingIndicator, List<String> missing) implements Column {
        /** Validates the name, and that no two texts are the same. */
        public Numeric {
            requireName(name);
            missing = List.copyOf(missing);
            Spellings.of(missing);
        }

        @Override
        public Numeric withMissingIndicator() {
            return new Numeric(name, true, missing);
        }

        /** This column with texts that say in it alone that the field is missing, such as a 0 that cannot be measured. */
        public Numeric withMissing(String... texts) {
            return new Numeric(name, missingIndicator, List.of(texts));
        }

        @Override
        public List<String> featureNames() {
            return missingIndicator ? List.of(name, name + "=missing") : List.of(name);
        }
    }

    /**
     * A column of categories.
     *
     * @param name in the file
     * @param values the categories
     * @param otherIndicator whether a value that was not declared is taken, with a feature of its own, rather than
     *     refused
     * @param missingIndicator whether there is a feature that says that the field is missing
     */
    record Category(String name, List<String> values, boolean otherIndicator, boolean missingIndicator)
            implements Column {
        /** Validates that there are values and that no two are the same. */
        public Category {
            requireName(name);
            values = List.copyOf(values);
            if (values.isEmpty()) {
                throw new IllegalArgumentException("column '" + name + "' must have at least one category");
            }
            Spellings.of(values);
        }

        /** This column with one more feature, {@code name=other}, for all values that were not declared. */
        public Category withOther() {
            return new Category(name, values, true, missingIndicator);
        }

        @Override
        public Category withMissingIndicator() {
            return new Category(name, values, otherIndicator, true);
        }

        @Override
        public List<String> featureNames() {
            List<String> names = new ArrayList<>();
            for (String value : values) {
                names.add(name + "=" + value);
            }
            if (otherIndicator) {
                names.add(name + "=other");
            }
            if (missingIndicator) {
                names.add(name + "=missing");
            }
            return List.copyOf(names);
        }
    }
}
