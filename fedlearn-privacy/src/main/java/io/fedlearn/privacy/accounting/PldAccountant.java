package io.fedlearn.privacy.accounting;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Adds up what releases cost by the distribution of the privacy loss: slower than {@link RdpAccountant} and close to the truth, above
 * all for small sampling rates. Immutable and thread-safe.
 *
 * <p>The privacy loss of a release on its worst pair of output distributions {@code (P, Q)} is {@code L = ln(P(o) / Q(o))} for {@code o ~ P}.
 * Independent releases add their losses, and
 * <pre>
 *   delta(epsilon) = E max(0, 1 - exp(epsilon - (L_1 + ... + L_n)))
 * </pre>
 * is the least delta for that pair. With one unit more or less, or wherever else {@code (Q, P)} has another loss, both ways are
 * computed and the larger answer is given.
 *
 * <p><b>Every answer is an upper bound.</b> Losses are rounded up onto a grid by the pessimistic "connect the dots" of Doroshenko et al.,
 * PoPETs 2022, arXiv:2207.04380. Sums are computed by a fast Fourier transform after exponential tilting, so that its round-off is small
 * beside delta rather than beside 1 and answers hold at delta = 1e-12 as at 1e-5. Truncated tails, what lies outside the window
 * and a bound of every round-off are added to delta or epsilon. Where they exceed the delta asked for, epsilon is infinite, or the basic
 * composition of pure mechanisms if all are pure: this is also the answer for delta 0.
 *
 * <p><b>Interval.</b> Unless given, it is a power of two chosen for each question such that rounding raises epsilon by about 1e-5 of
 * it, as long as 2^20 grid points suffice. A given interval is doubled until 2^23 points do, which is safe.
 *
 * <p><b>Analysed</b> are Gaussian, Laplace, discrete Gaussian and discrete Laplace noise, pure mechanisms, randomised response, their
 * Poisson samples under add-remove, tree aggregation, and compositions; several mechanisms over one Poisson sample if all are
 * Gaussian. Plain Gaussian mechanisms alone are one ({@link AnalyticGaussian}), without a grid. <b>Refused</b> are samples of fixed size and mechanisms of which only Renyi divergences are known.
 *
 * <p><b>References.</b> Dominating pairs: Zhu, Dong, Wang, AISTATS 2022, arXiv:2106.08567. Composition by transforms: Koskela, Jalko,
 * Honkela 2020, arXiv:1906.03049; Gopi, Lee, Wutschitz 2021, arXiv:2106.02848. <b>Differs</b> from common implementations in the tilt and in
 * that round-off is bounded and added.
 */
public final class PldAccountant implements PrivacyAccountant {
    /** A plan that expected an epsilon further away than this is made again. */
    private static final double FAR = 0.8;

    private static final int LARGEST_TURNS = 6;
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

    /** An accountant that has seen nothing. */
    public static PldAccountant of(NeighboringRelation relation) {
        Objects.requireNonNull(relation, "relation");
        return new PldAccountant(relation, new PldSettings(0, 0), LossTerms.none(relation));
    }

    /**
     * This accountant with losses rounded up onto the multiples of this interval; 1e-4 is usual elsewhere.
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
     * This accountant with this much cut off from the tails of losses, and added to delta, in all; else it is 1e-8 of delta.
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
    public PldAccountant compose(PrivacyEvent event) {
        return compose(event, 1);
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
        Optional<PrivacyEvent.Gaussian> gaussian = events.onlyGaussian();
        if (gaussian.isPresent() && privacyDelta > 0) {
            return AnalyticGaussian.epsilon(gaussian.get().noiseMultiplier(), privacyDelta);
        }
        double forward = epsilon(terms, false, privacyDelta);
        if (symmetric(terms) || ChernoffBound.shows(terms, true, settings, forward, privacyDelta)) {
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
        Optional<PrivacyEvent.Gaussian> gaussian = events.onlyGaussian();
        if (gaussian.isPresent()) {
            return AnalyticGaussian.privacyDelta(gaussian.get().noiseMultiplier(), epsilon);
        }
        double forward = privacyDelta(terms, false, epsilon);
        if (symmetric(terms) || ChernoffBound.shows(terms, true, settings, epsilon, forward)) {
            return forward;
        }
        return Math.max(forward, privacyDelta(terms, true, epsilon));
    }

    private double privacyDelta(List<LossTerm> terms, boolean reversed, double epsilon) {
        if (epsilon >= pureEpsilon(terms, reversed)) {
            return 0;
        }
        LossPlan plan = LossPlan.forEpsilon(terms, reversed, settings, epsilon);
        double best = 1;
        for (int turn = 0; turn < LARGEST_TURNS; turn++) {
            double delta = LossComposition.of(terms, reversed, plan).delta(epsilon);
            boolean isNear = delta > 0.1 * Math.min(best, plan.privacyDelta());
            best = Math.min(best, delta);
            if (isNear) {
                break;
            }
            plan = LossPlan.forDeltaNear(terms, reversed, settings, best, epsilon);
        }
        return best;
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

    @Override
    public String toString() {
        return "PLD accountant, " + relation;
    }
}
