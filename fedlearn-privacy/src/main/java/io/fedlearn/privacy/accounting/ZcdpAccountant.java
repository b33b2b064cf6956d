package io.fedlearn.privacy.accounting;

import java.util.Objects;
import java.util.function.DoubleUnaryOperator;

/**
 * Adds up zero-concentrated differential privacy: the {@code rho} of releases is the sum of theirs. Immutable and thread-safe.
 *
 * <p>A Gaussian mechanism has {@code rho = 1 / (2 z^2)}, its discrete form no more, a pure one {@code epsilon tanh(epsilon / 2)} (less
 * than {@code epsilon^2 / 2}), the Laplace mechanism {@code epsilon + e^-epsilon - 1}. Sampling is refused: what it amplifies is not
 * concentrated. Epsilon and delta come from the best real order, not from the best of a list.
 *
 * <p><b>Reference.</b> Bun and Steinke, TCC 2016, arXiv:1605.02065; Harrison and Manurangsi, "Exact zCDP Characterizations for
 * Fundamental Differentially Private Mechanisms", FORC 2026, arXiv:2510.25746, for pure and Laplace mechanisms; for pure ones it also follows from
 * the inequality of Kearns and Saul for a bit, by the argument in {@code docs/privacy/accounting.md}.
 */
public final class ZcdpAccountant implements PrivacyAccountant {
    private static final double RATIO = (Math.sqrt(5) - 1) / 2;
    private static final double LOG_NEAREST = StrictMath.log(1e-6);
    private static final double LOG_FARTHEST = StrictMath.log(1e15);
    private static final int STEPS = 80;

    private final NeighboringRelation relation;
    private final double rho;

    private ZcdpAccountant(NeighboringRelation relation, double rho) {
        this.relation = Objects.requireNonNull(relation, "relation");
        this.rho = rho;
    }

    /** An accountant that has seen nothing. */
    public static ZcdpAccountant of(NeighboringRelation relation) {
        return new ZcdpAccountant(relation, 0);
    }

    @Override
    public NeighboringRelation relation() {
        return relation;
    }

    /** The sum so far: an upper bound. */
    public double rho() {
        return rho;
    }

    @Override
    public ZcdpAccountant compose(PrivacyEvent event, long count) {
        if (count < 0) {
            throw new IllegalArgumentException("count must be >= 0, was " + count);
        }
        Analysable.check(event, relation);
        double one = rho(event);
        return count == 0
                ? this
                : new ZcdpAccountant(relation, Upward.add(rho, Upward.multiply(Upward.of(count), one)));
    }

    @Override
    public ZcdpAccountant compose(PrivacyEvent event) {
        return compose(event, 1);
    }

    private double rho(PrivacyEvent event) {
        if (event instanceof PrivacyEvent.Gaussian gaussian) {
            return Upward.halfSquaredRatio(1, gaussian.noiseMultiplier());
        }
        if (event instanceof PrivacyEvent.DiscreteGaussian gaussian) {
            return Upward.halfSquaredRatio(Upward.of(gaussian.sensitivity()), gaussian.sigma());
        }
        if (event instanceof PrivacyEvent.ZeroConcentrated concentrated) {
            return concentrated.rho();
        }
        if (event instanceof PrivacyEvent.Laplace laplace) {
            return Math.max(Double.MIN_VALUE, Upward.raise(Renyi.remainder(-1 / laplace.noiseMultiplier()), 1e-14));
        }
        if (event instanceof PrivacyEvent.DiscreteLaplace
                || event instanceof PrivacyEvent.PureLoss
                || event instanceof PrivacyEvent.RandomizedResponse) {
            double epsilon = PureEpsilon.of(event);
            return Math.max(Double.MIN_VALUE, Upward.raise(epsilon * StrictMath.tanh(epsilon / 2), 1e-14));
        }
        if (event instanceof PrivacyEvent.TreeAggregation tree) {
            return Upward.multiply(Tree.squaredSensitivity(tree), Upward.halfSquaredRatio(1, tree.noiseMultiplier()));
        }
        if (event instanceof PrivacyEvent.DistributedDiscreteGaussian gaussian) {
            return DistributedNoise.rho(gaussian);
        }
        if (event instanceof PrivacyEvent.Composed composed) {
            double sum = 0;
            for (PrivacyEvent part : composed.events()) {
                sum = Upward.add(sum, rho(part));
            }
            return sum;
        }
        if (event instanceof PrivacyEvent.Repeated repeated) {
            return Upward.multiply(Upward.of(repeated.count()), rho(repeated.event()));
        }
        if (event instanceof PrivacyEvent.PoissonSampled sample && !Analysable.samples(sample)) {
            return rho(sample.event());
        }
        if (event instanceof PrivacyEvent.SampledWithoutReplacement sample && !Analysable.samples(sample)) {
            return rho(sample.event());
        }
        throw new UnsupportedEventException(
                event,
                relation,
                event instanceof PrivacyEvent.DistributedSkellam
                        ? "Skellam noise has no bound here that grows with the order alone; account it by RDP"
                        : "what sampling amplifies is not concentrated; account it by RDP or PLD");
    }

    @Override
    public double epsilon(double privacyDelta) {
        RdpAccountant.requireDelta(privacyDelta);
        if (rho == 0) {
            return 0;
        }
        return least(order -> RenyiConversion.epsilon(order, Upward.multiply(order, rho), privacyDelta));
    }

    @Override
    public double privacyDelta(double epsilon) {
        if (!(epsilon >= 0) || Double.isInfinite(epsilon)) {
            throw new IllegalArgumentException("epsilon must be >= 0 and finite, was " + epsilon);
        }
        if (rho == 0) {
            return 0;
        }
        double tail = least(order -> RenyiConversion.logTail(order, Upward.multiply(order, rho), epsilon));
        double closeness = RenyiConversion.closeness(Upward.multiply(1 + StrictMath.exp(LOG_NEAREST), rho));
        return Math.min(1, Upward.raise(Math.min(closeness, StrictMath.exp(Math.min(0, tail))), 1e-14));
    }

    /** The least value over orders, by golden sections of {@code log(order - 1)}: any order gives a bound, the best one the best. */
    private static double least(DoubleUnaryOperator bound) {
        DoubleUnaryOperator at = logarithm -> bound.applyAsDouble(1 + StrictMath.exp(logarithm));
        double low = LOG_NEAREST;
        double high = LOG_FARTHEST;
        double left = high - RATIO * (high - low);
        double right = low + RATIO * (high - low);
        double valueLeft = at.applyAsDouble(left);
        double valueRight = at.applyAsDouble(right);
        double best = Math.min(at.applyAsDouble(low), Math.min(valueLeft, valueRight));
        for (int step = 0; step < STEPS; step++) {
            if (valueLeft <= valueRight) {
                high = right;
                right = left;
                valueRight = valueLeft;
                left = high - RATIO * (high - low);
                valueLeft = at.applyAsDouble(left);
                best = Math.min(best, valueLeft);
            } else {
                low = left;
                left = right;
                valueLeft = valueRight;
                right = low + RATIO * (high - low);
                valueRight = at.applyAsDouble(right);
                best = Math.min(best, valueRight);
            }
        }
        return best;
    }

    @Override
    public String toString() {
        return "zCDP accountant, " + relation;
    }
}
