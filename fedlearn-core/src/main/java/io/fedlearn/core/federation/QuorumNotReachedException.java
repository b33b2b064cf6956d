package io.fedlearn.core.federation;

import io.fedlearn.core.FedLearnException;

/** Thrown when a round was aborted and the run does not tolerate it. The round is recorded, the model as it was. */
public final class QuorumNotReachedException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final int round;
    private final int required;
    private final int received;

    QuorumNotReachedException(int round, int required, int received, String reason) {
        super("round " + round + " was aborted: " + reason);
        this.round = round;
        this.required = required;
        this.received = received;
    }

    /** The round that was aborted. */
    public int round() {
        return round;
    }

    /** How many good updates were needed. */
    public int required() {
        return required;
    }

    /** How many there were. */
    public int received() {
        return received;
    }
}
