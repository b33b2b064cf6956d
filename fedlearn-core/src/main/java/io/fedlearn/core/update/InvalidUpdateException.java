package io.fedlearn.core.update;

import io.fedlearn.core.FedLearnException;
import java.util.Optional;

/** Thrown when a client's update is malformed; its outcome becomes {@code Rejected}. */
public final class InvalidUpdateException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final String tensor;
    private final String reason;

    private InvalidUpdateException(String tensor, String reason) {
        super(reason);
        this.tensor = tensor;
        this.reason = reason;
    }

    /** Something is wrong with the update as a whole. */
    public static InvalidUpdateException of(String reason) {
        return new InvalidUpdateException("", reason);
    }

    /** Something is wrong with one tensor. */
    public static InvalidUpdateException ofTensor(String tensor, String reason) {
        return new InvalidUpdateException(tensor, reason);
    }

    /** What is wrong, with the tensor's name if it is one. */
    @Override
    public String getMessage() {
        return tensor.isEmpty() ? reason : "tensor '" + tensor + "' " + reason;
    }

    /** The tensor that is malformed, if it is one. */
    public Optional<String> tensor() {
        return tensor.isEmpty() ? Optional.empty() : Optional.of(tensor);
    }

    /** What is wrong, without the tensor's name. */
    public String reason() {
        return reason;
    }
}
