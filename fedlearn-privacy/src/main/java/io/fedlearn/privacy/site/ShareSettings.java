package io.fedlearn.privacy.site;

import io.fedlearn.core.task.Config;
import io.fedlearn.privacy.accounting.DistributedNoise;
import io.fedlearn.privacy.internal.GridSampler;
import java.math.BigDecimal;
import java.util.Set;

/**
 * What a client must know to add its share.
 *
 * @param clippingNorm of the model delta
 * @param resolution whole steps to the clipping norm
 * @param beta see {@link NoiseShares.Builder#beta}
 * @param dimension how many numbers are trained
 * @param sigma standard deviation of the share, in steps
 * @param noise what the share is made of
 */
record ShareSettings(
        double clippingNorm, long resolution, double beta, long dimension, double sigma, ShareNoise noise) {
    private static final String CLIPPING_NORM = "clippingNorm";
    private static final String RESOLUTION = "resolution";
    private static final String BETA = "beta";
    private static final String DIMENSION = "dimension";
    private static final String SIGMA = "sigma";
    private static final String NOISE = "noise";
    private static final double MAX_BETA = 0.99;

    ShareSettings {
        if (!(clippingNorm >= 1e-100 && clippingNorm <= 1e100)) {
            throw new IllegalArgumentException(
                    "clippingNorm must be > 0 and finite, between 1e-100 and 1e100, was " + clippingNorm);
        }
        roundedNorm(resolution, beta, dimension);
        if (!(sigma >= GridSampler.MIN_SCALE && sigma <= GridSampler.MAX_SCALE)) {
            throw new IllegalArgumentException(
                    "sigma must be in [" + GridSampler.MIN_SCALE + ", " + GridSampler.MAX_SCALE + "], was " + sigma);
        }
    }

    /**
     * As a task tells them.
     *
     * @throws IllegalArgumentException if a setting is missing, unknown or out of range
     */
    static ShareSettings of(Config config) {
        Set<String> known = Set.of(CLIPPING_NORM, RESOLUTION, BETA, DIMENSION, SIGMA, NOISE);
        if (!known.equals(config.names())) {
            throw new IllegalArgumentException(
                    NoiseShares.NAME + " needs the settings " + known + ", had " + config.names());
        }
        return new ShareSettings(
                config.getDouble(CLIPPING_NORM).orElseThrow(),
                config.getLong(RESOLUTION).orElseThrow(),
                config.getDouble(BETA).orElseThrow(),
                config.getLong(DIMENSION).orElseThrow(),
                config.getDouble(SIGMA).orElseThrow(),
                ShareNoise.parse(config.getString(NOISE).orElseThrow()));
    }

    Config toConfig() {
        return Config.empty()
                .with(CLIPPING_NORM, clippingNorm)
                .with(RESOLUTION, resolution)
                .with(BETA, beta)
                .with(DIMENSION, dimension)
                .with(SIGMA, sigma)
                .with(NOISE, noise.toString());
    }

    /** The most that the norm of a client's whole numbers may be before noise. */
    static double roundedNorm(long resolution, double beta, long dimension) {
        if (resolution < 1 || resolution > NoiseShares.MAX_RESOLUTION) {
            throw new IllegalArgumentException(
                    "resolution must be in [1, " + NoiseShares.MAX_RESOLUTION + "], was " + resolution);
        }
        if (!(beta >= 0 && beta <= MAX_BETA)) {
            throw new IllegalArgumentException("beta must be in [0, " + MAX_BETA + "], was " + beta);
        }
        if (dimension < 1 || dimension > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("trainables must be 1 to 2^31-1, were " + dimension);
        }
        return DistributedNoise.roundedL2Norm(resolution, beta, dimension);
    }

    double roundedNorm() {
        return roundedNorm(resolution, beta, dimension);
    }

    /** The greatest whole square of a norm that is allowed: rounded down, exactly. */
    long squaredLimit() {
        return new BigDecimal(roundedNorm()).pow(2).toBigInteger().longValueExact();
    }

    /** What a step is in the model. */
    double step() {
        return clippingNorm / resolution;
    }
}
