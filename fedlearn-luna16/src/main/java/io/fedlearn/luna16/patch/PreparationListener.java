package io.fedlearn.luna16.patch;

/** Hears how far the preparation of patches has come. Called from any thread, several at a time if there are several. */
@FunctionalInterface
public interface PreparationListener {
    /**
     * A scan is done, whether it was cut, found in the cache, or failed.
     *
     * @param done how many are done now
     * @param total how many there are
     */
    void scanFinished(int done, int total);
}
