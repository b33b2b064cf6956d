/**
 * One data set divided among simulated clients, evenly or as unevenly as real sites are, and a client's examples
 * divided into training and test. Everything is seeded, and the parts are the same on every JVM. The entry point is
 * {@link io.fedlearn.core.partition.Partitioner}.
 */
package io.fedlearn.core.partition;
