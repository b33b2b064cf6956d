package io.fedlearn.privacy.site;

import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.privacy.internal.NoiseSource;

/**
 * Poisson sampling of persons from secret bits, at a rate that is a whole number of 2^-53, so that each person's chance is exactly
 * what is accounted for. Immutable.
 */
final class SecretSampling {
    private static final double UNIT = 0x1p-53;

    private final long threshold;

    private SecretSampling(long threshold) {
        this.threshold = threshold;
    }

    /**
     * Sampling at this rate, rounded down.
     *
     * @throws IllegalArgumentException if the rate is not in [2^-53, 1]
     */
    static SecretSampling of(double rate) {
        if (!(rate >= UNIT && rate <= 1)) {
            throw new IllegalArgumentException("samplingRate must be in (0, 1], and at least 2^-53, was " + rate);
        }
        return new SecretSampling((long) (rate / UNIT));
    }

    /** The rate that is used. */
    double rate() {
        return threshold * UNIT;
    }

    /** As many as let each person take part once in expectation, rounded up. */
    long stepsPerEpoch() {
        // By the largest rate that is rounded down to this one, or 0.1 would be 11 steps and not 10.
        return (long) Math.ceil(1 / (rate() + UNIT));
    }

    /** As many as a task with these settings asks for: its epochs, cut short by its limit of steps. */
    long steps(TrainingSettings settings) {
        long epochs = Math.multiplyExact(stepsPerEpoch(), (long) settings.localEpochs());
        return settings.maxSteps() == 0 ? epochs : Math.min(epochs, settings.maxSteps());
    }

    /** Draws a sample of so many persons, in ascending order. */
    int draw(int persons, NoiseSource secret, int[] sample) {
        int count = 0;
        for (int person = 0; person < persons; person++) {
            if (secret.nextLong() >>> 11 < threshold) {
                sample[count++] = person;
            }
        }
        return count;
    }
}
