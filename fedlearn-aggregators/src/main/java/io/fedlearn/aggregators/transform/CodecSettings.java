package io.fedlearn.aggregators.transform;

import io.fedlearn.core.task.Config;
import java.util.List;

/** Checks of settings and values that the codecs share. */
final class CodecSettings {
    private CodecSettings() {}

    static void requireKnown(String codec, Config settings, String... known) {
        for (String name : settings.names()) {
            if (!List.of(known).contains(name)) {
                throw new IllegalArgumentException(codec + " has no setting '" + name + "'");
            }
        }
    }

    static void requireShare(String name, double share) {
        if (!(share > 0 && share <= 1)) {
            throw new IllegalArgumentException(name + " must be in (0, 1], was " + share);
        }
    }

    static int arrayLength(long length) {
        if (length > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException(
                    "an encoded tensor is limited to an array's 2^31-9 bytes, wanted " + length);
        }
        return (int) length;
    }

    /** The largest magnitude of the first values; NaN if one is. */
    static double largest(double[] values, int count) {
        // NaN is larger than anything to Math.max.
        double largest = 0;
        for (int i = 0; i < count; i++) {
            largest = Math.max(largest, Math.abs(values[i]));
        }
        return largest;
    }
}
