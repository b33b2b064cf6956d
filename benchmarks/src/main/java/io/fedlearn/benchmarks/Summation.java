package io.fedlearn.benchmarks;

/** A way to add up the updates of clients as they arrive. */
interface Summation {
    /** Forgets what was added. */
    void begin();

    /** Takes in the update of a client. */
    void arrive(int client, Updates updates);

    /** Writes the mean, rounded to float32. */
    void finish(double totalCount, float[] mean);

    /** The mean of a parameter before it is rounded, after {@link #finish}. */
    double mean(int index);

    /** What the sums take for each parameter. */
    int accumulatorBytes();

    /** Bytes that went to disk since {@link #begin}. */
    default long spooledBytes() {
        return 0;
    }
}
