package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacySpent;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Tests the rules of {@link PrivacyBudget}; a subclass supplies the budget, a charge, and how often the charge fits the budget.
 * Numbers in the names of the tests are those of the rules.
 */
public abstract class PrivacyBudgetContract {
    private static final String SCOPE = "run-1";
    private static final String OTHER_SCOPE = "run-2";

    /** For subclasses. */
    protected PrivacyBudgetContract() {}

    /**
     * Opens the budgets at this test's place, with the same budget for every scope: nothing is spent at first; after that, the
     * same place again.
     */
    protected abstract PrivacyBudget open() throws Exception;

    /** A charge in this scope, always of the same cost. */
    protected abstract PrivacyCharge charge(String scope);

    /** How often {@link #charge} fits the budget of a scope: at least 2. */
    protected abstract int affordableCharges();

    /** Whether what was spent is still known after the budget was opened again. By default it is. */
    protected boolean isDurable() {
        return true;
    }

    private PrivacyBudget spendAll() throws Exception {
        PrivacyBudget budget = open();
        for (int i = 0; i < affordableCharges(); i++) {
            budget.debit(charge(SCOPE));
        }
        return budget;
    }

    @Test
    @DisplayName("spent: nothing at first, then what debit said")
    void saysWhatIsSpent() throws Exception {
        PrivacyBudget budget = open();
        assertThat(budget.spent(SCOPE)).isEqualTo(new PrivacySpent(0, 0));

        PrivacySpent first = budget.debit(charge(SCOPE));

        assertThat(first.epsilon() + first.privacyDelta()).isPositive();
        assertThat(budget.spent(SCOPE)).isEqualTo(first);
    }

    @Test
    @DisplayName("rule 1: a debit is known after the budget was opened again")
    void remembersDebits() throws Exception {
        assumeTrue(isDurable());
        PrivacySpent spent = open().debit(charge(SCOPE));

        assertThat(open().spent(SCOPE)).isEqualTo(spent);
        spendTheRest(open(), affordableCharges() - 1);
        PrivacyBudget again = open();
        assertThatExceptionOfType(PrivacyBudgetExceededException.class).isThrownBy(() -> again.debit(charge(SCOPE)));
    }

    private void spendTheRest(PrivacyBudget budget, int charges) {
        for (int i = 0; i < charges; i++) {
            budget.debit(charge(SCOPE));
        }
    }

    @Test
    @DisplayName("rule 2: what would overspend is refused, names its scope, and debits nothing")
    void refusesToOverspend() throws Exception {
        PrivacyBudget budget = spendAll();
        PrivacySpent before = budget.spent(SCOPE);

        assertThatExceptionOfType(PrivacyBudgetExceededException.class)
                .isThrownBy(() -> budget.debit(charge(SCOPE)))
                .satisfies(e -> assertThat(e.scope()).isEqualTo(SCOPE));

        assertThat(budget.spent(SCOPE)).isEqualTo(before);
    }

    @Test
    @DisplayName("rule 2: each scope has a budget of its own")
    void keepsScopesApart() throws Exception {
        PrivacyBudget budget = spendAll();

        assertThat(budget.spent(OTHER_SCOPE)).isEqualTo(new PrivacySpent(0, 0));
        budget.debit(charge(OTHER_SCOPE));
    }

    @Test
    @DisplayName("rule 3: concurrent debits never overspend together")
    void concurrentDebitsDoNotOverspend() throws Exception {
        PrivacyBudget budget = open();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        int debited = 0;
        try {
            List<Callable<Boolean>> attempts = new ArrayList<>();
            for (int i = 0; i < 4 * affordableCharges() + 8; i++) {
                attempts.add(() -> {
                    try {
                        budget.debit(charge(SCOPE));
                        return true;
                    } catch (PrivacyBudgetExceededException e) {
                        return false;
                    }
                });
            }
            for (Future<Boolean> attempt : threads.invokeAll(attempts, 60, TimeUnit.SECONDS)) {
                if (attempt.get()) {
                    debited++;
                }
            }
        } finally {
            threads.shutdownNow();
        }

        assertThat(debited).isEqualTo(affordableCharges());
    }

    @Test
    @DisplayName("rule 4: what is spent only grows")
    void neverUndoesADebit() throws Exception {
        PrivacyBudget budget = open();
        double epsilon = 0;
        double privacyDelta = 0;
        for (int i = 0; i < affordableCharges(); i++) {
            PrivacySpent spent = budget.debit(charge(SCOPE));
            assertThat(spent.epsilon()).isGreaterThanOrEqualTo(epsilon);
            assertThat(spent.privacyDelta()).isGreaterThanOrEqualTo(privacyDelta);
            assertThat(spent.epsilon() + spent.privacyDelta()).isGreaterThan(epsilon + privacyDelta);
            epsilon = spent.epsilon();
            privacyDelta = spent.privacyDelta();
        }
    }
}
