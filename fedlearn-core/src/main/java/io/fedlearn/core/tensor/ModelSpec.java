package io.fedlearn.core.tensor;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The names, types, shapes and roles of a model's tensors, in order. Immutable. */
public final class ModelSpec {
    private final List<TensorSpec> tensors;
    private final Map<String, Integer> indexes;
    private final long parameterCount;
    private final long byteCount;

    private ModelSpec(List<TensorSpec> tensors) {
        this.tensors = List.copyOf(tensors);
        this.indexes = new HashMap<>();
        long parameters = 0;
        long bytes = 0;
        for (TensorSpec tensor : this.tensors) {
            if (indexes.put(tensor.name(), indexes.size()) != null) {
                throw new IllegalArgumentException("two tensors are named '" + tensor.name() + "'");
            }
            if (tensor.byteCount() > Long.MAX_VALUE - bytes) {
                throw new IllegalArgumentException("the tensors together take more bytes than a long counts");
            }
            parameters += tensor.shape().elementCount();
            bytes += tensor.byteCount();
        }
        this.parameterCount = parameters;
        this.byteCount = bytes;
    }

    /**
     * A specification of these tensors.
     *
     * @throws IllegalArgumentException if two of them have the same name, or their size in bytes overflows
     */
    public static ModelSpec of(List<TensorSpec> tensors) {
        return new ModelSpec(tensors);
    }

    /** The tensors in order. */
    public List<TensorSpec> tensors() {
        return tensors;
    }

    /** The tensor of this name, if there is one. */
    public Optional<TensorSpec> tensor(String name) {
        return Optional.ofNullable(indexes.get(name)).map(tensors::get);
    }

    /** The place of the tensor of this name, counted from 0, or -1. */
    public int indexOf(String name) {
        return indexes.getOrDefault(name, -1);
    }

    /** The number of tensors. */
    public int size() {
        return tensors.size();
    }

    /** The number of elements in all tensors together. */
    public long parameterCount() {
        return parameterCount;
    }

    /** The number of elements in the trainable tensors together. */
    public long trainableCount() {
        return tensors.stream()
                .filter(tensor -> tensor.role() == TensorRole.TRAINABLE)
                .mapToLong(tensor -> tensor.shape().elementCount())
                .sum();
    }

    /** The number of bytes of all values together. */
    public long byteCount() {
        return byteCount;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ModelSpec && tensors.equals(((ModelSpec) other).tensors);
    }

    @Override
    public int hashCode() {
        return tensors.hashCode();
    }

    @Override
    public String toString() {
        return tensors.toString();
    }
}
