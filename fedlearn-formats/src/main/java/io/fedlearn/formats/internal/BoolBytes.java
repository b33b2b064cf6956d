package io.fedlearn.formats.internal;

import io.fedlearn.formats.FormatException;
import java.nio.ByteBuffer;

/** The rule that a bool is the byte 0 or 1. */
final class BoolBytes {
    private BoolBytes() {}

    static void require(ByteBuffer bytes, String source, String tensor) {
        for (int i = bytes.position(); i < bytes.limit(); i++) {
            if ((bytes.get(i) & ~1) != 0) {
                String reason = "a bool must be the byte 0 or 1";
                throw tensor.isEmpty()
                        ? new FormatException(source, reason)
                        : new FormatException(source, tensor, reason);
            }
        }
    }
}
