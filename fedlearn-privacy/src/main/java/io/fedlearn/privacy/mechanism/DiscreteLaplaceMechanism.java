package io.fedlearn.privacy.mechanism;

import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * The discrete Laplace (geometric) mechanism for whole numbers: adds {@code Y} with {@code P(Y = n)} proportional to
 * {@code exp(-|n| / scale)}, independently to each.
 *
 * <p><b>Guarantee.</b> {@code epsilon = l1Sensitivity / scale}, with delta 0, for a vector of any length; for one number the event is
 * the mechanism itself, which says more. Everything is in whole numbers: no rounding, and every whole number is reachable from every
 * input.
 *
 * <p><b>Relation and norm.</b> {@code l1Sensitivity} is the L1 norm by which the vector moves at most between neighbours of
 * {@code relation}: 1 for a count under add-or-remove-one. The caller vouches for that. Randomness and time as in
 * {@link GaussianMechanism}; numbers beyond ±2^62 are refused.
 *
 * <p><b>Reference.</b> Ghosh, Roughgarden and Sundararajan, "Universally Utility-Maximizing Privacy Mechanisms", STOC 2009. Immutable
 * and thread-safe.
 */
public final class DiscreteLaplaceMechanism {
    private final NeighboringRelation relation;
    private final long l1Sensitivity;
    private final double scale;
    private final GridSampler sampler;

    private DiscreteLaplaceMechanism(NeighboringRelation relation, long l1Sensitivity, double scale) {
        this.relation = relation;
        this.l1Sensitivity = l1Sensitivity;
        this.scale = scale;
        sampler = GridSampler.discreteLaplace(scale);
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
        return new PrivacyEvent.DiscreteLaplace(scale, l1Sensitivity);
    }

    /** What one release of a vector costs. */
    public PrivacyEvent vectorEvent() {
        return new PrivacyEvent.PureLoss(Parameters.up(l1Sensitivity / scale));
    }

    /** Under which relation the sensitivity holds. */
    public NeighboringRelation relation() {
        return relation;
    }

    /** By how much the values move at most between neighbours, in the L1 norm. */
    public long l1Sensitivity() {
        return l1Sensitivity;
    }

    /** The parameter of the noise. */
    public double scale() {
        return scale;
    }

    @Override
    public String toString() {
        return "discrete-laplace(relation=" + relation + ", l1Sensitivity=" + l1Sensitivity + ", scale=" + scale + ")";
    }

    /** Collects settings; all that is missing or wrong is refused by {@link #build()} or where it is set. */
    public static final class Builder {
        private Optional<NeighboringRelation> relation = Optional.empty();
        private OptionalLong l1Sensitivity = OptionalLong.empty();
        private OptionalDouble scale = OptionalDouble.empty();
        private OptionalDouble epsilon = OptionalDouble.empty();

        private Builder() {}

        /** Which data sets are neighbours. */
        public Builder relation(NeighboringRelation neighboringRelation) {
            relation = Optional.of(neighboringRelation);
            return this;
        }

        /** By how much the values move at most between neighbours, in the L1 norm, at least 1. */
        public Builder l1Sensitivity(long sensitivity) {
            l1Sensitivity = OptionalLong.of((long) WholeNumbers.sensitivity("l1Sensitivity", sensitivity));
            return this;
        }

        /** The parameter of the noise, in [2^-10, 2^50]. This, or {@link #epsilon}. */
        public Builder scale(double parameter) {
            scale = OptionalDouble.of(Parameters.positive("scale", parameter));
            epsilon = OptionalDouble.empty();
            return this;
        }

        /** The least noise for one release under this epsilon, {@code > 0}. */
        public Builder epsilon(double loss) {
            epsilon = OptionalDouble.of(Parameters.positive("epsilon", loss));
            scale = OptionalDouble.empty();
            return this;
        }

        /** The mechanism. */
        public DiscreteLaplaceMechanism build() {
            long sensitivity =
                    l1Sensitivity.orElseThrow(() -> new IllegalArgumentException("l1Sensitivity must be set"));
            double parameter = epsilon.isPresent()
                    // More than what vectorEvent() adds.
                    ? sensitivity / epsilon.getAsDouble() * (1 + 0x1p-50)
                    : Parameters.required("scale or epsilon", scale);
            return new DiscreteLaplaceMechanism(Parameters.required(relation), sensitivity, parameter);
        }
    }
}
