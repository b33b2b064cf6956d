package io.fedlearn.core.training;

/** Reads a source batch by batch. Confined to one thread at a time. */
public interface BatchReader extends AutoCloseable {
    /**
     * Fills the batch with the next examples, as many as it has room for; the last batch may hold fewer.
     *
     * @return whether there were any (a Poisson-sampled batch may be empty and still count)
     */
    boolean read(Batch batch);

    /** Passes over what {@code batches} calls of {@link #read} with this batch would have read. */
    default void skip(long batches, Batch batch) {
        for (long i = 0; i < batches && read(batch); i++) {
            // What was read is passed over.
        }
    }

    /** Releases what the reader holds. */
    @Override
    void close();
}
