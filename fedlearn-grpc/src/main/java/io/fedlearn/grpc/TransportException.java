package io.fedlearn.grpc;

import io.fedlearn.core.FedLearnException;

/** Thrown when a server cannot listen, or a client cannot join or stay; the message says where and why. */
public final class TransportException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    /** What went wrong, for programs; numbers are never used again. */
    public enum Reason {
        /** The address cannot be bound, or is not one. */
        ADDRESS(1),
        /** Keys, certificates or tokens cannot be read or do not fit together. */
        SECURITY(2),
        /** The server could not be reached for as long as the client was to try. */
        UNREACHABLE(3),
        /** The server refused the client, and will refuse it again. */
        REFUSED(4),
        /** Another process has joined under the client's id. */
        SUPERSEDED(5),
        /** Client and server have no version of the protocol in common. */
        VERSION(6),
        /** The peer sent what the protocol does not allow. */
        PROTOCOL(7);

        private final int code;

        Reason(int code) {
            this.code = code;
        }

        /** The number that stands for the reason. */
        public int code() {
            return code;
        }
    }

    private final Reason reason;

    /** Reports a failure for this reason. */
    public TransportException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    /** Reports a failure for this reason, with what caused it. */
    public TransportException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    /** What went wrong, for programs. */
    public Reason reason() {
        return reason;
    }
}
