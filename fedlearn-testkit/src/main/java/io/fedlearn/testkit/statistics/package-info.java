/**
 * Assertions about random numbers that fail by chance only as often as one says:
 * {@link io.fedlearn.testkit.statistics.StatisticalAssertions}.
 */
package io.fedlearn.testkit.statistics;
