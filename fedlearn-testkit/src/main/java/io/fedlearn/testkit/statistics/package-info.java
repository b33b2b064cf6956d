/**
 * Assertions about random numbers that fail by chance only as often as one says:
 * {@link io.fedlearn.testkit.statistics.StatisticalAssertions}, and {@link io.fedlearn.testkit.statistics.PrivacyAssertions} for
 * differential privacy.
 */
package io.fedlearn.testkit.statistics;
