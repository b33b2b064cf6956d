package io.fedlearn.privacy.central;

import io.fedlearn.privacy.accounting.NeighboringRelation;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;

/**
 * How a round's cohort comes about, as far as privacy rests on it. A sample that nobody knows hides a client better than the noise
 * alone (amplification); what was not really sampled so, counts as if every client took part in every round. Immutable.
 */
public sealed interface ClientSampling {
    /** Which populations of clients are neighbours, hence under which relation an accountant adds up. */
    NeighboringRelation relation();

    /**
     * Each connected client takes part with the same probability, independently, drawn from a cryptographic stream; the cohort is
     * told to nobody. Neighbours differ by one client more or less.
     *
     * @param rate in (0, 1]; what is drawn with is this number rounded down to a multiple of 2^-53
     */
    static Poisson poisson(double rate) {
        return new Poisson(rate);
    }

    /**
     * So many of a fixed population, each as likely, drawn from a cryptographic stream; the cohort is told to nobody. Neighbours
     * differ by what one client is. Who is drawn and not connected counts as one that sends zeros, so that the rate is the one
     * that is accounted, however many are there; who is connected and not in the population is never asked.
     *
     * @param cohort how many are drawn, at least 1
     * @param population the ids of all clients that may be drawn, at least {@code cohort}; how many they are is public
     */
    static WithoutReplacement withoutReplacement(int cohort, Collection<String> population) {
        return new WithoutReplacement(cohort, population);
    }

    /**
     * Whoever the strategy's selector chooses: everybody, in turn, by chance from the run's seed. Nothing is amplified, and the
     * cohort may be known. Neighbours differ by a client that sends zeros, wherever it is asked. The selector is told nothing
     * that clients say of themselves, lest the cohort tell something of their data.
     */
    static AsSelected asSelected() {
        return new AsSelected();
    }

    /**
     * Whoever the strategy's selector chooses among those that were not asked lately: for tree aggregation, whose cost depends on
     * how often a client takes part. Otherwise as {@link #asSelected()}.
     *
     * @param minSeparation how many rounds lie at least between two rounds that ask a client, neighbouring rounds being 1 apart;
     *     at least 1
     */
    static Separated separated(int minSeparation) {
        return new Separated(minSeparation);
    }

    /**
     * Poisson sampling.
     *
     * @param rate in (0, 1]
     */
    record Poisson(double rate) implements ClientSampling {
        /** Validates the range. */
        public Poisson {
            if (!(rate > 0 && rate <= 1)) {
                throw new IllegalArgumentException("rate must be in (0, 1], was " + rate);
            }
        }

        @Override
        public NeighboringRelation relation() {
            return NeighboringRelation.ADD_OR_REMOVE_ONE;
        }

        @Override
        public String toString() {
            return "secret-poisson(rate=" + rate + ")";
        }
    }

    /**
     * Sampling of a fixed number.
     *
     * @param cohort at least 1
     * @param population the ids of all clients, at least {@code cohort}
     */
    record WithoutReplacement(int cohort, Collection<String> population) implements ClientSampling {
        /** Validates the numbers and copies the ids. */
        public WithoutReplacement {
            population = List.copyOf(new TreeSet<>(population));
            Require.atLeastOne("cohort", cohort);
            if (cohort > population.size()) {
                throw new IllegalArgumentException(
                        "cohort must be at most the population's " + population.size() + " clients, was " + cohort);
            }
        }

        @Override
        public NeighboringRelation relation() {
            return NeighboringRelation.REPLACE_ONE;
        }

        @Override
        public String toString() {
            return "secret-without-replacement(cohort=" + cohort + ", population=" + population.size() + ")";
        }
    }

    /** No sampling that counts. */
    record AsSelected() implements ClientSampling {
        @Override
        public NeighboringRelation relation() {
            return NeighboringRelation.REPLACE_SPECIAL;
        }

        @Override
        public String toString() {
            return "as-selected";
        }
    }

    /**
     * No sampling that counts, but rest between two rounds of a client.
     *
     * @param minSeparation at least 1
     */
    record Separated(int minSeparation) implements ClientSampling {
        /** Validates the range. */
        public Separated {
            Require.atLeastOne("minSeparation", minSeparation);
        }

        @Override
        public NeighboringRelation relation() {
            return NeighboringRelation.REPLACE_SPECIAL;
        }

        @Override
        public String toString() {
            return "separated(minSeparation=" + minSeparation + ")";
        }
    }
}
