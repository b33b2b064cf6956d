package io.fedlearn.core.federation;

import io.fedlearn.core.FedLearnException;
import java.util.List;

/** Thrown when a run is to be resumed by something that would not go on with it as it was. Nothing has changed. */
public final class ResumeRefusedException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    @SuppressWarnings("serial") // every list that comes here is
    private final List<String> differences;

    ResumeRefusedException(String message, List<String> differences) {
        super(message + ": " + String.join("; ", differences));
        this.differences = List.copyOf(differences);
    }

    /** What is not as it was, a line each. */
    public List<String> differences() {
        return differences;
    }
}
