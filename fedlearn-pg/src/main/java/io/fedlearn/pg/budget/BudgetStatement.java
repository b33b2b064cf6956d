package io.fedlearn.pg.budget;

import io.fedlearn.core.budget.PrivacySpent;
import java.util.Objects;

/**
 * What may be spent in a scope, and what is.
 *
 * @param scope whose budget it is
 * @param limit what may be spent
 * @param spent an upper bound on what was spent, by the limit's composition
 * @param entries how many debits that were
 */
public record BudgetStatement(String scope, PrivacyLimit limit, PrivacySpent spent, long entries) {
    /** Validates that all is there. */
    public BudgetStatement {
        Objects.requireNonNull(scope, "scope");
        Objects.requireNonNull(limit, "limit");
        Objects.requireNonNull(spent, "spent");
    }
}
