/**
 * The audit log's records as every store writes them, a file as well as a database:
 * {@link io.fedlearn.formats.audit.AuditRecord}.
 */
package io.fedlearn.formats.audit;
