package io.fedlearn.luna16.patch;

import io.fedlearn.core.FedLearnException;
import java.nio.file.Path;

/**
 * Thrown when a cache of patches cannot be written or read: the disk is full, the folder is not to be written to, a file was
 * damaged after it was prepared. What is wrong with a scan is a {@link ScanFailure} instead. The message names the file.
 */
public final class PatchCacheException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final String path;

    PatchCacheException(Path path, String what) {
        super(path + ": " + what);
        this.path = path.toString();
    }

    PatchCacheException(Path path, String what, Throwable cause) {
        super(path + ": " + what, cause);
        this.path = path.toString();
    }

    /** The cache's folder, or the file in it that is to blame. */
    public Path path() {
        return Path.of(path);
    }
}
