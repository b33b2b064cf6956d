/**
 * Clients that misbehave on purpose, for tests of runs that must survive them. The entry point is
 * {@link io.fedlearn.testkit.fault.FaultyClient}.
 */
package io.fedlearn.testkit.fault;
