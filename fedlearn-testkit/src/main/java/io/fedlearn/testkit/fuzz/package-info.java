/** Hostile input for decoders. The entry point is {@link io.fedlearn.testkit.fuzz.DecoderFuzz}. */
package io.fedlearn.testkit.fuzz;
