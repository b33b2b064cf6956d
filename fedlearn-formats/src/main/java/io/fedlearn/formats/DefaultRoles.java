package io.fedlearn.formats;

import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorType;

/**
 * The role of a tensor whose file or message names none: floating-point types are {@link TensorRole#TRAINABLE},
 * integers are {@link TensorRole#COUNTER}s, and {@link TensorType#BOOL}, which can be neither, is a
 * {@link TensorRole#BUFFER}.
 *
 * <p>The rule cannot tell batch-norm statistics from weights: a model that has both must be given its roles by whoever
 * knows them.
 */
public final class DefaultRoles {
    private DefaultRoles() {}

    /** The role of a tensor of this type. */
    public static TensorRole of(TensorType type) {
        if (type.isFloating()) {
            return TensorRole.TRAINABLE;
        }
        return type.isInteger() ? TensorRole.COUNTER : TensorRole.BUFFER;
    }
}
