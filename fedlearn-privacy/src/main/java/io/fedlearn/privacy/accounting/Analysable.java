package io.fedlearn.privacy.accounting;

import java.util.Optional;

/** For which relations an event has a meaning at all, whatever the accountant. */
final class Analysable {
    private Analysable() {}

    /** Refuses what no accountant can analyse. */
    static void check(PrivacyEvent event, NeighboringRelation relation) {
        check(event, relation, false);
    }

    private static void check(PrivacyEvent event, NeighboringRelation relation, boolean sampled) {
        Optional<String> reason = reason(event, relation, sampled);
        if (reason.isPresent()) {
            throw new UnsupportedEventException(event, relation, reason.get());
        }
        if (event instanceof PrivacyEvent.Composed composed) {
            composed.events().forEach(part -> check(part, relation, sampled));
        } else if (event instanceof PrivacyEvent.Repeated repeated) {
            check(repeated.event(), relation, sampled);
        } else if (event instanceof PrivacyEvent.PoissonSampled sample) {
            check(sample.event(), relation, sampled || samples(sample));
        } else if (event instanceof PrivacyEvent.SampledWithoutReplacement sample) {
            check(sample.event(), relation, sampled || samples(sample));
        }
    }

    /** Whether anybody may be left out. */
    static boolean samples(PrivacyEvent.PoissonSampled event) {
        return event.rate() < 1;
    }

    /** Whether anybody is left out. */
    static boolean samples(PrivacyEvent.SampledWithoutReplacement event) {
        return event.sampleSize() < event.populationSize();
    }

    private static Optional<String> reason(PrivacyEvent event, NeighboringRelation relation, boolean sampled) {
        if (event instanceof PrivacyEvent.PoissonSampled sample && samples(sample)) {
            if (sampled) {
                return Optional.of("there is no bound here for a sample of a sample");
            }
            return switch (relation) {
                case ADD_OR_REMOVE_ONE -> Optional.empty();
                case REPLACE_ONE ->
                    Optional.of(
                            "amplification by Poisson sampling is proven for add-remove; sample a fixed size without replacement,"
                                    + " or account under add-remove");
                case REPLACE_SPECIAL ->
                    Optional.of(
                            "under this relation it is public when each unit took part, so that sampling amplifies nothing");
            };
        }
        if (event instanceof PrivacyEvent.SampledWithoutReplacement sample && samples(sample)) {
            if (sampled) {
                return Optional.of("there is no bound here for a sample of a sample");
            }
            return switch (relation) {
                case REPLACE_ONE -> Optional.empty();
                case ADD_OR_REMOVE_ONE ->
                    Optional.of(
                            "amplification by a sample of fixed size is proven for replace; one unit more or less changes the sampling"
                                    + " of all others");
                case REPLACE_SPECIAL ->
                    Optional.of(
                            "under this relation it is public when each unit took part, so that sampling amplifies nothing");
            };
        }
        if (event instanceof PrivacyEvent.TreeAggregation) {
            if (relation != NeighboringRelation.REPLACE_SPECIAL) {
                return Optional.of(
                        "the steps in which each unit takes part must stay as they are, which only replace-special"
                                + " says");
            }
            if (sampled) {
                return Optional.of("a tree's steps are not sampled together");
            }
        }
        if (event instanceof PrivacyEvent.RandomizedResponse && relation == NeighboringRelation.ADD_OR_REMOVE_ONE) {
            return Optional.of("how many answered tells whether one more did; account under replace");
        }
        if (event instanceof PrivacyEvent.DistributedDiscreteGaussian noise
                && noise.clients() > 1
                && noise.sigma() < DistributedNoise.MIN_SHARE_SIGMA) {
            return Optional.of("the sum of discrete Gaussians is known to be close to one only for sigma >= "
                    + DistributedNoise.MIN_SHARE_SIGMA);
        }
        return Optional.empty();
    }
}
