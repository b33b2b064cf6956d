package io.fedlearn.privacy.mechanism;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.privacy.accounting.AnalyticGaussian;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The Gaussian mechanism for a number, a vector or a whole model: releases
 * <pre>
 *   step * floor(round(x / step) + Z),   Z_i ~ N(0, s^2) independent and continuous,
 *   s = noiseMultiplier * (l2Sensitivity / step + sqrt(d))
 * </pre>
 * for {@code d} values, with a power of two {@code step} of at most 2^-28 of the sensitivity and of the noise (unless the noise
 * multiplier is above 2^20).
 *
 * <p><b>Guarantee.</b> Rounding {@code d} values to the grid moves two data sets' difference by at most {@code sqrt(d)} steps, which
 * the noise makes up for. The floor is taken of the continuous Gaussian mechanism's release on whole numbers and looks at nothing
 * else; so this is a Gaussian mechanism of at least the stated noise multiplier, after post-processing, and everything proven of
 * that holds: {@link #event()} under every accountant, sampling and composition. Floating point touches neither the noise nor the
 * sum; the result is a multiple of {@code step}, rounded to a {@code double} above 2^53 steps and, in a model, to the tensor's type.
 *
 * <p><b>Relation and norm.</b> {@code l2Sensitivity} is the L2 norm by which the whole vector (of all tensors together) moves at
 * most between neighbours of {@code relation}. The caller vouches for that, by clipping for example.
 *
 * <p><b>Randomness</b> is an AES-256-CTR stream keyed from {@link java.security.SecureRandom} at each call. Values that are not finite,
 * or more than 2^62 steps from 0, are refused; being refused is itself not covered by the guarantee, so clip before. The time a
 * call takes is not protected. The argument is in {@code docs/privacy/mechanisms.md}.
 *
 * <p><b>Reference.</b> Calibration: {@link AnalyticGaussian}. Immutable and thread-safe.
 */
public final class GaussianMechanism {
    private static final int GRID_BITS = 28;
    /** Noise of more steps than this is put on a coarser grid. */
    private static final int MAX_NOISE_BITS = 48;

    private final NeighboringRelation relation;
    private final double l2Sensitivity;
    private final double noiseMultiplier;
    private final Optional<Target> target;
    private final Grid grid;
    /** The last one used: a table takes longer to make than a number. */
    private volatile Prepared prepared;

    private record Target(double epsilon, double privacyDelta) {}

    private record Prepared(long dimension, GridNoise noise) {}

    private GaussianMechanism(
            NeighboringRelation relation, double l2Sensitivity, double noiseMultiplier, Optional<Target> target) {
        this.relation = relation;
        this.l2Sensitivity = l2Sensitivity;
        this.noiseMultiplier = noiseMultiplier;
        this.target = target;
        double deviation = Parameters.magnitude("noiseMultiplier times l2Sensitivity", standardDeviation());
        Grid fine = Grid.within(Math.min(l2Sensitivity, deviation), GRID_BITS);
        Grid coarse = Grid.within(deviation, MAX_NOISE_BITS);
        grid = fine.step() > coarse.step() ? fine : coarse;
        prepared = prepare(1);
    }

    private Prepared prepare(long dimension) {
        return new Prepared(dimension, new GridNoise(grid, GridSampler.roundedGaussian(deviationInSteps(dimension))));
    }

    /** The noise on so many values: for the sensitivity, and for what rounding each of them adds to it. */
    double deviationInSteps(long dimension) {
        double sensitivity = Parameters.up(grid.steps(l2Sensitivity) + Parameters.up(Math.sqrt(dimension)));
        return Parameters.up(noiseMultiplier * sensitivity);
    }

    private GridNoise noise(long dimension) {
        Prepared ready = prepared;
        if (ready.dimension() != dimension) {
            ready = prepare(dimension);
            prepared = ready;
        }
        return ready.noise();
    }

    /** A builder with nothing set. */
    public static Builder builder() {
        return new Builder();
    }

    /** A noisy version of one number. */
    public double release(double value) {
        return release(NoiseSource.secure(), value);
    }

    double release(NoiseSource source, double value) {
        return noise(1).release(source, value);
    }

    /** A noisy version of a vector, in an array of its own. */
    public double[] release(double[] values) {
        return release(NoiseSource.secure(), values);
    }

    double[] release(NoiseSource source, double[] values) {
        return noise(GridNoise.requireDimension(values.length)).release(source, values);
    }

    /**
     * A noisy version of a model: every value of every tensor, whatever its role, as one vector. Each is rounded to its tensor's
     * type in the end.
     *
     * @throws IllegalArgumentException if a tensor is not of a floating-point type: it would be released as it is
     */
    public Model release(Model model) {
        return release(NoiseSource.secure(), model);
    }

    Model release(NoiseSource source, Model model) {
        return noise(GridNoise.dimension(model)).release(source, model);
    }

    /** What one release costs, of one number or of many. */
    public PrivacyEvent event() {
        return new PrivacyEvent.Gaussian(noiseMultiplier);
    }

    /** Under which relation the sensitivity holds. */
    public NeighboringRelation relation() {
        return relation;
    }

    /** By how much the values move at most between neighbours, in the L2 norm. */
    public double l2Sensitivity() {
        return l2Sensitivity;
    }

    /** The noise's standard deviation over the sensitivity, at least. */
    public double noiseMultiplier() {
        return noiseMultiplier;
    }

    /** The noise's standard deviation, but for what the grid adds. */
    public double standardDeviation() {
        return noiseMultiplier * l2Sensitivity;
    }

    /** Releases are multiples of this power of two. */
    public double step() {
        return grid.step();
    }

    @Override
    public String toString() {
        return "gaussian(relation=" + relation + ", l2Sensitivity=" + l2Sensitivity + ", noiseMultiplier="
                + noiseMultiplier
                + target.map(t -> ", epsilon=" + t.epsilon() + ", privacyDelta=" + t.privacyDelta())
                        .orElse("")
                + ")";
    }

    /** Collects settings; all that is missing or wrong is refused by {@link #build()} or where it is set. */
    public static final class Builder {
        private Optional<NeighboringRelation> relation = Optional.empty();
        private OptionalDouble l2Sensitivity = OptionalDouble.empty();
        private OptionalDouble noiseMultiplier = OptionalDouble.empty();
        private Optional<Target> target = Optional.empty();

        private Builder() {}

        /** Which data sets are neighbours. */
        public Builder relation(NeighboringRelation neighboringRelation) {
            relation = Optional.of(neighboringRelation);
            return this;
        }

        /** By how much the values move at most between neighbours, in the L2 norm, {@code > 0}. */
        public Builder l2Sensitivity(double sensitivity) {
            l2Sensitivity = OptionalDouble.of(Parameters.magnitude("l2Sensitivity", sensitivity));
            return this;
        }

        /** The noise's standard deviation over the sensitivity, {@code > 0}. This, or {@link #calibrated}. */
        public Builder noiseMultiplier(double multiplier) {
            noiseMultiplier = OptionalDouble.of(Parameters.positive("noiseMultiplier", multiplier));
            target = Optional.empty();
            return this;
        }

        /**
         * The least noise for one release under these.
         *
         * @param epsilon {@code > 0}
         * @param privacyDelta in (0, 1)
         */
        public Builder calibrated(double epsilon, double privacyDelta) {
            Parameters.positive("epsilon", epsilon);
            Parameters.privacyDelta(privacyDelta);
            noiseMultiplier = OptionalDouble.of(AnalyticGaussian.noiseMultiplier(epsilon, privacyDelta));
            target = Optional.of(new Target(epsilon, privacyDelta));
            return this;
        }

        /** The mechanism. */
        public GaussianMechanism build() {
            return new GaussianMechanism(
                    Parameters.required(relation),
                    Parameters.required("l2Sensitivity", l2Sensitivity),
                    Parameters.required("noiseMultiplier, or epsilon and privacyDelta,", noiseMultiplier),
                    target);
        }
    }
}
