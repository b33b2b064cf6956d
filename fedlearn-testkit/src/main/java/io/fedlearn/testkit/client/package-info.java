/**
 * Clients without data, for tests of everything around a client: {@link io.fedlearn.testkit.client.NoOpClient} and
 * {@link io.fedlearn.testkit.client.DriftClient}.
 */
package io.fedlearn.testkit.client;
