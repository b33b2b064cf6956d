package io.fedlearn.privacy.mechanism;

import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The discrete Gaussian mechanism for whole numbers: adds {@code Y} with {@code P(Y = n)} proportional to
 * {@code exp(-n^2 / (2 sigma^2))}, independently to each.
 *
 * <p><b>Guarantee.</b> {@code rho = l2Sensitivity^2 / (2 sigma^2)} of zero-concentrated differential privacy for a vector of any
 * length; for one number the event is the mechanism itself, which says more. Everything is in whole numbers: no rounding, and every
 * whole number is reachable from every input.
 *
 * <p><b>Relation and norm.</b> {@code l2Sensitivity} is the L2 norm by which the vector moves at most between neighbours of
 * {@code relation}. The caller vouches for that. Randomness and time as in {@link GaussianMechanism}; numbers beyond ±2^62 are refused.
 *
 * <p><b>Reference.</b> Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy", NeurIPS 2020,
 * arXiv:2004.00010. Immutable and thread-safe.
 */
public final class DiscreteGaussianMechanism {
    private final NeighboringRelation relation;
    private final double l2Sensitivity;
    private final double sigma;
    private final GridSampler sampler;

    private DiscreteGaussianMechanism(NeighboringRelation relation, double l2Sensitivity, double sigma) {
        this.relation = relation;
        this.l2Sensitivity = l2Sensitivity;
        this.sigma = sigma;
        sampler = GridSampler.discreteGaussian(sigma);
    }

    /** A builder with nothing set. */
    public static Builder builder() {
        return new Builder();
    }

    /** A noisy version of one number. */
    public long release(long value) {
        return release(NoiseSource.secure(), value);
    }

    long release(NoiseSource source, long value) {
        return WholeNumbers.require(value, 0) + sampler.sample(source);
    }

    /** A noisy version of a vector, in an array of its own. */
    public long[] release(long[] values) {
        return release(NoiseSource.secure(), values);
    }

    long[] release(NoiseSource source, long[] values) {
        return WholeNumbers.release(sampler, source, values);
    }

    /** What one release of one number costs. */
    public PrivacyEvent event() {
        return new PrivacyEvent.DiscreteGaussian(sigma, (long) Math.floor(l2Sensitivity));
    }

    /** What one release of a vector costs. */
    public PrivacyEvent vectorEvent() {
        double ratio = Parameters.up(l2Sensitivity / sigma);
        return new PrivacyEvent.ZeroConcentrated(Parameters.up(0.5 * ratio * ratio));
    }

    /** Under which relation the sensitivity holds. */
    public NeighboringRelation relation() {
        return relation;
    }

    /** By how much the values move at most between neighbours, in the L2 norm. */
    public double l2Sensitivity() {
        return l2Sensitivity;
    }

    /** The parameter of the noise; its standard deviation is a little smaller. */
    public double sigma() {
        return sigma;
    }

    @Override
    public String toString() {
        return "discrete-gaussian(relation=" + relation + ", l2Sensitivity=" + l2Sensitivity + ", sigma=" + sigma + ")";
    }

    /** Collects settings; all that is missing or wrong is refused by {@link #build()} or where it is set. */
    public static final class Builder {
        private Optional<NeighboringRelation> relation = Optional.empty();
        private OptionalDouble l2Sensitivity = OptionalDouble.empty();
        private OptionalDouble sigma = OptionalDouble.empty();
        private OptionalDouble rho = OptionalDouble.empty();

        private Builder() {}

        /** Which data sets are neighbours. */
        public Builder relation(NeighboringRelation neighboringRelation) {
            relation = Optional.of(neighboringRelation);
            return this;
        }

        /** By how much the values move at most between neighbours, in the L2 norm, at least 1. */
        public Builder l2Sensitivity(double sensitivity) {
            l2Sensitivity = OptionalDouble.of(WholeNumbers.sensitivity("l2Sensitivity", sensitivity));
            return this;
        }

        /** The parameter of the noise, in [2^-10, 2^50]. This, or {@link #rho}. */
        public Builder sigma(double parameter) {
            sigma = OptionalDouble.of(Parameters.positive("sigma", parameter));
            rho = OptionalDouble.empty();
            return this;
        }

        /** The least noise for one release under this {@code rho} of zero-concentrated differential privacy, {@code > 0}. */
        public Builder rho(double concentration) {
            rho = OptionalDouble.of(Parameters.positive("rho", concentration));
            sigma = OptionalDouble.empty();
            return this;
        }

        /** The mechanism. */
        public DiscreteGaussianMechanism build() {
            double sensitivity = Parameters.required("l2Sensitivity", l2Sensitivity);
            double parameter = rho.isPresent()
                    // More than what this is rounded by, and what vectorEvent() adds.
                    ? sensitivity / Math.sqrt(2 * rho.getAsDouble()) * (1 + 0x1p-49)
                    : Parameters.required("sigma or rho", sigma);
            return new DiscreteGaussianMechanism(Parameters.required(relation), sensitivity, parameter);
        }
    }
}
