/** Audit logs on the command line: {@code fedlearn audit}. */
package io.fedlearn.examples.audit;
