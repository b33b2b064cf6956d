package io.fedlearn.privacy.budget;

import io.fedlearn.core.budget.PrivacySpent;

/** The releases of a scope, added up. Immutable: {@link #add} gives another. */
interface Tally {
    /**
     * With further releases of one kind.
     *
     * @throws IllegalArgumentException if such a composition does not hold for the release, behind those before
     * @throws io.fedlearn.privacy.accounting.UnsupportedEventException if there is no proven bound for it
     */
    Tally add(Release release, long count);

    /** How it compares with a limit. */
    Weight weigh(PrivacySpent limit);

    /**
     * What was spent.
     *
     * @param epsilon an upper bound; infinite if there is none
     * @param privacyDelta at which it holds
     * @param fits whether that is within the limit
     */
    record Weight(double epsilon, double privacyDelta, boolean fits) {
        /** Nothing. */
        static final Weight NOTHING = new Weight(0, 0, true);
    }
}
