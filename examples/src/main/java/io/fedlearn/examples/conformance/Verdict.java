package io.fedlearn.examples.conformance;

/** How a row of the conformance suite came out. */
enum Verdict {
    /** What was claimed holds. */
    PASS,
    /** What was claimed does not hold. */
    FAIL,
    /** Nothing was measured. */
    SKIPPED
}
