package io.fedlearn.privacy.query;

import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacySpent;
import java.util.ArrayList;
import java.util.List;

/** Allows so many charges, and remembers them. */
class SpyBudget implements PrivacyBudget {
    final List<PrivacyCharge> charges = new ArrayList<>();
    private final int allowed;

    SpyBudget(int allowed) {
        this.allowed = allowed;
    }

    static SpyBudget unlimited() {
        return new SpyBudget(Integer.MAX_VALUE);
    }

    @Override
    public PrivacySpent debit(PrivacyCharge charge) {
        if (charges.size() == allowed) {
            PrivacySpent spent = spent(charge.scope());
            throw new PrivacyBudgetExceededException(charge.scope(), spent, spent, allowed + 1, 0);
        }
        charges.add(charge);
        return spent(charge.scope());
    }

    @Override
    public PrivacySpent spent(String scope) {
        return new PrivacySpent(charges.size(), 0);
    }
}
