package io.fedlearn.luna16.patch;

import io.fedlearn.core.FedLearnException;
import java.nio.file.Path;

/**
 * Thrown when a cache of patches cannot be written or read: the disk is full, the folder is not to be written to, a file was
 * damaged after it was prepared. What is wrong with a scan is a {@link ScanFailure} instead. The message names the file; of one that
 * cannot be read any more, without its folder, because a site's failure is told to others.
 */
public final class PatchCacheException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final String path;

    PatchCacheException(Path path, String what, Throwable cause) {
        this(path, path.toString(), what, cause);
    }

    private PatchCacheException(Path path, String shown, String what, Throwable cause) {
        super(shown + ": " + what, cause);
        this.path = path.toString();
    }

    /** While a client trains or tests, whose failure is told to the coordinator: the folder is the site's own business. */
    static PatchCacheException ofReading(Path file, String what, Throwable cause) {
        return new PatchCacheException(file, String.valueOf(file.getFileName()), what, cause);
    }

    /** The cache's folder, or the file in it that is to blame. */
    public Path path() {
        return Path.of(path);
    }
}
