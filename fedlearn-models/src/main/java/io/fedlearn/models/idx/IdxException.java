package io.fedlearn.models.idx;

import io.fedlearn.core.FedLearnException;
import java.nio.file.Path;

/** Thrown when a file is not the idx file that was expected. The message names file and problem. */
public final class IdxException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final String file;

    IdxException(Path file, String what) {
        super(file + ": " + what);
        this.file = file.toString();
    }

    IdxException(Path file, String what, Throwable cause) {
        super(file + ": " + what, cause);
        this.file = file.toString();
    }

    /** The file. */
    public Path file() {
        return Path.of(file);
    }
}
