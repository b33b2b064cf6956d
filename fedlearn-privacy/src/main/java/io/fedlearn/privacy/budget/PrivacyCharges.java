package io.fedlearn.privacy.budget;

import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.task.Config;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import java.util.Map;

/** Makes charges that a {@link LedgerBudget} can weigh and a person can read. */
public final class PrivacyCharges {
    /** The parameter that names the neighbouring relation: {@value}. */
    public static final String RELATION = "relation";

    /** The parameter that says what a release is for: {@value}. */
    public static final String PURPOSE = "purpose";

    /** The parameter that says how much of a scope's delta the release takes, where deltas are added up: {@value}. */
    public static final String PRIVACY_DELTA = "privacyDelta";

    private PrivacyCharges() {}

    /**
     * The charge for a release.
     *
     * @param scope whose budget is debited, such as {@code client/berlin}, {@code table/patients} or {@code run/heart}
     * @param event what is released, with sensitivities under {@code relation}
     * @param relation which data sets are neighbours
     * @param purpose what for, to be read by people, such as {@code round 3 of run heart}; never anything about the data
     */
    public static PrivacyCharge of(String scope, PrivacyEvent event, NeighboringRelation relation, String purpose) {
        return new PrivacyCharge(
                scope, event.toString(), Config.of(Map.of(RELATION, relation.toString(), PURPOSE, purpose)));
    }

    /**
     * The charge for a release that takes this share of the scope's delta, for a budget by
     * {@linkplain Composition#basic(io.fedlearn.privacy.accounting.PrivacyAccountant) basic composition}; others pass over it.
     *
     * @param privacyDelta in (0, 1)
     */
    public static PrivacyCharge of(
            String scope, PrivacyEvent event, NeighboringRelation relation, String purpose, double privacyDelta) {
        if (!(privacyDelta > 0 && privacyDelta < 1)) {
            throw new IllegalArgumentException("privacyDelta must be in (0, 1), was " + privacyDelta);
        }
        PrivacyCharge charge = of(scope, event, relation, purpose);
        return new PrivacyCharge(scope, charge.mechanism(), charge.parameters().with(PRIVACY_DELTA, privacyDelta));
    }
}
