/** An audit log in PostgreSQL: {@link io.fedlearn.pg.audit.PgAuditLog}. */
@NullMarked
package io.fedlearn.pg.audit;

import org.jspecify.annotations.NullMarked;
