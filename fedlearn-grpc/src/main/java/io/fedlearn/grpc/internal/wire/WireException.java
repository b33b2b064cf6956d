package io.fedlearn.grpc.internal.wire;

/** Thrown when a peer's message is not what the wire contract says; the message names the field and the reason. */
public final class WireException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Reports what is wrong. */
    public WireException(String message) {
        super(message);
    }

    /** Reports what is wrong, as a check below has found it. */
    WireException(String field, IllegalArgumentException cause) {
        super(field + ": " + cause.getMessage(), cause);
    }

    /** What is wrong; never missing. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
