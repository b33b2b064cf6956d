package io.fedlearn.core;

/**
 * The base of every failure that FedLearn reports at run time; mistakes of the caller are {@link IllegalArgumentException}
 * and {@link IllegalStateException} instead. Subtypes carry what went wrong in typed accessors.
 */
public abstract class FedLearnException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Creates a failure with a message that names what and where. */
    protected FedLearnException(String message) {
        super(message);
    }

    /** Creates a failure with a message that names what and where, and what caused it. */
    protected FedLearnException(String message, Throwable cause) {
        super(message, cause);
    }
}
