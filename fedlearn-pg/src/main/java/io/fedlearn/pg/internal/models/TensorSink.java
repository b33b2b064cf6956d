package io.fedlearn.pg.internal.models;

import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.UpdateSpool;
import java.nio.ByteBuffer;

/** Takes a tensor's values as they come, without keeping them twice. Confined to one thread at a time. */
abstract class TensorSink {
    /** Takes the next values, all that {@code littleEndian} holds. */
    abstract void put(ByteBuffer littleEndian);

    /** The tensor, once all values were taken. */
    abstract Tensor tensor();

    /** To the heap, in the array that tensors of this type are fastest in. */
    static TensorSink onHeap(TensorSpec spec) {
        return switch (spec.type()) {
            case FLOAT32 -> new Floats(spec);
            case FLOAT64 -> new Doubles(spec);
            default -> new Bytes(spec);
        };
    }

    /** To a file. */
    static TensorSink in(UpdateSpool spool, TensorSpec spec) {
        return new Spooled(spool.reserve(spec));
    }

    private static final class Floats extends TensorSink {
        private final TensorSpec spec;
        private final float[] values;
        private int count;

        Floats(TensorSpec spec) {
            this.spec = spec;
            this.values = new float[(int) spec.shape().elementCount()];
        }

        @Override
        void put(ByteBuffer littleEndian) {
            int length = littleEndian.remaining() / Float.BYTES;
            littleEndian.asFloatBuffer().get(values, count, length);
            count += length;
        }

        @Override
        Tensor tensor() {
            return Tensor.wrap(values).reshape(spec.shape());
        }
    }

    private static final class Doubles extends TensorSink {
        private final TensorSpec spec;
        private final double[] values;
        private int count;

        Doubles(TensorSpec spec) {
            this.spec = spec;
            this.values = new double[(int) spec.shape().elementCount()];
        }

        @Override
        void put(ByteBuffer littleEndian) {
            int length = littleEndian.remaining() / Double.BYTES;
            littleEndian.asDoubleBuffer().get(values, count, length);
            count += length;
        }

        @Override
        Tensor tensor() {
            return Tensor.wrap(values).reshape(spec.shape());
        }
    }

    private static final class Bytes extends TensorSink {
        private final TensorSpec spec;
        private final byte[] values;
        private int count;

        Bytes(TensorSpec spec) {
            this.spec = spec;
            this.values = new byte[(int) spec.byteCount()];
        }

        @Override
        void put(ByteBuffer littleEndian) {
            int length = littleEndian.remaining();
            littleEndian.get(values, count, length);
            count += length;
        }

        @Override
        Tensor tensor() {
            return Tensor.wrap(spec.type(), spec.shape(), values);
        }
    }

    private static final class Spooled extends TensorSink {
        private final UpdateSpool.Place place;
        private long count;

        Spooled(UpdateSpool.Place place) {
            this.place = place;
        }

        @Override
        void put(ByteBuffer littleEndian) {
            int length = littleEndian.remaining();
            place.write(count, littleEndian);
            count += length;
        }

        @Override
        Tensor tensor() {
            return place.tensor();
        }
    }
}
