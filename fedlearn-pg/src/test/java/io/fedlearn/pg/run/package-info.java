/** Tests of runs in PostgreSQL. */
@NullMarked
package io.fedlearn.pg.run;

import org.jspecify.annotations.NullMarked;
