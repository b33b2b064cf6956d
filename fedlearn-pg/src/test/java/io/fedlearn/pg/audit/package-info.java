/** Tests of the audit log against a real PostgreSQL. */
@NullMarked
package io.fedlearn.pg.audit;

import org.jspecify.annotations.NullMarked;
