package io.fedlearn.aggregators.robust;

import io.fedlearn.core.FedLearnException;

/** Thrown when the server's own training failed or was interrupted: without it no update can be judged, so the run ends. */
public final class RootUpdateException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    RootUpdateException(String message, Exception cause) {
        super(message, cause);
    }
}
