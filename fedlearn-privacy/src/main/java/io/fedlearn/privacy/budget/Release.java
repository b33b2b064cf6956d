package io.fedlearn.privacy.budget;

import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;

/**
 * What a charge pays for.
 *
 * @param event that is released
 * @param privacyDelta the share of the scope's delta; 0 if the charge names none
 */
record Release(PrivacyEvent event, double privacyDelta) {
    /**
     * Reads a charge.
     *
     * @throws IllegalArgumentException if it is not one that {@link PrivacyCharges} makes, or is of another relation
     */
    static Release of(PrivacyCharge charge, NeighboringRelation relation) {
        String name = charge.parameters()
                .getString(PrivacyCharges.RELATION)
                .orElseThrow(() ->
                        new IllegalArgumentException("a charge must have the parameter '" + PrivacyCharges.RELATION
                                + "', had " + charge.parameters().names()));
        if (NeighboringRelation.parse(name) != relation) {
            throw new IllegalArgumentException(
                    "a charge of scope '" + charge.scope() + "' must be under " + relation + ", was under " + name);
        }
        double privacyDelta =
                charge.parameters().getDouble(PrivacyCharges.PRIVACY_DELTA).orElse(0.0);
        if (!(privacyDelta >= 0 && privacyDelta < 1)) {
            throw new IllegalArgumentException(
                    "parameter '" + PrivacyCharges.PRIVACY_DELTA + "' must be in [0, 1), was " + privacyDelta);
        }
        return new Release(PrivacyEvent.parse(charge.mechanism()), privacyDelta);
    }
}
