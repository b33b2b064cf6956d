/** Training data out of PostgreSQL: {@link io.fedlearn.pg.data.PgDataset} makes examples of a table's or a query's rows. */
@NullMarked
package io.fedlearn.pg.data;

import org.jspecify.annotations.NullMarked;
