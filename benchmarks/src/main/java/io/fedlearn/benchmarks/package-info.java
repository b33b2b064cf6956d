/** Micro-benchmarks and whole-run benchmarks. */
package io.fedlearn.benchmarks;
