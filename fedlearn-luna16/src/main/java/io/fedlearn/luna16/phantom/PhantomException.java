package io.fedlearn.luna16.phantom;

import io.fedlearn.core.FedLearnException;
import java.nio.file.Path;

/** A generated data set cannot be written: the folder holds something else, or the disk refuses. */
public final class PhantomException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final String folder;
    private final String reason;

    /** Reports why a folder cannot hold the data set. */
    PhantomException(Path folder, String reason) {
        super(folder + ": " + reason);
        this.folder = folder.toString();
        this.reason = reason;
    }

    /** Reports why a folder cannot hold the data set, and what showed it. */
    PhantomException(Path folder, String reason, Throwable cause) {
        super(folder + ": " + reason, cause);
        this.folder = folder.toString();
        this.reason = reason;
    }

    /** The data set's folder. */
    public Path folder() {
        return Path.of(folder);
    }

    /** What is wrong, without the folder. */
    public String reason() {
        return reason;
    }
}
