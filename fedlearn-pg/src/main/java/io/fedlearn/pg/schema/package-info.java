/** The schema that the stores live in: made, checked and granted by {@link io.fedlearn.pg.schema.PgSchema}. */
@NullMarked
package io.fedlearn.pg.schema;

import org.jspecify.annotations.NullMarked;
