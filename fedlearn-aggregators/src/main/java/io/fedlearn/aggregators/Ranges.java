package io.fedlearn.aggregators;

/** Checks of hyperparameters, with messages that name parameter, range and value. */
final class Ranges {
    private Ranges() {}

    static void requirePositive(String name, double value) {
        require(value > 0 && value < Double.POSITIVE_INFINITY, name, "> 0 and finite", value);
    }

    static void requireNotNegative(String name, double value) {
        require(value >= 0 && value < Double.POSITIVE_INFINITY, name, ">= 0 and finite", value);
    }

    /** For the share of the past in a moving average. */
    static void requireShare(String name, double value) {
        require(value >= 0 && value < 1, name, "in [0, 1)", value);
    }

    private static void require(boolean valid, String name, String constraint, double value) {
        if (!valid) {
            throw new IllegalArgumentException(name + " must be " + constraint + ", was " + value);
        }
    }
}
