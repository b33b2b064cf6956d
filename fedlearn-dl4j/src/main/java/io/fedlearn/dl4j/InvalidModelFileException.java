package io.fedlearn.dl4j;

import io.fedlearn.core.FedLearnException;
import java.nio.file.Path;

/** Thrown when a file is not a model of DL4J, is cut short or damaged, or holds another network than the one wanted. */
public final class InvalidModelFileException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final String file;
    private final String reason;

    InvalidModelFileException(Path file, String reason) {
        super(file + ": " + reason);
        this.file = file.toString();
        this.reason = reason;
    }

    InvalidModelFileException(Path file, String reason, Throwable cause) {
        super(file + ": " + reason, cause);
        this.file = file.toString();
        this.reason = reason;
    }

    /** The file. */
    public Path file() {
        return Path.of(file);
    }

    /** What is wrong with it. */
    public String reason() {
        return reason;
    }
}
