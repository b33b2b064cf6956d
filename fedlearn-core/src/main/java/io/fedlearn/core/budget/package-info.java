/**
 * Privacy budgets as the round loop sees them, {@link io.fedlearn.core.budget.PrivacyBudget}, and the record that is kept under
 * them, {@link io.fedlearn.core.budget.PrivacyLedger}.
 */
package io.fedlearn.core.budget;
