package io.fedlearn.core.store;

import io.fedlearn.core.FedLearnException;

/** Thrown when a run cannot be saved or loaded; the message says where and why. */
public final class RunStoreException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    /** Reports a failure of the store itself. */
    public RunStoreException(String message) {
        super(message);
    }

    /** Reports a failure below the store. */
    public RunStoreException(String message, Throwable cause) {
        super(message, cause);
    }
}
