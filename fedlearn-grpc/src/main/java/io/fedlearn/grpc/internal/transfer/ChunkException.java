package io.fedlearn.grpc.internal.transfer;

/** Thrown when a chunk is refused; the message says why. */
final class ChunkException extends Exception {
    private static final long serialVersionUID = 1L;

    /** What is wrong, and so what may follow. */
    enum Kind {
        /** Bytes were damaged on their way: they can be sent again. */
        CORRUPT,
        /** It begins elsewhere than where the values go on: whoever sends it does not know what is here. */
        OUT_OF_PLACE,
        /** It is not what was announced. */
        MALFORMED,
        /** Another call has taken over, or nobody wants the values any more. */
        SUPERSEDED
    }

    private final Kind kind;

    ChunkException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    /** What is wrong; never missing. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }

    Kind kind() {
        return kind;
    }
}
