package io.fedlearn.core.tensor;

import java.util.Optional;

/**
 * What a tensor is to its model, and so what the server may do with it.
 *
 * <p>Server optimizers act on {@link #TRAINABLE} tensors only; {@link #BUFFER}s are averaged; {@link #COUNTER}s are averaged
 * and rounded to the nearest integer, never turned into fractions.
 */
public enum TensorRole {
    /** Learned by gradient steps: weights and biases. Always a floating-point type. */
    TRAINABLE(1),
    /** Carried along without a gradient: batch-norm statistics, the means and scales of standardised inputs. */
    BUFFER(2),
    /** A whole number, such as the count of batches a batch-norm layer has seen. Always an integer type. */
    COUNTER(3);

    private final int code;

    TensorRole(int code) {
        this.code = code;
    }

    /** The number that stands for this role in the canonical encoding of a model; never reused. */
    public int code() {
        return code;
    }

    /** The role with this {@link #code()}, if there is one. */
    public static Optional<TensorRole> ofCode(int code) {
        for (TensorRole role : values()) {
            if (role.code == code) {
                return Optional.of(role);
            }
        }
        return Optional.empty();
    }
}
