package io.fedlearn.pg.run;

import io.fedlearn.core.FedLearnException;

/**
 * Thrown when rounds that were saved elsewhere, while the database was unreachable, cannot be copied to it: another coordinator led the
 * run meanwhile. Both stay as they are.
 */
public final class DivergedRunException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final String runId;
    private final int round;

    DivergedRunException(String runId, int round, String message) {
        super(message);
        this.runId = runId;
        this.round = round;
    }

    DivergedRunException(String runId, int round, String message, Throwable cause) {
        super(message, cause);
        this.runId = runId;
        this.round = round;
    }

    /** The run. */
    public String runId() {
        return runId;
    }

    /** The first round that is another here than there, or is only here. */
    public int round() {
        return round;
    }
}
