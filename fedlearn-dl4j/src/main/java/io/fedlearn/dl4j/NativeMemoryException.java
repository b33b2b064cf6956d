package io.fedlearn.dl4j;

import io.fedlearn.core.FedLearnException;
import java.util.Locale;

/**
 * Thrown when a network needs more memory than the process may use. Its arrays lie outside of the Java heap, so {@code -Xmx}
 * alone does not tell how much that is; the message says how much was in use, what the limit is and how to raise it.
 */
public final class NativeMemoryException extends FedLearnException {
    private static final long serialVersionUID = 1L;
    private static final double MEBIBYTE = 1 << 20;

    private final long processBytes;
    private final long maxProcessBytes;

    NativeMemoryException(String what, long processBytes, long maxProcessBytes, Throwable cause) {
        super(
                String.format(
                        Locale.ROOT,
                        "too little native memory %s: the process takes %.0f MiB of at most %s; raise"
                                + " -Dorg.bytedeco.javacpp.maxphysicalbytes (4 times -Xmx unless set), or use smaller"
                                + " batches (%s)",
                        what,
                        processBytes / MEBIBYTE,
                        maxProcessBytes > 0
                                ? String.format(Locale.ROOT, "%.0f MiB", maxProcessBytes / MEBIBYTE)
                                : "what the machine has",
                        cause.getMessage()),
                cause);
        this.processBytes = processBytes;
        this.maxProcessBytes = maxProcessBytes;
    }

    /** The bytes of memory that the process took when this was thrown, heap and all. */
    public long processBytes() {
        return processBytes;
    }

    /** The most bytes that the process may take, 0 for no limit. */
    public long maxProcessBytes() {
        return maxProcessBytes;
    }
}
