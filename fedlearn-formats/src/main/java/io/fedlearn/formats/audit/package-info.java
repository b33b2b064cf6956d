/**
 * The audit log's records as every store writes them, a file as well as a database:
 * {@link io.fedlearn.formats.audit.AuditRecord}; who signs them, {@link io.fedlearn.formats.audit.AuditSigner}, and whose signatures are
 * taken, {@link io.fedlearn.formats.audit.AuditTrust}.
 */
package io.fedlearn.formats.audit;
