package io.fedlearn.pg.budget;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.budget.PrivacySpent;
import org.junit.jupiter.api.Test;

class BudgetStatementTest {
    private static String text(double spent, double limit) {
        return new BudgetStatement("table/a", PrivacyLimit.ofQueries(limit), new PrivacySpent(spent, 0), 3).toString();
    }

    @Test
    void showsWhatWasSpentWithFewDigits() {
        assertThat(text(0.9999999999999966, 1))
                .isEqualTo("table/a: epsilon 1.0 of 1.0, privacyDelta 0.0 of 0.0, debits: 3");
        assertThat(text(0.3, 1)).startsWith("table/a: epsilon 0.3 of 1.0,");
        assertThat(text(0, 1)).startsWith("table/a: epsilon 0.0 of 1.0,");
    }

    @Test
    void neverUnderstatesIt() {
        assertThat(text(0.12345601, 1)).contains("epsilon 0.123457 of");
        assertThat(text(1234567.25, 2e6)).contains("epsilon 1234570.0 of");
    }

    @Test
    void showsNoMoreThanTheLimitUnlessMoreWasSpent() {
        assertThat(text(0.1000000001, 0.1000000002)).contains("epsilon 0.1000000002 of 0.1000000002,");
        assertThat(text(1.000000001, 1)).contains("epsilon 1.00001 of 1.0,");
    }
}
