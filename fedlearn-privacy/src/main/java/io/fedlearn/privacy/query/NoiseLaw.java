package io.fedlearn.privacy.query;

import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.NoiseSource;

/** The noise on one whole number, in its units. */
interface NoiseLaw {
    /** Noise, drawn afresh. */
    long draw(NoiseSource source);

    /** Around what noise lies. */
    double mean();

    /** How far noise strays. */
    double standardDeviation();

    /** By how much noise is off its mean, more than which it is with at most this probability. */
    double tail(double probability);

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
