package io.fedlearn.testkit.contract;

import io.fedlearn.testkit.fault.Fault;

/** What implementers do although the types forbid it. */
final class Nothing {
    private Nothing() {}

    /** Answers null. */
    @SuppressWarnings("NullAway") // The point of it.
    static Fault answer() {
        return (task, context, honest) -> null;
    }
}
