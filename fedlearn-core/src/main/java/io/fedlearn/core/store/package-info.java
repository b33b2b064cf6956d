/** Where runs live on: {@link io.fedlearn.core.store.RunStore} and {@link io.fedlearn.core.store.AuditLog}. */
package io.fedlearn.core.store;
