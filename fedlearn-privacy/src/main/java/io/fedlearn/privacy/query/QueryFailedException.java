package io.fedlearn.privacy.query;

import io.fedlearn.core.FedLearnException;

/**
 * Thrown when a source failed after its query was debited. Nothing was released; the debit stays, as the failure itself may have
 * told something. The cause goes to the {@link QueryListener} alone: its message may hold data.
 */
public final class QueryFailedException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final String scope;

    /** Reports that a source failed, and with what kind of failure. */
    public QueryFailedException(String scope, String failure) {
        super("the source of '" + scope + "' failed with " + failure + "; nothing was released, the debit stays");
        this.scope = scope;
    }

    /** Whose budget was debited. */
    public String scope() {
        return scope;
    }
}
