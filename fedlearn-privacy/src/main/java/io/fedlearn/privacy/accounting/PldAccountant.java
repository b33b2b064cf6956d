package io.fedlearn.privacy.accounting;

import java.util.List;
import java.util.Objects;

/**
 * Accounts by privacy loss distributions: the distribution of {@code ln(P(o) / Q(o))} on the worst pair of neighbours, composed by
 * convolution.
 */
public final class PldAccountant implements PrivacyAccountant {
    /** A plan that expected an epsilon further away than this is made again. */
    private static final double FAR = 0.8;

    private static final int LARGEST_TURNS = 4;
    /** The most grid points of a first look, by which the real plan is made. */
    private static final int FIRST_LOOK_SIZE = 1 << 15;

    private final NeighboringRelation relation;
    private final PldSettings settings;
    private final LossTerms events;

    private PldAccountant(NeighboringRelation relation, PldSettings settings, LossTerms events) {
        this.relation = relation;
        this.settings = settings;
        this.events = events;
    }

    /** An accountant before any release. */
    public static PldAccountant of(NeighboringRelation relation) {
        Objects.requireNonNull(relation, "relation");
        return new PldAccountant(relation, new PldSettings(0, 0), LossTerms.none(relation));
    }

    /**
     * This accountant with losses rounded up onto the multiples of this interval.
     *
     * @param interval {@code > 0}
     */
    public PldAccountant withInterval(double interval) {
        if (!(interval > 0) || Double.isInfinite(interval)) {
            throw new IllegalArgumentException("interval must be > 0 and finite, was " + interval);
        }
        return new PldAccountant(relation, new PldSettings(interval, settings.tailMass()), events);
    }

    /**
     * This accountant with this much cut off from tails, and added to delta, in all.
     *
     * @param tailMass in (0, 1)
     */
    public PldAccountant withTailMass(double tailMass) {
        if (!(tailMass > 0 && tailMass < 1)) {
            throw new IllegalArgumentException("tailMass must be in (0, 1), was " + tailMass);
        }
        return new PldAccountant(relation, new PldSettings(settings.interval(), tailMass), events);
    }

    @Override
    public NeighboringRelation relation() {
        return relation;
    }

    @Override
    public PldAccountant compose(PrivacyEvent event, long count) {
        Objects.requireNonNull(event, "event");
        if (count < 0) {
            throw new IllegalArgumentException("count must be >= 0, was " + count);
        }
        return new PldAccountant(relation, settings, events.and(event, count));
    }

    @Override
    public double epsilon(double privacyDelta) {
        if (!(privacyDelta >= 0 && privacyDelta < 1)) {
            throw new IllegalArgumentException("privacyDelta must be in [0, 1), was " + privacyDelta);
        }
        List<LossTerm> terms = events.terms();
        if (terms.isEmpty()) {
            return 0;
        }
        double forward = epsilon(terms, false, privacyDelta);
        if (symmetric(terms)
                || privacyDelta > 0 && ChernoffBound.delta(terms, true, settings, forward) <= privacyDelta) {
            return forward;
        }
        return Math.max(forward, epsilon(terms, true, privacyDelta));
    }

    private double epsilon(List<LossTerm> terms, boolean reversed, double privacyDelta) {
        double best = pureEpsilon(terms, reversed);
        if (privacyDelta == 0) {
            return best;
        }
        LossPlan plan = LossPlan.forDelta(terms, reversed, settings, privacyDelta);
        boolean firstLook = plan.size() > FIRST_LOOK_SIZE;
        for (int turn = 0; turn < LARGEST_TURNS; turn++) {
            double epsilon = LossComposition.of(terms, reversed, firstLook ? plan.coarser(FIRST_LOOK_SIZE) : plan)
                    .epsilon(privacyDelta);
            best = Math.min(best, epsilon);
            if (!firstLook && !(best < FAR * plan.epsilon())) {
                break;
            }
            // If one rare large loss decides, Chernoff's bound was far off.
            plan = LossPlan.forDeltaNear(terms, reversed, settings, privacyDelta, Math.min(best, plan.epsilon()));
            firstLook = false;
        }
        return best;
    }

    @Override
    public double privacyDelta(double epsilon) {
        if (!(epsilon >= 0) || Double.isInfinite(epsilon)) {
            throw new IllegalArgumentException("epsilon must be >= 0 and finite, was " + epsilon);
        }
        List<LossTerm> terms = events.terms();
        if (terms.isEmpty()) {
            return 0;
        }
        double forward = privacyDelta(terms, false, epsilon);
        if (symmetric(terms) || ChernoffBound.delta(terms, true, settings, epsilon) <= forward) {
            return forward;
        }
        return Math.max(forward, privacyDelta(terms, true, epsilon));
    }

    private double privacyDelta(List<LossTerm> terms, boolean reversed, double epsilon) {
        if (epsilon >= pureEpsilon(terms, reversed)) {
            return 0;
        }
        LossPlan plan = LossPlan.forEpsilon(terms, reversed, settings, epsilon);
        return LossComposition.of(terms, reversed, plan).delta(epsilon);
    }

    /** No sum of losses exceeds the sum of their largest values. */
    private static double pureEpsilon(List<LossTerm> terms, boolean reversed) {
        double sum = 0;
        for (LossTerm term : terms) {
            sum += term.count()
                    * (reversed ? term.loss().largestReversed() : term.loss().largest());
        }
        return sum * (1 + 0x1p-44);
    }

    private static boolean symmetric(List<LossTerm> terms) {
        return terms.stream().allMatch(term -> term.loss().symmetric());
    }
}
