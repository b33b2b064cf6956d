package io.fedlearn.privacy.site;

import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacySpent;
import java.util.ArrayList;
import java.util.List;

/** Allows so many charges, and keeps them. */
final class RecordingBudget implements PrivacyBudget {
    final List<PrivacyCharge> charges = new ArrayList<>();
    private final int most;

    RecordingBudget(int most) {
        this.most = most;
    }

    @Override
    public synchronized PrivacySpent debit(PrivacyCharge charge) {
        if (charges.size() == most) {
            throw new PrivacyBudgetExceededException(
                    charge.scope(), spent(charge.scope()), spent(charge.scope()), 99, 1e-5);
        }
        charges.add(charge);
        return spent(charge.scope());
    }

    @Override
    public synchronized PrivacySpent spent(String scope) {
        return new PrivacySpent(charges.size() * 0.5, 1e-5);
    }
}
