package io.fedlearn.luna16.image;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * How a MetaImage stores a voxel. All become whole numbers of 16 bits: floating-point values are rounded, halves to the
 * even neighbour; what does not fit is refused.
 *
 * <p>As in ITK, {@code MET_LONG} has 32 bits on every machine, and {@code MET_SHORT_ARRAY} and its kin are what they are
 * without {@code _ARRAY}.
 */
public enum ElementType {
    /** {@code MET_CHAR}: 8 bits, signed. */
    CHAR(1),
    /** {@code MET_UCHAR}: 8 bits, unsigned. */
    UCHAR(1),
    /** {@code MET_SHORT}: 16 bits, signed; what CTs come in. */
    SHORT(2),
    /** {@code MET_USHORT}: 16 bits, unsigned. */
    USHORT(2),
    /** {@code MET_INT}: 32 bits, signed. */
    INT(4),
    /** {@code MET_UINT}: 32 bits, unsigned. */
    UINT(4),
    /** {@code MET_LONG}: 32 bits, signed. */
    LONG(4),
    /** {@code MET_ULONG}: 32 bits, unsigned. */
    ULONG(4),
    /** {@code MET_LONG_LONG}: 64 bits, signed. */
    LONG_LONG(8),
    /** {@code MET_ULONG_LONG}: 64 bits, unsigned. */
    ULONG_LONG(8),
    /** {@code MET_FLOAT}: 32 bits, floating-point. */
    FLOAT(4),
    /** {@code MET_DOUBLE}: 64 bits, floating-point. */
    DOUBLE(8);

    private static final String PREFIX = "MET_";
    private static final String ARRAY = "_ARRAY";

    private final int byteSize;

    ElementType(int byteSize) {
        this.byteSize = byteSize;
    }

    /** The type that a header calls so, if there is one. */
    static Optional<ElementType> named(String name) {
        String plain = name.endsWith(ARRAY) ? name.substring(0, name.length() - ARRAY.length()) : name;
        for (ElementType type : values()) {
            if (plain.equals(type.toString())) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }

    /** How many bytes a voxel takes. */
    public int byteSize() {
        return byteSize;
    }

    /** The number that is stored at a place, counted in voxels. */
    double number(ByteBuffer bytes, int place) {
        return switch (this) {
            case CHAR -> bytes.get(place);
            case UCHAR -> bytes.get(place) & 0xff;
            case SHORT -> bytes.getShort(2 * place);
            case USHORT -> bytes.getShort(2 * place) & 0xffff;
            case INT, LONG -> bytes.getInt(4 * place);
            case UINT, ULONG -> bytes.getInt(4 * place) & 0xffffffffL;
            case LONG_LONG -> bytes.getLong(8 * place);
            case ULONG_LONG -> unsigned(bytes.getLong(8 * place));
            case FLOAT -> bytes.getFloat(4 * place);
            case DOUBLE -> bytes.getDouble(8 * place);
        };
    }

    private static double unsigned(long value) {
        return value >= 0 ? value : (value & Long.MAX_VALUE) + 0x1p63;
    }

    /** Whether a number could be stored so, and in 16 bits: a whole one, but for the floating-point types. */
    boolean holds(double number) {
        double rounded = Math.rint(number);
        if (!(rounded >= Short.MIN_VALUE && rounded <= Short.MAX_VALUE)) {
            return false;
        }
        return switch (this) {
            case FLOAT, DOUBLE -> true;
            case CHAR -> number == rounded && number == (byte) number;
            case UCHAR -> number == rounded && number >= 0 && number <= 0xff;
            case SHORT, INT, LONG, LONG_LONG -> number == rounded;
            case USHORT, UINT, ULONG, ULONG_LONG -> number == rounded && number >= 0;
        };
    }

    /**
     * Converts {@code count} voxels.
     *
     * @return the place, counted from 0, of the first voxel that does not fit, or -1
     */
    int convert(ByteBuffer bytes, short[] target, int offset, int count) {
        switch (this) {
            case SHORT -> bytes.asShortBuffer().get(target, offset, count);
            case CHAR -> {
                for (int i = 0; i < count; i++) {
                    target[offset + i] = bytes.get(i);
                }
            }
            case UCHAR -> {
                for (int i = 0; i < count; i++) {
                    target[offset + i] = (short) (bytes.get(i) & 0xff);
                }
            }
            case USHORT -> {
                for (int i = 0; i < count; i++) {
                    short value = bytes.getShort(2 * i);
                    if (value < 0) {
                        return i;
                    }
                    target[offset + i] = value;
                }
            }
            case INT, LONG -> {
                for (int i = 0; i < count; i++) {
                    int value = bytes.getInt(4 * i);
                    if (value != (short) value) {
                        return i;
                    }
                    target[offset + i] = (short) value;
                }
            }
            case UINT, ULONG -> {
                for (int i = 0; i < count; i++) {
                    int value = bytes.getInt(4 * i);
                    if (value < 0 || value > Short.MAX_VALUE) {
                        return i;
                    }
                    target[offset + i] = (short) value;
                }
            }
            case LONG_LONG -> {
                for (int i = 0; i < count; i++) {
                    long value = bytes.getLong(8 * i);
                    if (value != (short) value) {
                        return i;
                    }
                    target[offset + i] = (short) value;
                }
            }
            case ULONG_LONG -> {
                for (int i = 0; i < count; i++) {
                    long value = bytes.getLong(8 * i);
                    if (value < 0 || value > Short.MAX_VALUE) {
                        return i;
                    }
                    target[offset + i] = (short) value;
                }
            }
            case FLOAT -> {
                for (int i = 0; i < count; i++) {
                    double value = Math.rint(bytes.getFloat(4 * i));
                    if (!(value >= Short.MIN_VALUE && value <= Short.MAX_VALUE)) {
                        return i;
                    }
                    target[offset + i] = (short) value;
                }
            }
            case DOUBLE -> {
                for (int i = 0; i < count; i++) {
                    double value = Math.rint(bytes.getDouble(8 * i));
                    if (!(value >= Short.MIN_VALUE && value <= Short.MAX_VALUE)) {
                        return i;
                    }
                    target[offset + i] = (short) value;
                }
            }
        }
        return -1;
    }

    /** As headers have it: {@code MET_SHORT}. */
    @Override
    public String toString() {
        return PREFIX + name();
    }
}
