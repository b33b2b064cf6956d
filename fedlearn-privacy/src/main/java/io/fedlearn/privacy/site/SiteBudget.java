package io.fedlearn.privacy.site;

import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.accounting.UnsupportedEventException;
import io.fedlearn.privacy.budget.PrivacyCharges;

/**
 * What a site debits before it answers.
 *
 * @param budget the site's
 * @param scope of the site's data
 */
record SiteBudget(PrivacyBudget budget, String scope) {
    SiteBudget {
        if (scope.isEmpty()) {
            throw new IllegalArgumentException("scope must not be empty");
        }
    }

    /**
     * Debits a release.
     *
     * @param what is asked of the budget, for the reason why it is declined: it must not depend on the data
     * @throws TaskDeclinedException if the budget does not allow it, or cannot weigh it beside what it holds; nothing is debited
     */
    PrivacySpent debit(PrivacyEvent event, NeighboringRelation relation, String purpose, String what) {
        try {
            return budget.debit(PrivacyCharges.of(scope, event, relation, purpose));
        } catch (PrivacyBudgetExceededException e) {
            throw new TaskDeclinedException("the site's privacy budget does not allow " + what + ": " + e.getMessage());
        } catch (IllegalArgumentException | UnsupportedEventException e) {
            // Charge and reason come of settings and of earlier charges, so they may be told.
            throw new TaskDeclinedException("the site's privacy budget cannot weigh " + what + ": " + e.getMessage());
        }
    }
}
