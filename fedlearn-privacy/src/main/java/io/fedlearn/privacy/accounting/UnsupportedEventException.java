package io.fedlearn.privacy.accounting;

import io.fedlearn.core.FedLearnException;

/** Thrown by an accountant that has no proven bound for an event under its neighbouring relation. */
public final class UnsupportedEventException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final transient PrivacyEvent event;
    private final NeighboringRelation relation;

    /** Reports an event, and why it cannot be analysed. */
    public UnsupportedEventException(PrivacyEvent event, NeighboringRelation relation, String reason) {
        super(event + " cannot be analysed under " + relation + ": " + reason);
        this.event = event;
        this.relation = relation;
    }

    /** What cannot be analysed. */
    public PrivacyEvent event() {
        return event;
    }

    /** For which relation. */
    public NeighboringRelation relation() {
        return relation;
    }
}
