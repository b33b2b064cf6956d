package io.fedlearn.core.partition;

import io.fedlearn.core.random.SeededRandom;

/** A partitioner's text, cut at its colons, with refusals that say what may be written. */
final class PartitionText {
    private final String text;
    private final String[] parts;

    PartitionText(String text, String[] parts) {
        this.text = text;
        this.parts = parts;
    }

    void requireAtMost(int settings) {
        if (parts.length - 1 > settings) {
            throw refusal("'" + parts[0] + "' takes at most " + settings + " settings");
        }
    }

    double concentration() {
        if (parts.length < 2) {
            throw refusal("'" + parts[0] + "' needs its concentration, such as " + parts[0]
                    + ":0.5 (the smaller, the more uneven)");
        }
        double value;
        try {
            value = Double.parseDouble(parts[1]);
        } catch (NumberFormatException e) {
            throw refusal("'" + parts[1] + "' is not a number", e);
        }
        if (!(value >= SeededRandom.MIN_CONCENTRATION) || Double.isInfinite(value)) {
            throw refusal("the concentration must be > 0 and finite, was " + value);
        }
        return value;
    }

    int whole(int place, int defaultValue, int least) {
        if (parts.length <= place) {
            return defaultValue;
        }
        int value;
        try {
            value = Integer.parseInt(parts[place]);
        } catch (NumberFormatException e) {
            throw refusal("'" + parts[place] + "' is not a whole number", e);
        }
        if (value < least) {
            throw refusal("'" + parts[place] + "' must be >= " + least);
        }
        return value;
    }

    IllegalArgumentException refusal(String why) {
        return new IllegalArgumentException(message(why));
    }

    private IllegalArgumentException refusal(String why, NumberFormatException cause) {
        return new IllegalArgumentException(message(why), cause);
    }

    private String message(String why) {
        return "partition must be one of iid, shards[:PER_CLIENT], dirichlet:ALPHA[:MINIMUM], quantity:BETA[:MINIMUM],"
                + " was '" + text + "': " + why;
    }
}
