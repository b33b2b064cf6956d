package io.fedlearn.core.tensor;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * The lengths of a tensor's dimensions, outermost first (row-major). No dimensions means a scalar with one element; a length
 * of 0 means an empty tensor. Immutable.
 */
public final class Shape {
    /** The most dimensions a tensor may have: {@value}. */
    public static final int MAX_RANK = 32;

    private static final Shape SCALAR = new Shape(new long[0], 1);

    private final long[] lengths;
    private final long elementCount;

    private Shape(long[] lengths, long elementCount) {
        this.lengths = lengths;
        this.elementCount = elementCount;
    }

    /**
     * A shape of these lengths.
     *
     * @throws IllegalArgumentException if a length is negative, there are more than {@value #MAX_RANK}, or their product
     *     overflows a {@code long}
     */
    public static Shape of(long... lengths) {
        if (lengths.length == 0) {
            return SCALAR;
        }
        if (lengths.length > MAX_RANK) {
            throw new IllegalArgumentException("rank must be <= " + MAX_RANK + ", was " + lengths.length);
        }
        long count = 1;
        boolean empty = false;
        for (long length : lengths) {
            if (length < 0) {
                throw new IllegalArgumentException("lengths must be >= 0, were " + Arrays.toString(lengths));
            }
            empty |= length == 0;
        }
        if (empty) {
            count = 0;
        } else {
            try {
                for (long length : lengths) {
                    count = Math.multiplyExact(count, length);
                }
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException(
                        "the number of elements must fit a long, lengths were " + Arrays.toString(lengths), e);
            }
        }
        return new Shape(lengths.clone(), count);
    }

    /** The shape of a single value. */
    public static Shape scalar() {
        return SCALAR;
    }

    /** The number of dimensions. */
    public int rank() {
        return lengths.length;
    }

    /** The length of dimension {@code axis}, counted from 0. */
    public long length(int axis) {
        return lengths[axis];
    }

    /** The lengths, outermost first, in an array of the caller's own. */
    public long[] lengths() {
        return lengths.clone();
    }

    /** The product of all lengths: 1 for a scalar. */
    public long elementCount() {
        return elementCount;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape && Arrays.equals(lengths, ((Shape) other).lengths);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(lengths);
    }

    /** The lengths as in {@code 32x48x48}; {@code scalar} if there are none. */
    @Override
    public String toString() {
        return lengths.length == 0
                ? "scalar"
                : Arrays.stream(lengths).mapToObj(Long::toString).collect(Collectors.joining("x"));
    }
}
