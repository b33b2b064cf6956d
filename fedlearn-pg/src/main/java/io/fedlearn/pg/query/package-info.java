/**
 * Private queries over tables in PostgreSQL: {@link io.fedlearn.pg.query.PgPrivateQueries}, over a
 * {@link io.fedlearn.pg.query.PgQuerySource}.
 */
@Experimental
@NullMarked
package io.fedlearn.pg.query;

import io.fedlearn.core.Experimental;
import org.jspecify.annotations.NullMarked;
