package io.fedlearn.privacy.site;

import io.fedlearn.privacy.accounting.DistributedNoise;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.GridSampler;

/** Which noise shares are made of. */
enum ShareNoise {
    /** Fast at any resolution; the sum is nearly a discrete Gaussian, and the accountant adds what is missing. */
    DISCRETE_GAUSSIAN("discrete-gaussian") {
        @Override
        GridSampler sampler(ShareSettings settings) {
            return GridSampler.discreteGaussian(settings.sigma());
        }

        @Override
        PrivacyEvent event(ShareSettings settings, int shares) {
            double norm = settings.roundedNorm();
            return new PrivacyEvent.DistributedDiscreteGaussian(
                    settings.sigma(),
                    shares,
                    settings.dimension(),
                    DistributedNoise.wholeL1Norm(norm, settings.dimension()),
                    norm);
        }
    },
    /** The sum is Skellam noise again; as slow as its variance is large. */
    SKELLAM("skellam") {
        @Override
        GridSampler sampler(ShareSettings settings) {
            return SkellamSampler.ofHalfVariance(halfVariance(settings));
        }

        @Override
        PrivacyEvent event(ShareSettings settings, int shares) {
            double norm = settings.roundedNorm();
            return new PrivacyEvent.DistributedSkellam(
                    2.0 * halfVariance(settings),
                    shares,
                    DistributedNoise.wholeL1Norm(norm, settings.dimension()),
                    norm);
        }
    };

    private final String text;

    ShareNoise(String text) {
        this.text = text;
    }

    static ShareNoise parse(String text) {
        for (ShareNoise noise : values()) {
            if (noise.text.equals(text)) {
                return noise;
            }
        }
        throw new IllegalArgumentException("noise must be discrete-gaussian or skellam, was '" + text + "'");
    }

    /** Draws one number of one client's share. */
    abstract GridSampler sampler(ShareSettings settings);

    /** What the sum of so many shares releases. */
    abstract PrivacyEvent event(ShareSettings settings, int shares);

    /** Rounded up, to a whole number. */
    private static long halfVariance(ShareSettings settings) {
        return (long) Math.ceil(settings.sigma() * settings.sigma() / 2);
    }

    @Override
    public String toString() {
        return text;
    }
}
