/**
 * Seeded randomness with a fixed algorithm, so that a run repeats on any JVM. Not for privacy noise, which must come from a
 * cryptographic source. The entry point is {@link io.fedlearn.core.random.SeededRandom}.
 */
package io.fedlearn.core.random;
