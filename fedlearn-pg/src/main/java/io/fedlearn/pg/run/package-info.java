/** Runs in PostgreSQL: their models, rounds and state, and who leads them. */
@NullMarked
package io.fedlearn.pg.run;

import org.jspecify.annotations.NullMarked;
