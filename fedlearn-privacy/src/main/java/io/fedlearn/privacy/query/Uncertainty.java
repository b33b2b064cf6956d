package io.fedlearn.privacy.query;

/**
 * How far the noise may have moved a number: with a probability of at least 95 %, over the noise alone. It is computed from what
 * was released and costs nothing. What it does not cover: values that were clamped, rows that were left out.
 */
public sealed interface Uncertainty {
    /**
     * The exact number is in an interval.
     *
     * @param standardDeviation of the noise; of a mean or a variance, to first order
     * @param low end of the interval
     * @param high end of the interval
     */
    record InValue(double standardDeviation, double low, double high) implements Uncertainty {}

    /**
     * The number is a quantile of the rows whose rank is off by at most so many of them: how far that is in value, only the data
     * could tell.
     *
     * @param rows by which the rank may be off, beyond what the steps of the range allow at best
     */
    record InRank(double rows) implements Uncertainty {}
}
