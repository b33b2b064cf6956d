package io.fedlearn.privacy.mechanism;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The Laplace mechanism for a number, a vector or a whole model: releases
 * <pre>
 *   step * floor(round(x / step) + Z),   P(|Z_i| &gt; z) = exp(-z / b) independent and continuous,
 *   b = noiseMultiplier * (l1Sensitivity / step + d)
 * </pre>
 * for {@code d} values, with a power of two {@code step} of at most {@code 2^-28 / sqrt(d)} of the sensitivity and of the noise (unless
 * the noise multiplier is above 2^20 or so).
 *
 * <p><b>Guarantee.</b> {@code epsilon = 1 / noiseMultiplier}, with delta 0, and {@link #event()} under every accountant. Rounding
 * {@code d} values to the grid moves two data sets' difference by at most {@code d} steps in the L1 norm, which the noise makes up
 * for; the floor is post-processing of the continuous mechanism, as {@link GaussianMechanism} explains. What is said there about
 * the result, randomness, refusals and time holds here too.
 *
 * <p><b>Relation and norm.</b> {@code l1Sensitivity} is the L1 norm by which the whole vector moves at most between neighbours of
 * {@code relation}. The caller vouches for that.
 *
 * <p><b>Reference.</b> Dwork, McSherry, Nissim and Smith, "Calibrating Noise to Sensitivity in Private Data Analysis", TCC 2006.
 * Immutable and thread-safe.
 */
public final class LaplaceMechanism {
    private static final int GRID_BITS = 28;
    /** Noise of more steps than this is put on a coarser grid. */
    private static final int MAX_NOISE_BITS = 48;

    private final NeighboringRelation relation;
    private final double l1Sensitivity;
    private final double noiseMultiplier;
    /** The last one used: a table takes longer to make than a number. */
    private volatile Prepared prepared;

    private record Prepared(long dimension, GridNoise noise) {}

    private LaplaceMechanism(NeighboringRelation relation, double l1Sensitivity, double noiseMultiplier) {
        this.relation = relation;
        this.l1Sensitivity = l1Sensitivity;
        this.noiseMultiplier = noiseMultiplier;
        Parameters.magnitude("noiseMultiplier times l1Sensitivity", scale());
        prepared = prepare(1);
    }

    private Grid grid(long dimension) {
        // So much finer for many values, that what their rounding adds to the sensitivity stays small.
        int bits = GRID_BITS + (Long.SIZE - Long.numberOfLeadingZeros(dimension - 1)) / 2;
        Grid fine = Grid.within(Math.min(l1Sensitivity, scale()), bits);
        Grid coarse = Grid.within(scale(), MAX_NOISE_BITS);
        return fine.step() > coarse.step() ? fine : coarse;
    }

    private Prepared prepare(long dimension) {
        return new Prepared(
                dimension, new GridNoise(grid(dimension), GridSampler.roundedLaplace(scaleInSteps(dimension))));
    }

    /** The noise on so many values: for the sensitivity, and for what rounding each of them adds to it. */
    double scaleInSteps(long dimension) {
        double sensitivity = Parameters.up(grid(dimension).steps(l1Sensitivity) + dimension);
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
        return new PrivacyEvent.Laplace(noiseMultiplier);
    }

    /** Under which relation the sensitivity holds. */
    public NeighboringRelation relation() {
        return relation;
    }

    /** By how much the values move at most between neighbours, in the L1 norm. */
    public double l1Sensitivity() {
        return l1Sensitivity;
    }

    /** The noise's scale over the sensitivity, at least. */
    public double noiseMultiplier() {
        return noiseMultiplier;
    }

    /** The noise's scale, but for what the grid adds; its standard deviation is {@code sqrt(2)} times that. */
    public double scale() {
        return noiseMultiplier * l1Sensitivity;
    }

    /** Releases of {@code dimension} values are multiples of this power of two. */
    public double step(long dimension) {
        return grid(GridNoise.requireDimension(dimension)).step();
    }

    @Override
    public String toString() {
        return "laplace(relation=" + relation + ", l1Sensitivity=" + l1Sensitivity + ", noiseMultiplier="
                + noiseMultiplier + ")";
    }

    /** Collects settings; all that is missing or wrong is refused by {@link #build()} or where it is set. */
    public static final class Builder {
        private Optional<NeighboringRelation> relation = Optional.empty();
        private OptionalDouble l1Sensitivity = OptionalDouble.empty();
        private OptionalDouble noiseMultiplier = OptionalDouble.empty();

        private Builder() {}

        /** Which data sets are neighbours. */
        public Builder relation(NeighboringRelation neighboringRelation) {
            relation = Optional.of(neighboringRelation);
            return this;
        }

        /** By how much the values move at most between neighbours, in the L1 norm, {@code > 0}. */
        public Builder l1Sensitivity(double sensitivity) {
            l1Sensitivity = OptionalDouble.of(Parameters.magnitude("l1Sensitivity", sensitivity));
            return this;
        }

        /** The noise's scale over the sensitivity, {@code > 0}. This, or {@link #epsilon}. */
        public Builder noiseMultiplier(double multiplier) {
            noiseMultiplier = OptionalDouble.of(Parameters.positive("noiseMultiplier", multiplier));
            return this;
        }

        /** The least noise for one release under this epsilon, {@code > 0}. */
        public Builder epsilon(double epsilon) {
            Parameters.positive("epsilon", epsilon);
            return noiseMultiplier(Parameters.up(1 / epsilon));
        }

        /** The mechanism. */
        public LaplaceMechanism build() {
            return new LaplaceMechanism(
                    Parameters.required(relation),
                    Parameters.required("l1Sensitivity", l1Sensitivity),
                    Parameters.required("noiseMultiplier or epsilon", noiseMultiplier));
        }
    }
}
