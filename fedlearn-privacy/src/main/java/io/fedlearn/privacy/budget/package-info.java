/**
 * Privacy budgets as walls: {@link io.fedlearn.privacy.budget.LedgerBudget} debits a
 * {@linkplain io.fedlearn.privacy.budget.PrivacyCharges charge} before a release, and refuses what would overspend.
 */
@Experimental
package io.fedlearn.privacy.budget;

import io.fedlearn.core.Experimental;
