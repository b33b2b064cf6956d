package io.fedlearn.examples.network;

import java.util.Locale;

/** What becomes of a row in which a field is missing. */
enum MissingRule {
    /** The file is refused. */
    REFUSE,
    /** The row is left out. */
    DROP,
    /** A number becomes the mean of its column, a category none of the declared ones. */
    MEAN;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
