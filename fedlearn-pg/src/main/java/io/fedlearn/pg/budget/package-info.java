/**
 * Privacy budgets in PostgreSQL: what may be spent ({@link io.fedlearn.pg.budget.PgBudgets}) and what was debited
 * ({@link io.fedlearn.pg.budget.PgPrivacyLedger}), guarded by the database itself.
 */
@Experimental
@NullMarked
package io.fedlearn.pg.budget;

import io.fedlearn.core.Experimental;
import org.jspecify.annotations.NullMarked;
