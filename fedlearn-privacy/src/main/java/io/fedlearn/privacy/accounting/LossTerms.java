package io.fedlearn.privacy.accounting;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which pairs of distributions dominate an event under a neighbouring relation, and how often: events without their tree. Immutable.
 *
 * <p>Plain Gaussian mechanisms compose to one: noise multipliers {@code z_i} to {@code (sum z_i^-2)^(-1/2)}, exactly, since the worst pair is
 * two Gaussians in one more dimension each. So it is under one sample, where several mechanisms see the same units.
 */
final class LossTerms {
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
        LossTerms sum = new LossTerms(relation, new TreeMap<>(leaves));
        sum.add(event, 1, count);
        return sum;
    }

    private void add(PrivacyEvent event, double rate, long count) {
        if (event instanceof PrivacyEvent.Composed composed) {
            for (PrivacyEvent part : sampledAs(event, composed.events(), rate)) {
                add(part, rate, count);
            }
        } else if (event instanceof PrivacyEvent.Repeated repeated) {
            if (rate == 1) {
                add(repeated.event(), rate, times(count, repeated.count()));
            } else if (repeated.count() > 0) {
                add(new PrivacyEvent.Gaussian(gaussianMultiplier(event, rate)), rate, count);
            }
        } else if (event instanceof PrivacyEvent.PoissonSampled sampled) {
            if (sampled.rate() < 1 && relation == NeighboringRelation.REPLACE_ONE) {
                throw refusal(event, "amplification by Poisson sampling is shown for add-remove and replace-special");
            }
            add(sampled.event(), rate * sampled.rate(), count);
        } else if (event instanceof PrivacyEvent.SampledWithoutReplacement sampled) {
            if (sampled.sampleSize() < sampled.populationSize()) {
                throw refusal(
                        event,
                        "no pair of distributions is known to dominate sampling without replacement tightly;"
                                + " use the RDP accountant");
            }
            add(sampled.event(), rate, count);
        } else {
            addLeaf(event, rate, count);
        }
    }

    private void addLeaf(PrivacyEvent event, double rate, long count) {
        if (count == 0) {
            return;
        }
        PrivacyEvent leaf = event;
        if (event instanceof PrivacyEvent.TreeAggregation) {
            throw refusal(event, "not here yet");
        }
        loss(leaf, rate);
        leaves.merge(
                rate + " " + leaf,
                new Leaf(rate, leaf, count),
                (one, other) -> new Leaf(one.rate(), one.event(), Math.addExact(one.count(), other.count())));
    }

    /** Several mechanisms over one sample are one mechanism over it, known only for Gaussians. */
    private List<PrivacyEvent> sampledAs(PrivacyEvent event, List<PrivacyEvent> events, double rate) {
        if (rate == 1 || events.size() < 2) {
            return events;
        }
        return List.of(new PrivacyEvent.Gaussian(gaussianMultiplier(event, rate)));
    }

    private double gaussianMultiplier(PrivacyEvent event, double rate) {
        return 1 / Math.sqrt(precision(event, rate)) * (1 - 0x1p-48);
    }

    private double precision(PrivacyEvent event, double rate) {
        if (event instanceof PrivacyEvent.Gaussian gaussian) {
            return 1 / (gaussian.noiseMultiplier() * gaussian.noiseMultiplier());
        }
        if (event instanceof PrivacyEvent.Repeated repeated) {
            return repeated.count() * precision(repeated.event(), rate);
        }
        if (event instanceof PrivacyEvent.Composed composed) {
            double sum = 0;
            for (PrivacyEvent part : composed.events()) {
                sum += precision(part, rate);
            }
            return sum;
        }
        throw refusal(event, "several mechanisms over one sample are analysed only if all are Gaussian");
    }

    /** The losses, Gaussian mechanisms as one. */
    List<LossTerm> terms() {
        List<LossTerm> terms = new ArrayList<>();
        double precision = 0;
        for (Map.Entry<String, Leaf> entry : leaves.entrySet()) {
            Leaf leaf = entry.getValue();
            if (leaf.event() instanceof PrivacyEvent.Gaussian gaussian && leaf.rate() == 1) {
                precision += leaf.count() / (gaussian.noiseMultiplier() * gaussian.noiseMultiplier());
            } else {
                terms.add(new LossTerm(loss(leaf.event(), leaf.rate()), leaf.count()));
            }
        }
        if (precision > 0) {
            terms.add(new LossTerm(ContinuousLoss.gaussian((1 - 0x1p-48) / Math.sqrt(precision), 1), 1));
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
            if (count > AtomicLoss.LARGEST_COUNT) {
                throw refusal(event, "more than " + AtomicLoss.LARGEST_COUNT + " values of the noise matter");
            }
            return AtomicLoss.discreteGaussian(gaussian.sigma(), gaussian.sensitivity(), rate);
        }
        if (event instanceof PrivacyEvent.DiscreteLaplace laplace) {
            if (laplace.sensitivity() > AtomicLoss.LARGEST_COUNT) {
                throw refusal(event, "more than " + AtomicLoss.LARGEST_COUNT + " values of the noise matter");
            }
            return AtomicLoss.discreteLaplace(laplace.scale(), laplace.sensitivity(), rate);
        }
        if (event instanceof PrivacyEvent.PureLoss pure) {
            return AtomicLoss.pure(pure.epsilon(), rate);
        }
        if (event instanceof PrivacyEvent.RandomizedResponse response) {
            return randomizedResponse(response, rate);
        }
        if (event instanceof PrivacyEvent.ZeroConcentrated) {
            throw refusal(event, "a bound on Renyi divergences does not give a distribution; use the RDP accountant");
        }
        throw refusal(event, "there is no rule for it");
    }

    private PrivacyLoss randomizedResponse(PrivacyEvent.RandomizedResponse response, double rate) {
        double probability = response.randomProbability();
        return switch (relation) {
            case REPLACE_ONE -> AtomicLoss.randomizedResponse(probability, response.categories(), rate);
            case REPLACE_SPECIAL -> AtomicLoss.randomizedResponseAgainstNoise(probability, response.categories(), rate);
            case ADD_OR_REMOVE_ONE -> throw refusal(response, "how many answered is released");
        };
    }

    private UnsupportedEventException refusal(PrivacyEvent event, String reason) {
        return new UnsupportedEventException(event, relation, reason);
    }

    private static long times(long count, long each) {
        return Math.multiplyExact(count, each);
    }
}
