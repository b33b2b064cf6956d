/** Tests against a real PostgreSQL. */
@NullMarked
package io.fedlearn.pg;

import org.jspecify.annotations.NullMarked;
