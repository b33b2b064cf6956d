/**
 * Seeded models, updates and examples for tests. The entry points are {@link io.fedlearn.testkit.generator.ModelGenerator} and
 * {@link io.fedlearn.testkit.generator.SyntheticExamples}.
 */
package io.fedlearn.testkit.generator;
