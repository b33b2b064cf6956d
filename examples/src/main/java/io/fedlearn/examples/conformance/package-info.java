/**
 * Whether what is published of the training algorithms holds here too: {@code fedlearn bench conformance}. The entry point is
 * {@link io.fedlearn.examples.conformance.BenchCommand}.
 */
package io.fedlearn.examples.conformance;
