package io.fedlearn.examples.conformance;

/**
 * A row of the suite's table.
 *
 * @param claim what is known, and the rule of the verdict
 * @param ours what was measured here, or why nothing was
 * @param verdict whether it holds
 */
record Row(Claim claim, String ours, Verdict verdict) {}
