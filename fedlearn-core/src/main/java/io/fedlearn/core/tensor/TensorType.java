package io.fedlearn.core.tensor;

import java.util.Optional;

/**
 * The element type of a tensor.
 *
 * <p>Every type is carried unchanged by models, files and wires. Arithmetic follows one rule: {@link #FLOAT32},
 * {@link #FLOAT64}, {@link #FLOAT16} and {@link #BFLOAT16} are widened to {@code double} without loss and rounded to the
 * nearest value (ties to even) on the way back; integer types are exact up to 2^53 when read as {@code double} and always
 * exact when read as {@code long} ({@link #UINT64} above 2^63-1 keeps its bits); {@link #BOOL} reads as 0 or 1.
 */
public enum TensorType {
    /** IEEE 754 binary16. */
    FLOAT16(1, 2, Kind.FLOATING),
    /** The upper half of an IEEE 754 binary32. */
    BFLOAT16(2, 2, Kind.FLOATING),
    /** IEEE 754 binary32, the usual type of a model. */
    FLOAT32(3, 4, Kind.FLOATING),
    /** IEEE 754 binary64. */
    FLOAT64(4, 8, Kind.FLOATING),
    /** Signed 8-bit integer. */
    INT8(5, 1, Kind.SIGNED),
    /** Signed 16-bit integer. */
    INT16(6, 2, Kind.SIGNED),
    /** Signed 32-bit integer. */
    INT32(7, 4, Kind.SIGNED),
    /** Signed 64-bit integer. */
    INT64(8, 8, Kind.SIGNED),
    /** Unsigned 8-bit integer. */
    UINT8(9, 1, Kind.UNSIGNED),
    /** Unsigned 16-bit integer. */
    UINT16(10, 2, Kind.UNSIGNED),
    /** Unsigned 32-bit integer. */
    UINT32(11, 4, Kind.UNSIGNED),
    /** Unsigned 64-bit integer. */
    UINT64(12, 8, Kind.UNSIGNED),
    /** One byte, 0 or 1. */
    BOOL(13, 1, Kind.BOOLEAN);

    private enum Kind {
        FLOATING,
        SIGNED,
        UNSIGNED,
        BOOLEAN
    }

    private final int code;
    private final int byteSize;
    private final Kind kind;

    TensorType(int code, int byteSize, Kind kind) {
        this.code = code;
        this.byteSize = byteSize;
        this.kind = kind;
    }

    /** The number that stands for this type in the canonical encoding of a model; never reused. */
    public int code() {
        return code;
    }

    /** The type with this {@link #code()}, if there is one. */
    public static Optional<TensorType> ofCode(int code) {
        for (TensorType type : values()) {
            if (type.code == code) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }

    /** The size of one element in bytes. */
    public int byteSize() {
        return byteSize;
    }

    /** Whether values are floating-point numbers. */
    public boolean isFloating() {
        return kind == Kind.FLOATING;
    }

    /** Whether values are signed or unsigned integers ({@link #BOOL} is neither). */
    public boolean isInteger() {
        return kind == Kind.SIGNED || kind == Kind.UNSIGNED;
    }

    /** Whether values are unsigned integers. */
    public boolean isUnsigned() {
        return kind == Kind.UNSIGNED;
    }
}
