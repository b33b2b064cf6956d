/** Tests of training data out of PostgreSQL. */
@NullMarked
package io.fedlearn.pg.data;

import org.jspecify.annotations.NullMarked;
