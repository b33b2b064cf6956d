package io.fedlearn.privacy.mechanism;

import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.CoinSampler;
import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The sparse vector technique: says of one number after another whether it is above a threshold, and pays only for those that are. Of
 * {@code epsilon = epsilon_1 + epsilon_2} with {@code epsilon_2 = (2c)^(2/3) epsilon_1},
 * <pre>
 *   rho  ~ Lap(sensitivity / epsilon_1)          once
 *   nu_i ~ Lap(2 c sensitivity / epsilon_2)      for each question
 *   says that question i is above if  x_i + nu_i &gt;= threshold + rho,  and ends after c that are
 * </pre>
 * Numbers, threshold and sensitivity are on a grid of at most 2^-20 of the sensitivity, which makes up for the rounding, and the noise is
 * discrete Laplace on that grid: the proof is that of the paper with sums in place of integrals.
 *
 * <p><b>Guarantee.</b> {@code epsilon}, with delta 0, for all answers together, however many are "not above". {@link #event()} is to be
 * accounted once, before the first question. The numbers themselves are not released.
 *
 * <p><b>Relation.</b> Every {@code x_i} moves by at most {@code sensitivity} between neighbours of {@code relation}; which question is
 * asked next may depend on the answers so far. The caller vouches for the first. Randomness and refusals as in {@link GaussianMechanism}.
 *
 * <p><b>Reference.</b> Lyu, Su and Li, "Understanding the Sparse Vector Technique for Differential Privacy", PVLDB 10 (2017),
 * arXiv:1603.01699, Algorithm 7 with {@code epsilon_3 = 0}. Of the variants that it lists, those are not private that put no noise on the
 * numbers, or noise that does not grow with {@code c}, that never end, or that release the noisy number. The threshold's noise is not drawn
 * again after an answer.
 *
 * <p>Holds state; confined to one thread at a time.
 */
public final class SparseVector {
    private static final int GRID_BITS = 20;

    private final NeighboringRelation relation;
    private final double sensitivity;
    private final double threshold;
    private final double epsilon;
    private final int maxAbove;
    private final Grid grid;
    private final NoiseSource source;
    private final GridSampler answerNoise;
    private final long noisyThreshold;
    private int above;
    private long asked;

    private SparseVector(Builder builder, NoiseSource source) {
        this.source = source;
        relation = Parameters.required(builder.relation);
        sensitivity = Parameters.required("sensitivity", builder.sensitivity);
        threshold = Parameters.required("threshold", builder.threshold);
        epsilon = Parameters.required("epsilon", builder.epsilon);
        maxAbove = builder.maxAbove;
        grid = Grid.within(sensitivity, GRID_BITS);
        // Whole numbers, of which each is at most half a step away from what it stands for.
        double inSteps = Math.ceil(grid.steps(sensitivity)) + 1;
        double ratio = StrictMath.cbrt(4.0 * maxAbove * maxAbove);
        double first = epsilon / (1 + ratio);
        // The margin is more than what both are rounded by, so that they never sum to more than epsilon.
        double second = (epsilon - first) * (1 - 0x1p-50);
        answerNoise = noise(2.0 * maxAbove * inSteps / second);
        noisyThreshold = grid.round(threshold, 0) + noise(inSteps / first).sample(source);
    }

    private GridSampler noise(double scale) {
        if (!(scale <= GridSampler.MAX_SCALE)) {
            throw new IllegalArgumentException(
                    "epsilon must leave noise that whole numbers of 64 bits can hold, was " + epsilon);
        }
        return CoinSampler.discreteLaplace(Parameters.up(scale));
    }

    /** A builder with nothing set. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Whether a number is above the threshold, give or take the noise.
     *
     * @throws IllegalStateException if {@link #isExhausted()}
     */
    public boolean isAbove(double value) {
        if (isExhausted()) {
            throw new IllegalStateException(
                    "sparse vector has said " + maxAbove + " times that a number is above, and is exhausted");
        }
        boolean answer = grid.round(value, asked++) + answerNoise.sample(source) >= noisyThreshold;
        if (answer) {
            above++;
        }
        return answer;
    }

    /** Whether as many numbers were above as were paid for. */
    public boolean isExhausted() {
        return above == maxAbove;
    }

    /** What all answers cost together. */
    public PrivacyEvent event() {
        return new PrivacyEvent.PureLoss(epsilon);
    }

    /** Under which relation the sensitivity holds. */
    public NeighboringRelation relation() {
        return relation;
    }

    /** The privacy loss of all answers together. */
    public double epsilon() {
        return epsilon;
    }

    @Override
    public String toString() {
        return "sparse-vector(relation=" + relation + ", sensitivity=" + sensitivity + ", threshold=" + threshold
                + ", maxAbove=" + maxAbove + ", epsilon=" + epsilon + ")";
    }

    /** Collects settings; all that is missing or wrong is refused by {@link #build()} or where it is set. */
    public static final class Builder {
        private Optional<NeighboringRelation> relation = Optional.empty();
        private OptionalDouble sensitivity = OptionalDouble.empty();
        private OptionalDouble threshold = OptionalDouble.empty();
        private OptionalDouble epsilon = OptionalDouble.empty();
        private int maxAbove = 1;

        private Builder() {}

        /** Which data sets are neighbours. */
        public Builder relation(NeighboringRelation neighboringRelation) {
            relation = Optional.of(neighboringRelation);
            return this;
        }

        /** By how much any number moves at most between neighbours, {@code > 0}. */
        public Builder sensitivity(double value) {
            sensitivity = OptionalDouble.of(Parameters.magnitude("sensitivity", value));
            return this;
        }

        /** What numbers are compared with; public, finite. */
        public Builder threshold(double value) {
            if (!Double.isFinite(value)) {
                throw new IllegalArgumentException("threshold must be finite, was " + value);
            }
            threshold = OptionalDouble.of(value);
            return this;
        }

        /** The privacy loss of all answers together, {@code > 0}. */
        public Builder epsilon(double value) {
            epsilon = OptionalDouble.of(Parameters.positive("epsilon", value));
            return this;
        }

        /** After how many numbers that are above it ends, at least 1, which it is if not set. */
        public Builder maxAbove(int count) {
            if (count < 1) {
                throw new IllegalArgumentException("maxAbove must be >= 1, was " + count);
            }
            maxAbove = count;
            return this;
        }

        /** The mechanism, with fresh noise on its threshold. */
        public SparseVector build() {
            return build(NoiseSource.secure());
        }

        SparseVector build(NoiseSource source) {
            return new SparseVector(this, source);
        }
    }
}
