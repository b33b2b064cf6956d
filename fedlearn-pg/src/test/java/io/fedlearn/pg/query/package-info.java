/** Private queries over a real PostgreSQL. */
@NullMarked
package io.fedlearn.pg.query;

import org.jspecify.annotations.NullMarked;
