package io.fedlearn.privacy.query;

import io.fedlearn.core.budget.PrivacyCharge;
import java.util.Objects;
import java.util.Optional;

/**
 * What became of a query: for an audit log. There is no answer in it, only the question and what it cost.
 *
 * @param query that was asked
 * @param outcome what became of it
 * @param charge that was debited, or may have been; empty if it was refused
 * @param failure why it was refused or failed; empty if it was answered. That of a source may hold data
 */
public record QueryRecord(
        PrivateQuery query, Outcome outcome, Optional<PrivacyCharge> charge, Optional<Throwable> failure) {
    /** Validates that everything is there. */
    public QueryRecord {
        Objects.requireNonNull(query, "query");
        Objects.requireNonNull(outcome, "outcome");
        Objects.requireNonNull(charge, "charge");
        Objects.requireNonNull(failure, "failure");
    }

    /** What became of a query. */
    public enum Outcome {
        /** Debited and answered. */
        ANSWERED,
        /** Neither debited nor answered: the query does not fit the source, or the budget. */
        REFUSED,
        /** Debited, or perhaps so where the ledger itself failed, and not answered. */
        FAILED
    }
}
