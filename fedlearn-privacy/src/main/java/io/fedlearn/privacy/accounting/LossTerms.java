package io.fedlearn.privacy.accounting;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which pairs of distributions dominate an event under a neighbouring relation, and how often: events without their tree. Immutable.
 *
 * <p>Plain Gaussian mechanisms compose to one: noise multipliers {@code z_i} to {@code (sum z_i^-2)^(-1/2)}, exactly, since the worst pair is
 * two Gaussians in one more dimension each. So it is under one sample, where several mechanisms see the same units.
 */
final class LossTerms {
    /** With less noise, continuous mechanisms count as if everybody were in every sample: {@value}. */
    static final double LEAST_SAMPLED_NOISE = 0x1p-8;

    private final NeighboringRelation relation;
    /** By text, so that the order in which events came is forgotten. */
    private final SortedMap<String, Leaf> leaves;

    /** So many releases of a mechanism over a Poisson sample; rate 1 is none. */
    private record Leaf(double rate, PrivacyEvent event, long count) {}

    private LossTerms(NeighboringRelation relation, SortedMap<String, Leaf> leaves) {
        this.relation = relation;
        this.leaves = leaves;
    }

    static LossTerms none(NeighboringRelation relation) {
        return new LossTerms(relation, new TreeMap<>());
    }

    /** These and {@code count} more. */
    LossTerms and(PrivacyEvent event, long count) {
        Analysable.check(event, relation);
        LossTerms sum = new LossTerms(relation, new TreeMap<>(leaves));
        sum.add(event, 1, count);
        return sum;
    }

    private void add(PrivacyEvent event, double rate, long count) {
        if (event instanceof PrivacyEvent.Composed composed) {
            if (rate == 1 || composed.events().size() == 1) {
                composed.events().forEach(part -> add(part, rate, count));
            } else if (!composed.events().isEmpty()) {
                addLeaf(oneGaussian(event), rate, count);
            }
        } else if (event instanceof PrivacyEvent.Repeated repeated) {
            if (rate == 1 || repeated.count() == 1) {
                add(repeated.event(), rate, times(count, repeated.count()));
            } else if (repeated.count() > 0) {
                addLeaf(oneGaussian(event), rate, count);
            }
        } else if (event instanceof PrivacyEvent.PoissonSampled sampled) {
            add(sampled.event(), rate * sampled.rate(), count);
        } else if (event instanceof PrivacyEvent.SampledWithoutReplacement sampled) {
            if (Analysable.samples(sampled)) {
                throw refusal(
                        event,
                        "no pair of distributions is known here that dominates it in compositions; the RDP accountant has a bound");
            }
            add(sampled.event(), rate, count);
        } else if (event instanceof PrivacyEvent.TreeAggregation tree) {
            double step = precision(tree.noiseMultiplier());
            addLeaf(gaussian(Upward.multiply(Tree.squaredSensitivity(tree), step)), rate, count);
        } else {
            addLeaf(event, rate, count);
        }
    }

    private void addLeaf(PrivacyEvent event, double sampledRate, long count) {
        // Sampling never costs more than none. With so little noise epsilon is beyond all use either way, and the
        // distribution of a sampled loss too wide to be written down.
        double rate = noiseMultiplier(event) < LEAST_SAMPLED_NOISE ? 1 : sampledRate;
        // Refuses what it cannot analyse, even if there is none of it.
        loss(event, rate);
        if (count > 0) {
            leaves.merge(
                    rate + " " + event,
                    new Leaf(rate, event, count),
                    (one, other) -> new Leaf(rate, event, plus(one.count(), other.count())));
        }
    }

    private static double noiseMultiplier(PrivacyEvent event) {
        if (event instanceof PrivacyEvent.Gaussian gaussian) {
            return gaussian.noiseMultiplier();
        }
        return event instanceof PrivacyEvent.Laplace laplace ? laplace.noiseMultiplier() : Double.POSITIVE_INFINITY;
    }

    /** Several mechanisms over one sample are one mechanism over it, known only for Gaussians. */
    private PrivacyEvent oneGaussian(PrivacyEvent event) {
        return gaussian(precision(event));
    }

    /** The Gaussian mechanism of this squared sensitivity over variance, rounded towards less noise. */
    private static PrivacyEvent.Gaussian gaussian(double precision) {
        return new PrivacyEvent.Gaussian((1 - 0x1p-48) / Math.sqrt(precision));
    }

    /** Of one Gaussian mechanism; above 0, however much noise it has. */
    private static double precision(double noiseMultiplier) {
        return Upward.multiply(2, Upward.halfSquaredRatio(1, noiseMultiplier));
    }

