package io.fedlearn.privacy.query;

import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.NoiseSource;

/** The noise on one whole number, in its units. */
interface NoiseLaw {
    /** With which probability an uncertainty may be wrong. */
    double MISS = 0.05;

    /** Noise, drawn afresh. */
    long draw(NoiseSource source);

    /** Around what noise lies. */
    double mean();

    /** How far noise strays. */
    double standardDeviation();

    /**
     * What noise is off its mean by more than with a probability of at most {@link #MISS} over {@code numbers}: of so many
     * numbers, none is off by more with a probability of at least {@code 1 - MISS}.
     *
     * @param numbers 1, 2 or 3
     */
    double tail(int numbers);

    /** What adding it to a number costs, under the relation of persons. */
    PrivacyEvent event();

    /** A number with noise; where it would leave the range, the end of it. */
    default long add(long exact, NoiseSource source) {
        long noise = draw(source);
        long sum = exact + noise;
        boolean overflow = ((exact ^ sum) & (noise ^ sum)) < 0;
        return overflow ? (exact < 0 ? Long.MIN_VALUE : Long.MAX_VALUE) : sum;
    }
}
