/** Budgets and ledgers in a real PostgreSQL. */
@NullMarked
package io.fedlearn.pg.budget;

import org.jspecify.annotations.NullMarked;
