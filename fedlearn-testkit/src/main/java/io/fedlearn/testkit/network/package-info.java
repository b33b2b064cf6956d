/**
 * A network that misbehaves on purpose, for tests of what must survive it. The entry point is
 * {@link io.fedlearn.testkit.network.FaultyProxy}.
 */
package io.fedlearn.testkit.network;
