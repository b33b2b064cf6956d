/**
 * The coordinator's side: a federated run from its settings to its result. The entry point is
 * {@link io.fedlearn.core.federation.Federation}.
 */
package io.fedlearn.core.federation;
