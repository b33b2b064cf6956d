package io.fedlearn.luna16.phantom;

/** Is told how far the making of a data set is. Called by one thread at a time. */
@FunctionalInterface
public interface PhantomProgress {
    /**
     * One more scan is there.
     *
     * @param done how many are, from 1
     * @param total how many there will be
     */
    void scanWritten(int done, int total);

    /** Is told and does nothing. */
    static PhantomProgress none() {
        return (done, total) -> {};
    }
}
