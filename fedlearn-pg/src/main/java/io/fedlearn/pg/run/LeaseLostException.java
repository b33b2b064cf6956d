package io.fedlearn.pg.run;

import io.fedlearn.core.FedLearnException;

/**
 * Thrown when a coordinator that led a run would save something after another has taken its place. Nothing of it was saved; the store is
 * of no more use but to be closed.
 */
public final class LeaseLostException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final String runId;
    private final String holder;
    private final long term;

    LeaseLostException(String runId, String holder, long term, String successor) {
        super("run '" + runId + "' is no longer led by '" + holder + "' in term " + term + ": now by " + successor);
        this.runId = runId;
        this.holder = holder;
        this.term = term;
    }

    /** The run. */
    public String runId() {
        return runId;
    }

    /** Who led it. */
    public String holder() {
        return holder;
    }

    /** The term in which it did. */
    public long term() {
        return term;
    }
}
