package io.fedlearn.testkit.fault;

/** Fills a stack. */
final class Recursion {
    private Recursion() {}

    /** Never returns normally. */
    static long depth(long soFar) {
        return 1 + depth(soFar + 1);
    }
}
