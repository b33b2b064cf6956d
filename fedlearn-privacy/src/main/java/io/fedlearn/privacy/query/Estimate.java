package io.fedlearn.privacy.query;

import java.util.Objects;

/**
 * One number of an answer.
 *
 * @param value with noise, or chosen at random: never exact
 * @param uncertainty how far the noise may have moved it
 */
public record Estimate(double value, Uncertainty uncertainty) {
    /** Validates that both are there. */
    public Estimate {
        Objects.requireNonNull(uncertainty, "uncertainty");
    }
}
