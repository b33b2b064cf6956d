package io.fedlearn.testkit.fault;

/** Fills a stack. */
final class Recursion {
    private Recursion() {}

    /** Never returns normally. */
    @SuppressWarnings("InfiniteRecursion") // The point of it.
    static long depth(long soFar) {
        return 1 + depth(soFar + 1);
    }
}
