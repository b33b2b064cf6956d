package io.fedlearn.pg.registry;

import io.fedlearn.core.FedLearnException;

/** Thrown when the registry has no such model or version, or what it has is damaged; the message names it. */
public final class RegistryException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    RegistryException(String message) {
        super(message);
    }

    RegistryException(String message, Throwable cause) {
        super(message, cause);
    }
}
