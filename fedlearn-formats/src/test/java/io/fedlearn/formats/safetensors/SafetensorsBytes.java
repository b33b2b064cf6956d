package io.fedlearn.formats.safetensors;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Files made by hand. */
final class SafetensorsBytes {
    private SafetensorsBytes() {}

    /** A header's length, the header, and values as hexadecimal digits with blanks anywhere. */
    static byte[] of(String json, String hexValues) {
        return of(json.getBytes(StandardCharsets.UTF_8), HexFormat.of().parseHex(hexValues.replace(" ", "")));
    }

    static byte[] of(byte[] header, byte[] values) {
        return ByteBuffer.allocate(Long.BYTES + header.length + values.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header)
                .put(values)
                .array();
    }
}
