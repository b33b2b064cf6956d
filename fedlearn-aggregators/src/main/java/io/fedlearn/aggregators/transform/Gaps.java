package io.fedlearn.aggregators.transform;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;

/**
 * Rising places in a tensor as how many places lie between each and the one before it, and between the last and the tensor's end, in
 * the shortest unsigned type that all of them fit in. Written so, places cannot come twice or out of order. Confined to one thread.
 */
final class Gaps {
    private static final int BLOCK = OutgoingDelta.BLOCK;
    private static final long MAX_UINT8 = 0xff;
    private static final long MAX_UINT16 = 0xffff;

    private final Tensor gaps;
    private final long[] block = new long[BLOCK];
    private final long[] places = new long[BLOCK];
    // Which gaps the block holds.
    private long blockStart;
    private long blockEnd;
    // The gap to be read next, and the place after the last one that was read.
    private long next;
    private long position;

    Gaps(Tensor gaps) {
        this.gaps = gaps;
    }

    /** The gaps of these rising places among so many. */
    static Tensor encode(int[] places, long elements) {
        long[] gaps = new long[places.length + 1];
        long position = 0;
        long largest = 0;
        for (int i = 0; i <= places.length; i++) {
            long place = i < places.length ? places[i] : elements;
            gaps[i] = place - position;
            largest = Math.max(largest, gaps[i]);
            position = place + 1;
        }
        TensorType type =
                largest <= MAX_UINT8 ? TensorType.UINT8 : largest <= MAX_UINT16 ? TensorType.UINT16 : TensorType.UINT32;
        return Tensor.ofIntegers(type, Shape.of(gaps.length), gaps);
    }

    /** Among how many elements the places lie; cannot overflow, because a gap is below 2^32 and so is their number. */
    static long elements(Tensor gaps) {
        long[] block = new long[BLOCK];
        long sum = gaps.elementCount() - 1;
        for (long from = 0; from < gaps.elementCount(); from += BLOCK) {
            int count = (int) Math.min(BLOCK, gaps.elementCount() - from);
            gaps.copyTo(from, block, 0, count);
            for (int i = 0; i < count; i++) {
                sum += block[i];
            }
        }
        return sum;
    }

    /** Moves on over the places below {@code end}, at most a block further than before, and returns how many they are. */
    int before(long end) {
        int count = 0;
        while (next < gaps.elementCount() - 1) {
            if (next == blockEnd) {
                blockStart = next;
                blockEnd = Math.min(next + BLOCK, gaps.elementCount() - 1);
                gaps.copyTo(blockStart, block, 0, (int) (blockEnd - blockStart));
            }
            long place = position + block[(int) (next - blockStart)];
            if (place >= end) {
                break;
            }
            places[count++] = place;
            position = place + 1;
            next++;
        }
        return count;
    }

    /** One of the places that were moved over last. */
    long place(int i) {
        return places[i];
    }
}
