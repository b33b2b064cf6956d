package io.fedlearn.dl4j;

import io.fedlearn.core.FedLearnException;

/** Thrown when ND4J finds nothing to compute with: no native library for this platform lies on the class path, or none loads. */
public final class BackendMissingException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final String platform;

    BackendMissingException(String platform, Throwable cause) {
        super(
                "ND4J has no backend for " + platform + ": put the jar org.nd4j:nd4j-native with the classifier of this"
                        + " platform on the class path, such as " + platform + "-onednn-avx2 (" + root(cause) + ")",
                cause);
        this.platform = platform;
    }

    private static Throwable root(Throwable error) {
        Throwable root = error;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root;
    }

    /** The platform that a backend was looked for, such as {@code linux-x86_64}. */
    public String platform() {
        return platform;
    }
}
