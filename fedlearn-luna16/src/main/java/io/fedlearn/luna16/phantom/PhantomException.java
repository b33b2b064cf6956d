package io.fedlearn.luna16.phantom;

import io.fedlearn.core.FedLearnException;
import java.nio.file.Path;

/** A folder cannot hold a generated data set. The message names the folder and the reason. */
public final class PhantomException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    /** Why a folder cannot hold a generated data set. */
    public enum Problem {
        /** The folder holds something that was not generated. */
        OTHER_CONTENT,
        /** The folder holds a generated data set of other settings. */
        OTHER_SETTINGS,
        /** The folder cannot be read or written: there is no room, or no permission. */
        NOT_WRITABLE
    }

    private final Problem problem;
    private final String folder;
    private final String reason;

    /** Reports why a folder cannot hold the data set. */
    PhantomException(Problem problem, Path folder, String reason) {
        super(folder + ": " + reason);
        this.problem = problem;
        this.folder = folder.toString();
        this.reason = reason;
    }

    /** Reports that a folder cannot be written, and what showed it. */
    PhantomException(Path folder, String reason, Throwable cause) {
        super(folder + ": " + reason, cause);
        this.problem = Problem.NOT_WRITABLE;
        this.folder = folder.toString();
        this.reason = reason;
    }

    /** The kind of problem. */
    public Problem problem() {
        return problem;
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
