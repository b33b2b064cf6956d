package io.fedlearn.core.tensor;

import java.util.Objects;

/**
 * What a tensor of a model must look like: everything but its values.
 *
 * @param name unique in its model, 1 to {@value #MAX_NAME_LENGTH} characters without control characters
 * @param type the element type
 * @param shape the lengths of the dimensions
 * @param role what the tensor is to its model
 */
public record TensorSpec(String name, TensorType type, Shape shape, TensorRole role) {
    /** The longest name of a tensor: {@value} characters. */
    public static final int MAX_NAME_LENGTH = 512;

    /**
     * Validates the parts against each other.
     *
     * @throws IllegalArgumentException if the name is empty, too long, holds control characters or is not valid Unicode, if a
     *     trainable is not of a floating-point type, a counter not of an integer type, or the size in bytes overflows
     */
    public TensorSpec {
        requireName(name);
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(shape, "shape");
        Objects.requireNonNull(role, "role");
        if (role == TensorRole.TRAINABLE && !type.isFloating()) {
            throw new IllegalArgumentException(
                    "tensor '" + name + "': a trainable must be of a floating-point type, was " + type);
        }
        if (role == TensorRole.COUNTER && !type.isInteger()) {
            throw new IllegalArgumentException(
                    "tensor '" + name + "': a counter must be of an integer type, was " + type);
        }
        if (shape.elementCount() > Long.MAX_VALUE / type.byteSize()) {
            throw new IllegalArgumentException(
                    "tensor '" + name + "': values of " + type + " " + shape + " take more bytes than a long counts");
        }
    }

    /** The number of bytes that the values take. */
    public long byteCount() {
        return shape.elementCount() * type.byteSize();
    }

    private static void requireName(String name) {
        if (name.isEmpty() || name.length() > MAX_NAME_LENGTH) {
            throw new IllegalArgumentException(
                    "a tensor's name must have 1 to " + MAX_NAME_LENGTH + " characters, had " + name.length());
        }
        if (name.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException("a tensor's name must not hold control characters");
        }
        // Half a surrogate pair has no UTF-8: two such names would share a digest, and neither could be written to a
        // file.
        if (name.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
            throw new IllegalArgumentException("a tensor's name must be valid Unicode, had half a surrogate pair");
        }
    }

    @Override
    public String toString() {
        return name + " " + type + " " + shape + " " + role;
    }
}
