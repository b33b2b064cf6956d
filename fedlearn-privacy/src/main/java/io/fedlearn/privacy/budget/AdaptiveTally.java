package io.fedlearn.privacy.budget;

import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.privacy.accounting.PrivacyAccountant;

/** Releases composed one after the other by an accountant whose bound holds for freely chosen ones. */
final class AdaptiveTally implements Tally {
    private final PrivacyAccountant accountant;
    private final boolean isEmpty;

    AdaptiveTally(PrivacyAccountant accountant) {
        this(accountant, true);
    }

    private AdaptiveTally(PrivacyAccountant accountant, boolean isEmpty) {
        this.accountant = accountant;
        this.isEmpty = isEmpty;
    }

    @Override
    public Tally add(Release release, long count) {
        return new AdaptiveTally(accountant.compose(release.event(), count), false);
    }

    @Override
    public Weight weigh(PrivacySpent limit) {
        if (isEmpty) {
            return Weight.NOTHING;
        }
        double epsilon = accountant.epsilon(limit.privacyDelta());
        return new Weight(epsilon, limit.privacyDelta(), epsilon <= limit.epsilon());
    }
}
