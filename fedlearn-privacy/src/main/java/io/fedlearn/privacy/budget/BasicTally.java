package io.fedlearn.privacy.budget;

import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.privacy.accounting.AnalyticGaussian;
import io.fedlearn.privacy.accounting.PrivacyAccountant;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.accounting.UnsupportedEventException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Optional;
import java.util.OptionalDouble;

/** Sums of epsilons and deltas, in decimals, each term rounded up. */
final class BasicTally implements Tally {
    /** Far finer than a double, so that rounding up is seen by nobody. */
    private static final MathContext UP = new MathContext(34, RoundingMode.CEILING);

    private final PrivacyAccountant accountant;
    private final boolean isPure;
    private final BigDecimal epsilon;
    private final BigDecimal privacyDelta;
    private final boolean isBounded;

    private BasicTally(
            PrivacyAccountant accountant,
            boolean isPure,
            BigDecimal epsilon,
            BigDecimal privacyDelta,
            boolean isBounded) {
        this.accountant = accountant;
        this.isPure = isPure;
        this.epsilon = epsilon;
        this.privacyDelta = privacyDelta;
        this.isBounded = isBounded;
    }

    /** Of events without delta; the accountant knows the epsilon of those that are not written in decimals. */
    static BasicTally ofPureEvents(PrivacyAccountant accountant) {
        return new BasicTally(accountant, true, BigDecimal.ZERO, BigDecimal.ZERO, true);
    }

    static BasicTally of(PrivacyAccountant accountant) {
        return new BasicTally(accountant, false, BigDecimal.ZERO, BigDecimal.ZERO, true);
    }

    @Override
    public Tally add(Release release, long count) {
        BigDecimal times = BigDecimal.valueOf(count);
        if (release.privacyDelta() == 0) {
            return plus(pureEpsilon(release.event()).multiply(times), BigDecimal.ZERO, true);
        }
        if (isPure) {
            throw new IllegalArgumentException("a scope of pure events must have no release with a share of delta, was "
                    + release.event() + " with " + release.privacyDelta());
        }
        double one = epsilon(release.event(), release.privacyDelta());
        BigDecimal share = BigDecimal.valueOf(release.privacyDelta()).multiply(times);
        return Double.isInfinite(one)
                ? plus(BigDecimal.ZERO, share, false)
                : plus(BigDecimal.valueOf(one).multiply(times), share, true);
    }

    private BasicTally plus(BigDecimal moreEpsilon, BigDecimal moreDelta, boolean staysBounded) {
        return new BasicTally(
                accountant,
                isPure,
                epsilon.add(moreEpsilon, UP),
                privacyDelta.add(moreDelta, UP),
                isBounded && staysBounded);
    }

    /** What an event costs at a delta: by its formula where it has one, which is exact, else as proven by the accountant. */
    private double epsilon(PrivacyEvent event, double delta) {
        double proven = accountant.compose(event).epsilon(delta);
        if (event instanceof PrivacyEvent.Gaussian gaussian) {
            return Math.min(proven, AnalyticGaussian.epsilon(gaussian.noiseMultiplier(), delta));
        }
        OptionalDouble square = squaredRatio(event);
        if (square.isEmpty() || square.getAsDouble() == 0) {
            return proven;
        }
        double noiseMultiplier = Math.nextDown(Math.sqrt(Math.nextDown(1 / square.getAsDouble())));
        // Not for noise so faint or so strong that its square is none.
        return noiseMultiplier > 0 && noiseMultiplier < Double.POSITIVE_INFINITY
                ? Math.min(proven, AnalyticGaussian.epsilon(noiseMultiplier, delta))
                : proven;
    }

    /** Sensitivity over deviation, squared and rounded up, if nothing but Gaussian noise is released: together it is one vector. */
    private static OptionalDouble squaredRatio(PrivacyEvent event) {
        if (event instanceof PrivacyEvent.Gaussian gaussian) {
            double ratio = Math.nextUp(1 / gaussian.noiseMultiplier());
            return OptionalDouble.of(Math.nextUp(ratio * ratio));
        }
        if (event instanceof PrivacyEvent.Repeated repeated) {
            OptionalDouble one = squaredRatio(repeated.event());
            return one.isEmpty() || repeated.count() == 0
                    ? OptionalDouble.empty()
                    : OptionalDouble.of(Math.nextUp(one.getAsDouble() * Math.nextUp((double) repeated.count())));
        }
        if (event instanceof PrivacyEvent.Composed composed
                && !composed.events().isEmpty()) {
            double sum = 0;
            for (PrivacyEvent part : composed.events()) {
                OptionalDouble more = squaredRatio(part);
                if (more.isEmpty()) {
                    return more;
                }
                sum = Math.nextUp(sum + more.getAsDouble());
            }
            return OptionalDouble.of(sum);
        }
        return OptionalDouble.empty();
    }

    /** How much pure differential privacy an event costs. */
    private BigDecimal pureEpsilon(PrivacyEvent event) {
        Optional<BigDecimal> written = writtenEpsilon(event);
        if (written.isPresent()) {
            return written.get();
        }
        double proven = accountant.compose(event).epsilon(0);
        if (Double.isInfinite(proven)) {
            throw new UnsupportedEventException(
                    event,
                    accountant.relation(),
                    "it has no known epsilon at delta 0"
                            + (isPure
                                    ? ", and the scope takes pure events alone"
                                    : "; its charge must name a share of delta"));
        }
        return BigDecimal.valueOf(proven);
    }

    /** The epsilon of an event that follows from the decimals of its text. */
    private static Optional<BigDecimal> writtenEpsilon(PrivacyEvent event) {
        if (event instanceof PrivacyEvent.PureLoss pure) {
            return Optional.of(BigDecimal.valueOf(pure.epsilon()));
        }
        if (event instanceof PrivacyEvent.Laplace laplace) {
            return Optional.of(BigDecimal.ONE.divide(BigDecimal.valueOf(laplace.noiseMultiplier()), UP));
        }
        if (event instanceof PrivacyEvent.DiscreteLaplace laplace) {
            return Optional.of(
                    BigDecimal.valueOf(laplace.sensitivity()).divide(BigDecimal.valueOf(laplace.scale()), UP));
        }
        if (event instanceof PrivacyEvent.Repeated repeated) {
            return writtenEpsilon(repeated.event()).map(one -> one.multiply(BigDecimal.valueOf(repeated.count())));
        }
        if (event instanceof PrivacyEvent.Composed composed) {
            Optional<BigDecimal> sum = Optional.of(BigDecimal.ZERO);
            for (PrivacyEvent part : composed.events()) {
                Optional<BigDecimal> more = writtenEpsilon(part);
                sum = sum.flatMap(before -> more.map(before::add));
            }
            return sum;
        }
        return Optional.empty();
    }

    @Override
    public Weight weigh(PrivacySpent limit) {
        boolean fits = isBounded
                && epsilon.compareTo(BigDecimal.valueOf(limit.epsilon())) <= 0
                && privacyDelta.compareTo(BigDecimal.valueOf(limit.privacyDelta())) <= 0;
        return new Weight(isBounded ? up(epsilon) : Double.POSITIVE_INFINITY, up(privacyDelta), fits);
    }

    /** The least double that is written as no less. */
    private static double up(BigDecimal value) {
        double near = value.doubleValue();
        return Double.isInfinite(near) || BigDecimal.valueOf(near).compareTo(value) >= 0 ? near : Math.nextUp(near);
    }
}
