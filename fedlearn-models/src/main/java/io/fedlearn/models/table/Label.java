package io.fedlearn.models.table;

import java.util.List;

/** The column that is to be predicted, and what its fields mean. Immutable. */
public sealed interface Label {
    /** The name of the column in the file. */
    String column();

    /** Whether a row without a label is left out, and counted, rather than refused. */
    boolean dropsMissing();

    /** This label, with rows that lack it left out and counted. */
    Label droppingMissing();

    /** Class 1 where the number in the column is greater than the threshold, else class 0. */
    static Label positiveAbove(String column, double threshold) {
        return new Threshold(column, threshold, false);
    }

    /**
     * The place of the field among these classes, counted from 0; with two classes, the second is the positive one. A
     * class that is written as a number stands for that number: {@code 1} is also {@code 1.0}.
     */
    static Label classes(String column, String... classes) {
        return new Classes(column, List.of(classes), false);
    }

    /** The number in the column. */
    static Label value(String column) {
        return new Value(column, false);
    }

    /**
     * See {@link #positiveAbove}.
     *
     * @param column in the file
     * @param threshold a number above it is class 1
     * @param dropsMissing whether rows without a label are left out
     */
    record Threshold(String column, double threshold, boolean dropsMissing) implements Label {
        /** Validates that the threshold is a number. */
        public Threshold {
            if (Double.isNaN(threshold)) {
                throw new IllegalArgumentException("threshold must be a number, was NaN");
            }
        }

        @Override
        public Label droppingMissing() {
            return new Threshold(column, threshold, true);
        }
    }

    /**
     * See {@link Label#classes(String, String...)}.
     *
     * @param column in the file
     * @param classes from class 0 on
     * @param dropsMissing whether rows without a label are left out
     */
    record Classes(String column, List<String> classes, boolean dropsMissing) implements Label {
        /** Validates that there are two classes at least and that no two are the same. */
        public Classes {
            classes = List.copyOf(classes);
            if (classes.size() < 2) {
                throw new IllegalArgumentException(
                        "label '" + column + "' must have at least 2 classes, had " + classes.size());
            }
            Spellings.of(classes);
        }

        @Override
        public Label droppingMissing() {
            return new Classes(column, classes, true);
        }
    }

    /**
     * See {@link Label#value}.
     *
     * @param column in the file
     * @param dropsMissing whether rows without a label are left out
     */
    record Value(String column, boolean dropsMissing) implements Label {
        @Override
        public Label droppingMissing() {
            return new Value(column, true);
        }
    }
}
