package io.fedlearn.privacy.accounting;

import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * What was released, as an accountant sees it: a mechanism, a mechanism over a sample, or several of them. Events form a tree.
 * Immutable.
 *
 * <p>Sensitivities are those under the relation for which the event is accounted: whoever makes an event knows both.
 *
 * <p>The text of an event ({@link #toString}) is canonical, and {@link #parse} reads it: ledgers hold it.
 */
public sealed interface PrivacyEvent {
    /**
     * The Gaussian mechanism, rounded to a grid or not.
     *
     * @param noiseMultiplier standard deviation of the noise over the L2 sensitivity, {@code > 0}
     */
    record Gaussian(double noiseMultiplier) implements PrivacyEvent {
        /** Validates the range. */
        public Gaussian {
            requirePositive("noiseMultiplier", noiseMultiplier);
        }

        @Override
        public String toString() {
            return "gaussian(noiseMultiplier=" + noiseMultiplier + ")";
        }
    }

    /**
     * The Laplace mechanism, rounded to a grid or not.
     *
     * @param noiseMultiplier scale {@code b} of the noise over the L1 sensitivity, {@code > 0}
     */
    record Laplace(double noiseMultiplier) implements PrivacyEvent {
        /** Validates the range. */
        public Laplace {
            requirePositive("noiseMultiplier", noiseMultiplier);
        }

        @Override
        public String toString() {
            return "laplace(noiseMultiplier=" + noiseMultiplier + ")";
        }
    }

    /**
     * Discrete Gaussian noise on one whole number: {@code P(x)} proportional to {@code exp(-x^2 / (2 sigma^2))}.
     *
     * @param sigma {@code > 0}
     * @param sensitivity by how much the number moves, at least 1
     */
    record DiscreteGaussian(double sigma, long sensitivity) implements PrivacyEvent {
        /** Validates the ranges. */
        public DiscreteGaussian {
            requirePositive("sigma", sigma);
            requireAtLeastOne("sensitivity", sensitivity);
        }

        @Override
        public String toString() {
            return "discrete-gaussian(sigma=" + sigma + ", sensitivity=" + sensitivity + ")";
        }
    }

    /**
     * Discrete Laplace noise on one whole number: {@code P(x)} proportional to {@code exp(-|x| / scale)}.
     *
     * @param scale {@code > 0}
     * @param sensitivity by how much the number moves, at least 1
     */
    record DiscreteLaplace(double scale, long sensitivity) implements PrivacyEvent {
        /** Validates the ranges. */
        public DiscreteLaplace {
            requirePositive("scale", scale);
            requireAtLeastOne("sensitivity", sensitivity);
        }

        @Override
        public String toString() {
            return "discrete-laplace(scale=" + scale + ", sensitivity=" + sensitivity + ")";
        }
    }

    /**
     * Randomised response: with this probability one of the categories, each as likely, else the truth.
     *
     * @param randomProbability in (0, 1]
     * @param categories at least 2
     */
    record RandomizedResponse(double randomProbability, int categories) implements PrivacyEvent {
        /** Validates the ranges. */
        public RandomizedResponse {
            if (!(randomProbability > 0 && randomProbability <= 1)) {
                throw new IllegalArgumentException("randomProbability must be in (0, 1], was " + randomProbability);
            }
            if (categories < 2) {
                throw new IllegalArgumentException("categories must be >= 2, were " + categories);
            }
        }

        @Override
        public String toString() {
            return "randomized-response(randomProbability=" + randomProbability + ", categories=" + categories + ")";
        }
    }

    /**
     * Any mechanism of pure differential privacy, such as the sparse vector technique.
     *
     * @param epsilon {@code > 0}
     */
    record PureLoss(double epsilon) implements PrivacyEvent {
        /** Validates the range. */
        public PureLoss {
            requirePositive("epsilon", epsilon);
        }

        @Override
        public String toString() {
            return "pure(epsilon=" + epsilon + ")";
        }
    }

    /**
     * Any mechanism of zero-concentrated differential privacy.
     *
     * @param rho {@code > 0}
     */
    record ZeroConcentrated(double rho) implements PrivacyEvent {
        /** Validates the range. */
        public ZeroConcentrated {
            requirePositive("rho", rho);
        }

        @Override
        public String toString() {
            return "zero-concentrated(rho=" + rho + ")";
        }
    }

    /**
     * Running sums by a binary tree with Gaussian noise on every node; one tree, without restart.
     *
     * @param noiseMultiplier standard deviation of a node's noise over the L2 sensitivity of one step, {@code > 0}
     * @param steps how many leaves the tree has, at least 1
     * @param maxParticipations in how many steps one unit takes part at most, at least 1
     * @param minSeparation how many steps lie at least between two of them, counted so that neighbouring steps are 1 apart
     */
    record TreeAggregation(double noiseMultiplier, long steps, int maxParticipations, long minSeparation)
            implements PrivacyEvent {
        /** Validates the ranges. */
        public TreeAggregation {
            requirePositive("noiseMultiplier", noiseMultiplier);
            requireAtLeastOne("steps", steps);
            requireAtLeastOne("maxParticipations", maxParticipations);
            requireAtLeastOne("minSeparation", minSeparation);
        }

        @Override
        public String toString() {
            return "tree-aggregation(noiseMultiplier=" + noiseMultiplier + ", steps=" + steps + ", maxParticipations="
                    + maxParticipations + ", minSeparation=" + minSeparation + ")";
        }
    }

    /**
     * The sum of independent discrete Gaussian noise on whole vectors, a share from each client.
     *
     * @param sigma of one client's share, in units of the grid, {@code > 0}
     * @param clients how many shares the sum holds at least, at least 1; more of them are no worse
     * @param dimension of the vector, at least 1
     * @param l1Sensitivity of the rounded sum, in units of the grid, {@code > 0}
     * @param l2Sensitivity of the rounded sum, in units of the grid, {@code > 0}
     * @see DistributedNoise
     */
    record DistributedDiscreteGaussian(
            double sigma, long clients, long dimension, double l1Sensitivity, double l2Sensitivity)
            implements PrivacyEvent {
        /** Validates the ranges. */
        public DistributedDiscreteGaussian {
            requirePositive("sigma", sigma);
            requireAtLeastOne("clients", clients);
            requireAtLeastOne("dimension", dimension);
            requirePositive("l1Sensitivity", l1Sensitivity);
            requirePositive("l2Sensitivity", l2Sensitivity);
        }

        @Override
        public String toString() {
            return "distributed-discrete-gaussian(sigma=" + sigma + ", clients=" + clients + ", dimension=" + dimension
                    + ", l1Sensitivity=" + l1Sensitivity + ", l2Sensitivity=" + l2Sensitivity + ")";
        }
    }

    /**
     * The sum of independent Skellam noise on whole vectors, a share from each client: Skellam noise itself.
     *
     * @param variance of one client's share, in units of the grid squared, {@code > 0}
     * @param clients how many shares the sum holds at least, at least 1; more of them are no worse
     * @param l1Sensitivity of the rounded sum, in units of the grid, {@code > 0}
     * @param l2Sensitivity of the rounded sum, in units of the grid, {@code > 0}
     * @see DistributedNoise
     */
    record DistributedSkellam(double variance, long clients, double l1Sensitivity, double l2Sensitivity)
            implements PrivacyEvent {
        /** Validates the ranges. */
        public DistributedSkellam {
            requirePositive("variance", variance);
            requireAtLeastOne("clients", clients);
            requirePositive("l1Sensitivity", l1Sensitivity);
            requirePositive("l2Sensitivity", l2Sensitivity);
        }

        @Override
        public String toString() {
            return "distributed-skellam(variance=" + variance + ", clients=" + clients + ", l1Sensitivity="
                    + l1Sensitivity + ", l2Sensitivity=" + l2Sensitivity + ")";
        }
    }

    /**
     * A mechanism over a Poisson sample: each unit is in it with this probability, independently, and who is in it is secret.
     *
     * @param rate in (0, 1]
     * @param event of the mechanism
     */
    record PoissonSampled(double rate, PrivacyEvent event) implements PrivacyEvent {
        /** Validates the range. */
        public PoissonSampled {
            if (!(rate > 0 && rate <= 1)) {
                throw new IllegalArgumentException("rate must be in (0, 1], was " + rate);
            }
            Objects.requireNonNull(event, "event");
        }

        @Override
        public String toString() {
            return "poisson-sampled(rate=" + rate + ", " + event + ")";
        }
    }

    /**
     * A mechanism over a sample of fixed size, each as likely, and who is in it is secret.
     *
     * @param populationSize at least 1
     * @param sampleSize in [1, populationSize]
     * @param event of the mechanism
     */
    record SampledWithoutReplacement(long populationSize, long sampleSize, PrivacyEvent event) implements PrivacyEvent {
        /** Validates the ranges. */
        public SampledWithoutReplacement {
            requireAtLeastOne("populationSize", populationSize);
            if (sampleSize < 1 || sampleSize > populationSize) {
                throw new IllegalArgumentException(
                        "sampleSize must be in [1, populationSize = " + populationSize + "], was " + sampleSize);
            }
            Objects.requireNonNull(event, "event");
        }

        @Override
        public String toString() {
            return "sampled-without-replacement(populationSize=" + populationSize + ", sampleSize=" + sampleSize + ", "
                    + event + ")";
        }
    }

    /**
     * The same release many times, each with fresh noise.
     *
     * @param count at least 0
     * @param event of one release
     */
    record Repeated(long count, PrivacyEvent event) implements PrivacyEvent {
        /** Validates the range. */
        public Repeated {
            if (count < 0) {
                throw new IllegalArgumentException("count must be >= 0, was " + count);
            }
            Objects.requireNonNull(event, "event");
        }

        @Override
        public String toString() {
            return "repeated(count=" + count + ", " + event + ")";
        }
    }

    /**
     * Several releases.
     *
     * @param events of them, in order
     */
    record Composed(List<PrivacyEvent> events) implements PrivacyEvent {
        /** Copies the list. */
        public Composed {
            events = List.copyOf(events);
        }

        @Override
        public String toString() {
            return "composed(" + events.stream().map(PrivacyEvent::toString).collect(Collectors.joining(", ")) + ")";
        }
    }

    /**
     * The event of this text, which must be as {@link #toString} writes it; numbers may be written otherwise, such as {@code 1e-3}.
     *
     * @throws IllegalArgumentException if it is not, saying where and what was expected, or is longer than {@value
     *     EventText#MAX_LENGTH} characters or deeper than {@value EventText#MAX_DEPTH} events, or if a number is out of range
     */
    static PrivacyEvent parse(String text) {
        return new EventText(text).parse();
    }

    private static void requirePositive(String name, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be > 0 and finite, was " + value);
        }
    }

    private static void requireAtLeastOne(String name, long value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be >= 1, was " + value);
        }
    }
}
