package io.fedlearn.core.budget;

/**
 * Keeps privacy budgets. Rules for implementers, tested by {@code PrivacyBudgetContract}: (1) a debit is durable before
 * {@link #debit} returns; (2) what would overspend is refused and debits nothing; (3) concurrent debits never overspend together;
 * (4) a debit is never undone, not even if what it paid for was not released. Thread-safe.
 */
public interface PrivacyBudget {
    /**
     * Debits the charge.
     *
     * @return what has been spent in the charge's scope, with this charge
     * @throws PrivacyBudgetExceededException if the budget does not allow it; nothing is debited
     * @throws PrivacyLedgerException if the debit cannot be recorded; it may have been all the same, so nothing may be released
     */
    PrivacySpent debit(PrivacyCharge charge);

    /** What has been spent in this scope. */
    PrivacySpent spent(String scope);
}
