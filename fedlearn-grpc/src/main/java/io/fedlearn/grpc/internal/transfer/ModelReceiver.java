package io.fedlearn.grpc.internal.transfer;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelDigest;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.UpdateSpool;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A model that is being received: its values are decoded into the arrays, or written to the place in a spool, where they stay.
 * Room for a tensor is taken when its first byte is here. Confined to one thread at a time.
 */
final class ModelReceiver {
    /** The most entries of an array on every JVM. */
    static final int MAX_ARRAY = Integer.MAX_VALUE - 8;

    private final ModelSpec spec;
    private final String digest;
    private final Optional<UpdateSpool> spool;
    private final List<Tensor> tensors = new ArrayList<>();
    private final ModelDigest computed;
    private Optional<TensorReceiver> current = Optional.empty();
    private long offset;

    private ModelReceiver(ModelSpec spec, String digest, Optional<UpdateSpool> spool) {
        this.spec = spec;
        this.digest = digest;
        this.spool = spool;
        this.computed = ModelDigest.of(spec);
    }

    /** Receives a model on the heap. */
    static ModelReceiver onHeap(ModelSpec spec, String digest) {
        return new ModelReceiver(spec, digest, Optional.empty());
    }

    /** Receives a model in a spool. */
    static ModelReceiver inSpool(ModelSpec spec, String digest, UpdateSpool spool) {
        return new ModelReceiver(spec, digest, Optional.of(spool));
    }

    /** The name of the first tensor that no array can hold. */
    static Optional<TensorSpec> tooLargeForHeap(ModelSpec spec) {
        for (TensorSpec tensor : spec.tensors()) {
            boolean inElements = isByElement(tensor);
            if ((inElements ? tensor.shape().elementCount() : tensor.byteCount()) > MAX_ARRAY) {
                return Optional.of(tensor);
            }
        }
        return Optional.empty();
    }

    private static boolean isByElement(TensorSpec tensor) {
        return switch (tensor.type()) {
            case FLOAT32, FLOAT64 -> true;
            default -> false;
        };
    }

    /** How many bytes are here. */
    long offset() {
        return offset;
    }

    /** How many are not. */
    long missing() {
        return spec.byteCount() - offset;
    }

    /** Takes the rest of {@code bytes}, which must not be more than is missing. */
    void accept(ByteBuffer bytes) {
        computed.update(bytes.duplicate());
        offset += bytes.remaining();
        while (bytes.hasRemaining()) {
            enterTensor();
            TensorReceiver receiver = current.orElseThrow();
            ByteBuffer part = bytes.duplicate();
            part.limit(part.position() + (int) Math.min(receiver.missing(), bytes.remaining()));
            bytes.position(part.limit());
            receiver.accept(part);
            if (receiver.missing() == 0) {
                tensors.add(receiver.tensor());
                current = Optional.empty();
            }
        }
    }

    private void enterTensor() {
        if (current.isEmpty()) {
            addEmptyTensors();
            TensorSpec next = spec.tensors().get(tensors.size());
            current = Optional.of(
                    spool.isPresent() ? new SpooledTensor(next, spool.get().reserve(next)) : HeapTensor.of(next));
        }
    }

    private void addEmptyTensors() {
        while (tensors.size() < spec.size()
                && spec.tensors().get(tensors.size()).byteCount() == 0) {
            TensorSpec next = spec.tensors().get(tensors.size());
            tensors.add(Tensor.zeros(next.type(), next.shape()));
        }
    }

    /**
     * The model, once nothing is missing. Called once.
     *
     * @throws ChunkException if its digest is not the one announced
     */
    Model finish() throws ChunkException {
        addEmptyTensors();
        String actual = computed.finish();
        if (!actual.equals(digest)) {
            throw new ChunkException(
                    ChunkException.Kind.CORRUPT, "the values have digest " + actual + ", announced was " + digest);
        }
        return Model.of(spec, tensors);
    }

    /** Where the values of one tensor go. */
    private interface TensorReceiver {
        long missing();

        void accept(ByteBuffer bytes);

        Tensor tensor();
    }

    private static final class SpooledTensor implements TensorReceiver {
        private final UpdateSpool.Place place;
        private final long byteCount;
        private long offset;

        SpooledTensor(TensorSpec spec, UpdateSpool.Place place) {
            this.place = place;
            this.byteCount = spec.byteCount();
        }

        @Override
        public long missing() {
            return byteCount - offset;
        }

        @Override
        public void accept(ByteBuffer bytes) {
            int count = bytes.remaining();
            place.write(offset, bytes);
            offset += count;
        }

        @Override
        public Tensor tensor() {
            return place.tensor();
        }
    }

    /** An array of the tensor's elements; an element may come in two pieces. */
    private abstract static class HeapTensor implements TensorReceiver {
        final TensorSpec spec;
        private final int size;
        private final ByteBuffer split;
        private int elements;

        HeapTensor(TensorSpec spec, int size) {
            this.spec = spec;
            this.size = size;
            this.split = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        }

        static HeapTensor of(TensorSpec spec) {
            return switch (spec.type()) {
                case FLOAT32 -> new FloatArray(spec);
                case FLOAT64 -> new DoubleArray(spec);
                default -> new ByteArray(spec);
            };
        }

        /** Decodes so many whole elements. */
        abstract void decode(ByteBuffer littleEndian, int at, int count);

        @Override
        public long missing() {
            return spec.byteCount() - ((long) elements * size + split.position());
        }

        @Override
        public void accept(ByteBuffer bytes) {
            bytes.order(ByteOrder.LITTLE_ENDIAN);
            while (bytes.hasRemaining() && split.position() > 0) {
                takeSplit(bytes);
            }
            int whole = bytes.remaining() / size;
            decode(bytes, elements, whole);
            bytes.position(bytes.position() + whole * size);
            elements += whole;
            while (bytes.hasRemaining()) {
                takeSplit(bytes);
            }
        }

        private void takeSplit(ByteBuffer bytes) {
            split.put(bytes.get());
            if (!split.hasRemaining()) {
                decode(split.flip(), elements++, 1);
                split.clear();
            }
        }
    }

    private static final class FloatArray extends HeapTensor {
        private final float[] array;

        FloatArray(TensorSpec spec) {
            super(spec, Float.BYTES);
            array = new float[(int) spec.shape().elementCount()];
        }

        @Override
        void decode(ByteBuffer littleEndian, int at, int count) {
            littleEndian.asFloatBuffer().get(array, at, count);
        }

        @Override
        public Tensor tensor() {
            return Tensor.wrap(array).reshape(spec.shape());
        }
    }

    private static final class DoubleArray extends HeapTensor {
        private final double[] array;

        DoubleArray(TensorSpec spec) {
            super(spec, Double.BYTES);
            array = new double[(int) spec.shape().elementCount()];
        }

        @Override
        void decode(ByteBuffer littleEndian, int at, int count) {
            littleEndian.asDoubleBuffer().get(array, at, count);
        }

        @Override
        public Tensor tensor() {
            return Tensor.wrap(array).reshape(spec.shape());
        }
    }

    private static final class ByteArray extends HeapTensor {
        private final byte[] array;

        ByteArray(TensorSpec spec) {
            super(spec, 1);
            array = new byte[(int) spec.byteCount()];
        }

        @Override
        void decode(ByteBuffer littleEndian, int at, int count) {
            littleEndian.get(littleEndian.position(), array, at, count);
        }

        @Override
        public Tensor tensor() {
            return Tensor.wrap(spec.type(), spec.shape(), array);
        }
    }
}
