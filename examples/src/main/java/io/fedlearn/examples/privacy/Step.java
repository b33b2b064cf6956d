package io.fedlearn.examples.privacy;

import io.fedlearn.examples.run.InputException;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;

/**
 * One noisy sum over a sample of the units.
 *
 * @param relation which decides how is sampled
 * @param rate in [0, 1]
 */
record Step(NeighboringRelation relation, double rate) {
    private static final int DIGITS = 18;

    static Step of(NeighboringRelation relation, double rate) {
        if (!(rate >= 0 && rate <= 1)) {
            throw new InputException("--q must be in [0, 1], was " + rate);
        }
        return new Step(relation, rate);
    }

    /** As {@link #of}, where without anybody in a sample there is nothing to plan. */
    static Step ofSomebody(NeighboringRelation relation, double rate) {
        if (rate == 0) {
            throw new InputException("--q must be > 0, was 0: nobody would be in any step");
        }
        return of(relation, rate);
    }

    /** The event with this noise multiplier. */
    PrivacyEvent with(double sigma) {
        PrivacyEvent noise = new PrivacyEvent.Gaussian(sigma);
        if (rate == 1) {
            return noise;
        }
        if (rate == 0) {
            return new PrivacyEvent.Composed(List.of());
        }
        if (relation == NeighboringRelation.ADD_OR_REMOVE_ONE) {
            return new PrivacyEvent.PoissonSampled(rate, noise);
        }
        // Only the share counts: as a fraction it is what was written, or a little more.
        BigDecimal share = new BigDecimal(Double.toString(rate));
        if (share.scale() > DIGITS) {
            share = share.setScale(DIGITS, RoundingMode.UP);
        }
        long population = BigDecimal.ONE.scaleByPowerOfTen(share.scale()).longValueExact();
        return new PrivacyEvent.SampledWithoutReplacement(
                population, share.unscaledValue().longValueExact(), noise);
    }

    /** What is assumed, for people. */
    String explained() {
        String unit =
                relation == NeighboringRelation.ADD_OR_REMOVE_ONE ? "one unit more or less" : "one unit for another";
        String sampling = relation == NeighboringRelation.ADD_OR_REMOVE_ONE
                ? "each unit is in a step with probability " + rate + " (Poisson)"
                : "a share " + rate + " of the units is in a step, drawn without replacement";
        return "relation: " + relation + ", " + unit + System.lineSeparator() + "sampling: "
                + (rate == 1 ? "none, every unit is in every step" : sampling + "; who is must stay secret");
    }

    static double sigma(double sigma) {
        if (!(sigma > 0) || Double.isInfinite(sigma)) {
            throw new InputException("--sigma must be > 0 and finite, was " + sigma);
        }
        return sigma;
    }

    static double epsilon(double epsilon) {
        if (!(epsilon > 0) || Double.isInfinite(epsilon)) {
            throw new InputException("--epsilon must be > 0 and finite, was " + epsilon);
        }
        return epsilon;
    }

    static long atLeastOne(String option, long value) {
        if (value < 1) {
            throw new InputException(option + " must be >= 1, was " + value);
        }
        return value;
    }
}
