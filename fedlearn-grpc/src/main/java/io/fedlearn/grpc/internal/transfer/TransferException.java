package io.fedlearn.grpc.internal.transfer;

import io.fedlearn.core.FedLearnException;

/** Thrown when a model cannot be brought to the other side by trying again; the message says what and why. */
public final class TransferException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    /** What went wrong, for programs. */
    public enum Reason {
        /** The server has no open task any more that names the model. */
        GONE,
        /** The values were damaged time and again. */
        CORRUPT,
        /** The model does not fit in here. */
        TOO_LARGE,
        /** The peer does not do what the wire contract says. */
        PROTOCOL
    }

    private final Reason reason;

    TransferException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    TransferException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    /** What went wrong, for programs. */
    public Reason reason() {
        return reason;
    }
}