    private double precision(PrivacyEvent event) {
        if (event instanceof PrivacyEvent.Gaussian gaussian) {
            return precision(gaussian.noiseMultiplier());
        }
        if (event instanceof PrivacyEvent.Repeated repeated) {
            return repeated.count() == 0
                    ? 0
                    : Upward.multiply(Upward.of(repeated.count()), precision(repeated.event()));
        }
        if (event instanceof PrivacyEvent.Composed composed) {
            double sum = 0;
            for (PrivacyEvent part : composed.events()) {
                sum = Upward.add(sum, precision(part));
            }
            return sum;
        }
        throw refusal(event, "several mechanisms over one sample are analysed only if all of them are Gaussian");
    }

    /** The one Gaussian mechanism to which all amounts, if there is nothing else. */
    Optional<PrivacyEvent.Gaussian> onlyGaussian() {
        double precision = 0;
        for (Leaf leaf : leaves.values()) {
            if (!(leaf.event() instanceof PrivacyEvent.Gaussian gaussian) || leaf.rate() < 1) {
                return Optional.empty();
            }
            precision = Upward.add(precision, precision(leaf, gaussian));
        }
        return precision > 0 ? Optional.of(gaussian(precision)) : Optional.empty();
    }

    private static double precision(Leaf leaf, PrivacyEvent.Gaussian gaussian) {
        return Upward.multiply(Upward.of(leaf.count()), precision(gaussian.noiseMultiplier()));
    }

    /** The losses, Gaussian mechanisms as one. */
    List<LossTerm> terms() {
        List<LossTerm> terms = new ArrayList<>();
        double precision = 0;
        for (Leaf leaf : leaves.values()) {
            if (leaf.event() instanceof PrivacyEvent.Gaussian gaussian && leaf.rate() == 1) {
                precision = Upward.add(precision, precision(leaf, gaussian));
            } else {
                terms.add(new LossTerm(loss(leaf.event(), leaf.rate()), leaf.count()));
            }
        }
        if (precision > 0) {
            terms.add(new LossTerm(loss(gaussian(precision), 1), 1));
        }
        return terms;
    }

    private PrivacyLoss loss(PrivacyEvent event, double rate) {
        if (event instanceof PrivacyEvent.Gaussian gaussian) {
            return ContinuousLoss.gaussian(gaussian.noiseMultiplier(), rate);
        }
        if (event instanceof PrivacyEvent.Laplace laplace) {
            return ContinuousLoss.laplace(laplace.noiseMultiplier(), rate);
        }
        if (event instanceof PrivacyEvent.DiscreteGaussian gaussian) {
            double count = AtomicLoss.discreteGaussianCount(gaussian.sigma(), gaussian.sensitivity(), 1e-290);
            if (count > AtomicLoss.LARGEST_COUNT && (rate < 1 || gaussian.sigma() < GroupedAtoms.LEAST_SIGMA)) {
                throw refusal(
                        event,
                        "more than " + AtomicLoss.LARGEST_COUNT + " values of the noise matter, which are grouped only"
                                + " without sampling and for sigma >= " + GroupedAtoms.LEAST_SIGMA);
            }
            return AtomicLoss.discreteGaussian(gaussian.sigma(), gaussian.sensitivity(), rate);
        }
        if (event instanceof PrivacyEvent.DiscreteLaplace laplace) {
            return AtomicLoss.discreteLaplace(laplace.scale(), laplace.sensitivity(), rate);
        }
        if (event instanceof PrivacyEvent.PureLoss pure) {
            return AtomicLoss.pure(pure.epsilon(), rate);
        }
        if (event instanceof PrivacyEvent.RandomizedResponse response) {
            // Against an answer that is no answer the loss is no larger: that is a mixture of the answers.
            return AtomicLoss.randomizedResponse(response.randomProbability(), response.categories(), rate);
        }
        throw refusal(
                event,
                "a bound on Renyi divergences does not give a distribution of the privacy loss; use the RDP accountant");
    }

    private UnsupportedEventException refusal(PrivacyEvent event, String reason) {
        return new UnsupportedEventException(event, relation, reason);
    }

    private static long times(long count, long each) {
        if (each != 0 && count > Long.MAX_VALUE / each) {
            throw new IllegalArgumentException("there must be fewer than 2^63 releases, were " + count + " x " + each);
        }
        return count * each;
    }

    private static long plus(long one, long other) {
        if (one > Long.MAX_VALUE - other) {
            throw new IllegalArgumentException("there must be fewer than 2^63 releases, were " + one + " + " + other);
        }
        return one + other;
    }
}
