package io.fedlearn.grpc.flower;

/** Thrown when a message of Flower's protocol does not hold what it must; the message names the part and the reason. */
final class FlowerException extends Exception {
    private static final long serialVersionUID = 1L;

    FlowerException(String message) {
        super(message);
    }

    FlowerException(String message, Throwable cause) {
        super(message, cause);
    }
}
