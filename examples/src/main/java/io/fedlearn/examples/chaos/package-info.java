/**
 * Federations across processes whose network breaks and whose processes are killed, by seeded schedules, against the same federation
 * left alone. The entry point is {@link io.fedlearn.examples.chaos.ChaosCommand}.
 */
package io.fedlearn.examples.chaos;
