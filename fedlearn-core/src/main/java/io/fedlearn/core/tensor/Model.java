package io.fedlearn.core.tensor;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * An ordered list of named tensors, each with a role. Immutable and thread-safe.
 *
 * <p><b>Digest.</b> {@link #digest()} is SHA-256, in lower-case hexadecimal, over this canonical encoding: the ASCII bytes
 * {@code fedlearn-model-1}; then for each tensor in order the length of its UTF-8 name (int32), the name, the
 * {@linkplain TensorType#code() type code} (one byte), the {@linkplain TensorRole#code() role code} (one byte), the rank (one
 * byte), each length (int64), and the values. Every number is little-endian. It is the same wherever it is computed.
 */
public final class Model {
    private static final int DIGEST_BLOCK = 1 << 16;

    private final ModelSpec spec;
    private final List<Tensor> tensors;
    private volatile Optional<String> digest = Optional.empty();

    private Model(ModelSpec spec, List<Tensor> tensors) {
        this.spec = spec;
        this.tensors = tensors;
    }

    /** A builder without tensors. */
    public static Builder builder() {
        return new Builder();
    }

    /** A model without tensors. */
    public static Model empty() {
        return builder().build();
    }

    /**
     * A model of this specification.
     *
     * @throws IllegalArgumentException if the number of tensors, a type or a shape differs from the specification
     */
    public static Model of(ModelSpec spec, List<Tensor> tensors) {
        if (spec.size() != tensors.size()) {
            throw new IllegalArgumentException(
                    "the specification has " + spec.size() + " tensors, got " + tensors.size());
        }
        for (int i = 0; i < tensors.size(); i++) {
            TensorSpec expected = spec.tensors().get(i);
            Tensor tensor = tensors.get(i);
            if (tensor.type() != expected.type() || !tensor.shape().equals(expected.shape())) {
                throw new IllegalArgumentException("tensor '" + expected.name() + "' must be " + expected.type() + " "
                        + expected.shape() + ", was " + tensor);
            }
        }
        return new Model(spec, List.copyOf(tensors));
    }

    /** A model of this specification whose values are all 0. */
    public static Model zeros(ModelSpec spec) {
        return of(
                spec,
                spec.tensors().stream()
                        .map(tensor -> Tensor.zeros(tensor.type(), tensor.shape()))
                        .toList());
    }

    /** Names, types, shapes and roles. */
    public ModelSpec spec() {
        return spec;
    }

    /** The tensors in order. */
    public List<Tensor> tensors() {
        return tensors;
    }

    /**
     * The tensor of this name.
     *
     * @throws IllegalArgumentException if there is none
     */
    public Tensor tensor(String name) {
        int index = spec.indexOf(name);
        if (index < 0) {
            throw new IllegalArgumentException("the model has no tensor '" + name + "'");
        }
        return tensors.get(index);
    }

    /** The tensor of this name, if there is one. */
    public Optional<Tensor> find(String name) {
        int index = spec.indexOf(name);
        return index < 0 ? Optional.empty() : Optional.of(tensors.get(index));
    }

    /** The number of elements of all tensors together. */
    public long parameterCount() {
        return spec.parameterCount();
    }

    /** The number of bytes of all values together. */
    public long byteCount() {
        return spec.byteCount();
    }

    /** The trainable parameters in one flat array, tensor after tensor in order, each row-major; other types are narrowed. */
    public float[] trainablesToFloatArray() {
        float[] flat = new float[Math.toIntExact(spec.trainableCount())];
        int at = 0;
        for (int i = 0; i < tensors.size(); i++) {
            if (spec.tensors().get(i).role() == TensorRole.TRAINABLE) {
                int count = Math.toIntExact(tensors.get(i).elementCount());
                tensors.get(i).copyTo(0, flat, at, count);
                at += count;
            }
        }
        return flat;
    }

    /** The bytes of Java heap that the values keep alive. */
    public long heapBytes() {
        return tensors.stream().mapToLong(Tensor::heapBytes).sum();
    }

    /** SHA-256 over the canonical encoding, as the class says. Computed at the first call, at about 1 GB/s. */
    public String digest() {
        if (digest.isEmpty()) {
            digest = Optional.of(computeDigest());
        }
        return digest.orElseThrow();
    }

    private String computeDigest() {
        ModelDigest computed = ModelDigest.of(spec);
        ByteBuffer buffer = ByteBuffer.allocate(DIGEST_BLOCK);
        for (Tensor tensor : tensors) {
            for (long done = 0; done < tensor.elementCount(); ) {
                done += tensor.encodeTo(done, buffer.clear());
                computed.update(buffer.flip());
            }
        }
        return computed.finish();
    }

    /** Two models are equal when their specifications and every bit of their values are. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Model && spec.equals(((Model) other).spec) && tensors.equals(((Model) other).tensors);
    }

    @Override
    public int hashCode() {
        return 31 * spec.hashCode() + tensors.hashCode();
    }

    /** The number of tensors and of parameters; never values. */
    @Override
    public String toString() {
        return "model of " + spec.size() + " tensors, " + spec.parameterCount() + " parameters";
    }

    /** Collects the tensors of a model in order. Not thread-safe. */
    public static final class Builder {
        private final List<TensorSpec> specs = new ArrayList<>();
        private final List<Tensor> tensors = new ArrayList<>();

        private Builder() {}

        /** Adds a tensor that is learned. */
        public Builder trainable(String name, Tensor tensor) {
            return add(name, tensor, TensorRole.TRAINABLE);
        }

        /** Adds a tensor that is carried along. */
        public Builder buffer(String name, Tensor tensor) {
            return add(name, tensor, TensorRole.BUFFER);
        }

        /** Adds a tensor of whole numbers. */
        public Builder counter(String name, Tensor tensor) {
            return add(name, tensor, TensorRole.COUNTER);
        }

        /** Adds a tensor. */
        public Builder add(String name, Tensor tensor, TensorRole role) {
            specs.add(new TensorSpec(name, tensor.type(), tensor.shape(), role));
            tensors.add(tensor);
            return this;
        }

        /**
         * The model.
         *
         * @throws IllegalArgumentException if two tensors have the same name
         */
        public Model build() {
            return new Model(ModelSpec.of(specs), List.copyOf(tensors));
        }
    }
}
