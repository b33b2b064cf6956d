package io.fedlearn.pg.budget;

import io.fedlearn.core.budget.PrivacySpent;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Objects;

/**
 * What may be spent in a scope, and what is.
 *
 * @param scope whose budget it is
 * @param limit what may be spent
 * @param spent an upper bound on what was spent, by the limit's composition
 * @param entries how many debits that were
 */
public record BudgetStatement(String scope, PrivacyLimit limit, PrivacySpent spent, long entries) {
    private static final int DIGITS = 6;

    /** Validates that all is there. */
    public BudgetStatement {
        Objects.requireNonNull(scope, "scope");
        Objects.requireNonNull(limit, "limit");
        Objects.requireNonNull(spent, "spent");
    }

    /** For people, with few digits: what is spent is rounded up, as a bound must be, but not beyond a limit that holds. */
    @Override
    public String toString() {
        return scope + ": epsilon " + upwards(spent.epsilon(), limit.epsilon()) + " of " + limit.epsilon()
                + ", privacyDelta " + upwards(spent.privacyDelta(), limit.privacyDelta()) + " of "
                + limit.privacyDelta() + ", debits: " + entries;
    }

    private static double upwards(double value, double most) {
        double rounded = new BigDecimal(value)
                .round(new MathContext(DIGITS, RoundingMode.CEILING))
                .doubleValue();
        // The nearest double to the rounded decimal may lie below the value itself.
        double bound = Math.max(value, rounded);
        return value <= most ? Math.min(bound, most) : bound;
    }
}
