/**
 * A small certificate authority for trials: {@code fedlearn certs}, and {@link io.fedlearn.examples.certs.TrialAuthority} for
 * programs.
 */
package io.fedlearn.examples.certs;
