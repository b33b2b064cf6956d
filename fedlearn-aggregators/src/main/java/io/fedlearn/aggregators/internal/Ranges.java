package io.fedlearn.aggregators.internal;

/** Checks of hyperparameters, with messages that name parameter, range and value. */
public final class Ranges {
    private Ranges() {}

    /** For a rate or a norm. */
    public static void requirePositive(String name, double value) {
        require(value > 0 && value < Double.POSITIVE_INFINITY, name, "> 0 and finite", value);
    }

    /** For a weight that may be switched off. */
    public static void requireNotNegative(String name, double value) {
        require(value >= 0 && value < Double.POSITIVE_INFINITY, name, ">= 0 and finite", value);
    }

    /** For the share of the past in a moving average. */
    public static void requireShare(String name, double value) {
        require(value >= 0 && value < 1, name, "in [0, 1)", value);
    }

    /** For a number of clients, rounds or steps. */
    public static void requireAtLeast(String name, long least, long value) {
        if (value < least) {
            throw new IllegalArgumentException(name + " must be >= " + least + ", was " + value);
        }
    }

    /** For a number of clients, rounds or steps that has an end. */
    public static void requireBetween(String name, long least, long most, long value) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(name + " must be in [" + least + ", " + most + "], was " + value);
        }
    }

    /** For a number that has an end. */
    public static void requireBetween(String name, double least, double most, double value) {
        require(value >= least && value <= most, name, "in [" + least + ", " + most + "]", value);
    }

    private static void require(boolean valid, String name, String constraint, double value) {
        if (!valid) {
            throw new IllegalArgumentException(name + " must be " + constraint + ", was " + value);
        }
    }
}
