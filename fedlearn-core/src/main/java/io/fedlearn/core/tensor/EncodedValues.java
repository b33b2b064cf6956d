package io.fedlearn.core.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Values as little-endian bytes of any type, wherever they lie; decoded block by block. */
final class EncodedValues extends Values {
    private static final int BLOCK = 8192;

    private final TensorType type;
    private final TensorData data;

    EncodedValues(TensorType type, TensorData data) {
        this.type = type;
        this.data = data;
    }

    /** Bytes on the heap as storage. */
    static final class Heap implements TensorData {
        private final byte[] bytes;

        Heap(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public void read(long byteOffset, ByteBuffer target) {
            target.put(bytes, (int) byteOffset, target.remaining());
        }

        @Override
        public long heapBytes() {
            return bytes.length;
        }
    }

    private interface Sink {
        void accept(ByteBuffer block, int done, int count);
    }

    private void blocks(long from, int count, Sink sink) {
        int size = type.byteSize();
        ByteBuffer buffer = ByteBuffer.allocate(Math.min(count, BLOCK) * size).order(ByteOrder.LITTLE_ENDIAN);
        int length;
        for (int done = 0; done < count; done += length) {
            length = Math.min(BLOCK, count - done);
            buffer.clear().limit(length * size);
            data.read((from + done) * size, buffer);
            sink.accept(buffer.flip(), done, length);
        }
    }

    @Override
    void copyTo(long from, double[] target, int at, int count) {
        blocks(from, count, (block, done, length) -> decode(block, target, at + done, length));
    }

    private void decode(ByteBuffer block, double[] target, int at, int length) {
        switch (type) {
            case FLOAT32 -> {
                for (int i = 0; i < length; i++) {
                    target[at + i] = block.getFloat(i << 2);
                }
            }
            case FLOAT64 -> block.asDoubleBuffer().get(target, at, length);
            case FLOAT16 -> {
                for (int i = 0; i < length; i++) {
                    target[at + i] = HalfPrecision.fromFloat16(block.getShort(i << 1));
                }
            }
            case BFLOAT16 -> {
                for (int i = 0; i < length; i++) {
                    target[at + i] = HalfPrecision.fromBfloat16(block.getShort(i << 1));
                }
            }
            default -> {
                for (int i = 0; i < length; i++) {
                    long value = integer(block, i);
                    target[at + i] = type == TensorType.UINT64 && value < 0 ? unsigned(value) : value;
                }
            }
        }
    }

    /** Rounds to nearest, with the lost bit kept sticky. */
    private static double unsigned(long bits) {
        return (double) (bits >>> 1 | bits & 1) * 2.0;
    }

    private long integer(ByteBuffer block, int i) {
        return switch (type) {
            case INT8 -> block.get(i);
            case UINT8, BOOL -> block.get(i) & 0xff;
            case INT16 -> block.getShort(i << 1);
            case UINT16 -> block.getShort(i << 1) & 0xffff;
            case INT32 -> block.getInt(i << 2);
            case UINT32 -> block.getInt(i << 2) & 0xffffffffL;
            case INT64, UINT64 -> block.getLong(i << 3);
            default -> throw new UnsupportedOperationException("floating-point values do not read as integers");
        };
    }

    @Override
    void copyTo(long from, float[] target, int at, int count) {
        if (type == TensorType.FLOAT32) {
            blocks(from, count, (block, done, length) -> block.asFloatBuffer().get(target, at + done, length));
            return;
        }
        double[] scratch = new double[Math.min(count, BLOCK)];
        blocks(from, count, (block, done, length) -> {
            decode(block, scratch, 0, length);
            for (int i = 0; i < length; i++) {
                target[at + done + i] = (float) scratch[i];
            }
        });
    }

    @Override
    void copyTo(long from, long[] target, int at, int count) {
        blocks(from, count, (block, done, length) -> {
            for (int i = 0; i < length; i++) {
                target[at + done + i] = integer(block, i);
            }
        });
    }

    @Override
    void encode(long from, ByteBuffer target, int count) {
        int limit = target.limit();
        target.limit(target.position() + count * type.byteSize());
        data.read(from * type.byteSize(), target);
        target.limit(limit);
    }

    @Override
    void addScaledTo(long from, double[] target, int at, int count, double scale) {
        double[] scratch = new double[Math.min(count, BLOCK)];
        blocks(from, count, (block, done, length) -> {
            decode(block, scratch, 0, length);
            for (int i = 0; i < length; i++) {
                target[at + done + i] += scale * scratch[i];
            }
        });
    }

    @Override
    long firstNonFinite(long from, long count) {
        if (!type.isFloating()) {
            return -1;
        }
        if (type == TensorType.FLOAT32) {
            return firstNonFiniteFloat(from, count);
        }
        double[] scratch = new double[(int) Math.min(count, BLOCK)];
        for (long done = 0; done < count; done += BLOCK) {
            int length = (int) Math.min(BLOCK, count - done);
            copyTo(from + done, scratch, 0, length);
            for (int i = 0; i < length; i++) {
                if (!Double.isFinite(scratch[i])) {
                    return from + done + i;
                }
            }
        }
        return -1;
    }

    // Most models are of this type, and what comes from disk or network is looked at whole: two to three times as fast.
    private long firstNonFiniteFloat(long from, long count) {
        FloatValues scratch = new FloatValues(new float[(int) Math.min(count, BLOCK)]);
        for (long done = 0; done < count; done += BLOCK) {
            int length = (int) Math.min(BLOCK, count - done);
            copyTo(from + done, scratch.array, 0, length);
            long found = scratch.firstNonFinite(0, length);
            if (found >= 0) {
                return from + done + found;
            }
        }
        return -1;
    }

    @Override
    long heapBytes() {
        return data.heapBytes();
    }
}
