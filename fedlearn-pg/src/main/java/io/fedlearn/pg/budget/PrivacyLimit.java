package io.fedlearn.pg.budget;

import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.budget.Composition;
import java.util.Objects;

/**
 * What may be spent in a scope, ever, and how what was spent is added up.
 *
 * @param epsilon {@code > 0} and finite
 * @param privacyDelta in [0, 1)
 * @param rule how releases are added up
 * @param relation which data sets are neighbours
 */
public record PrivacyLimit(double epsilon, double privacyDelta, CompositionRule rule, NeighboringRelation relation) {
    /** Validates the ranges. */
    public PrivacyLimit {
        if (!(epsilon > 0) || Double.isInfinite(epsilon)) {
            throw new IllegalArgumentException("epsilon must be > 0 and finite, was " + epsilon);
        }
        if (!(privacyDelta >= 0 && privacyDelta < 1)) {
            throw new IllegalArgumentException("privacyDelta must be in [0, 1), was " + privacyDelta);
        }
        Objects.requireNonNull(rule, "rule");
        Objects.requireNonNull(relation, "relation");
    }

    /** A limit for queries with Laplace noise: epsilons are added up, one person more or less. */
    public static PrivacyLimit ofQueries(double epsilon) {
        return new PrivacyLimit(epsilon, 0, CompositionRule.PURE, NeighboringRelation.ADD_OR_REMOVE_ONE);
    }

    /** A limit for queries with any noise: epsilons and deltas are added up, one person more or less. */
    public static PrivacyLimit ofQueries(double epsilon, double privacyDelta) {
        return new PrivacyLimit(epsilon, privacyDelta, CompositionRule.BASIC, NeighboringRelation.ADD_OR_REMOVE_ONE);
    }

    /** The limit that a row holds. */
    static PrivacyLimit parse(double epsilon, double privacyDelta, String composition) {
        int blank = composition.indexOf(' ');
        if (blank < 0) {
            throw new IllegalArgumentException("composition must be a rule and a relation, was '" + composition + "'");
        }
        return new PrivacyLimit(
                epsilon,
                privacyDelta,
                CompositionRule.parse(composition.substring(0, blank)),
                NeighboringRelation.parse(composition.substring(blank + 1)));
    }

    /** Rule and relation, as a row has them. */
    String compositionText() {
        return rule + " " + relation;
    }

    Composition composition() {
        return rule.composition(relation);
    }

    /** Epsilon, delta and how they are added up. */
    @Override
    public String toString() {
        return "(epsilon " + epsilon + ", delta " + privacyDelta + ") by " + compositionText();
    }
}
