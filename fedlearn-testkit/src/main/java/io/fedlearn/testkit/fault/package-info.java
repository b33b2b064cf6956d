/**
 * Clients that misbehave on purpose, for tests of runs that must survive them: broken sites, and attackers. The entry points
 * are {@link io.fedlearn.testkit.fault.FaultyClient} and {@link io.fedlearn.testkit.fault.ALittleIsEnough}.
 */
package io.fedlearn.testkit.fault;
