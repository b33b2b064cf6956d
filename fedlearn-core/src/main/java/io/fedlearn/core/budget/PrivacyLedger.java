package io.fedlearn.core.budget;

/**
 * Keeps privacy budgets. Rules for implementers: (1) a debit is durable before {@link #debit} returns; (2) what would overspend
 * is refused and debits nothing; (3) concurrent debits never overspend together; (4) a debit is never undone. Thread-safe.
 */
public interface PrivacyLedger {
    /**
     * Debits the charge.
     *
     * @return what has been spent in the charge's scope, with this charge
     * @throws PrivacyBudgetExceededException if the budget does not allow it
     */
    PrivacySpent debit(PrivacyCharge charge);

    /** What has been spent in this scope. */
    PrivacySpent spent(String scope);
}
