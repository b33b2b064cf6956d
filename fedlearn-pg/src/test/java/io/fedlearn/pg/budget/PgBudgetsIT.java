package io.fedlearn.pg.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacyLedgerException;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.pg.audit.PgAuditLog;
import io.fedlearn.pg.schema.PgRole;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.budget.PrivacyCharges;
import io.fedlearn.testkit.contract.PrivacyBudgetContract;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.postgresql.ds.PGSimpleDataSource;

class PgBudgetsIT extends PrivacyBudgetContract {
    private static final NeighboringRelation RELATION = NeighboringRelation.ADD_OR_REMOVE_ONE;
    private static final String SCOPE = "table/accounts";

    private final PgSchema schema = TestPostgres.newSchema();
    private final PGSimpleDataSource database =
            (PGSimpleDataSource) schema.database().dataSource();

    @Override
    protected PrivacyBudget open() {
        PgBudgets budgets = PgBudgets.of(schema);
        budgets.set("run-1", PrivacyLimit.ofQueries(0.3));
        budgets.set("run-2", PrivacyLimit.ofQueries(0.3));
        return budgets.budget();
    }

    @Override
    protected PrivacyCharge charge(String scope) {
        return charge(scope, 0.1);
    }

    @Override
    protected int affordableCharges() {
        return 3;
    }

    private static PrivacyCharge charge(String scope, double epsilon) {
        return PrivacyCharges.of(scope, new PrivacyEvent.PureLoss(epsilon), RELATION, "a question");
    }

    @Test
    void holdsEveryProcessToTheLimitThatTheRowHas() {
        PgBudgets administrator = PgBudgets.of(schema);
        PrivacyBudget one = PgBudgets.of(schema).budget();
        PrivacyBudget other = PgBudgets.of(schema).budget();
        administrator.set(SCOPE, PrivacyLimit.ofQueries(0.2));
        one.debit(charge(SCOPE));
        other.debit(charge(SCOPE));
        assertThatExceptionOfType(PrivacyBudgetExceededException.class).isThrownBy(() -> one.debit(charge(SCOPE)));

        administrator.set(SCOPE, PrivacyLimit.ofQueries(0.4));
        assertThat(one.debit(charge(SCOPE)).epsilon()).isEqualTo(0.3);

        // One of them knows the old limit still, which would have let it in.
        administrator.set(SCOPE, PrivacyLimit.ofQueries(0.3));
        assertThatExceptionOfType(PrivacyBudgetExceededException.class)
                .isThrownBy(() -> one.debit(charge(SCOPE)))
                .satisfies(e -> assertThat(e.limit()).isEqualTo(new PrivacySpent(0.3, 0)));
        administrator.set(SCOPE, PrivacyLimit.ofQueries(0.05));
        assertThatExceptionOfType(PrivacyBudgetExceededException.class)
                .isThrownBy(() -> other.debit(charge(SCOPE, 0.01)));
        assertThat(administrator.statement(SCOPE))
                .isEqualTo(new BudgetStatement(SCOPE, PrivacyLimit.ofQueries(0.05), new PrivacySpent(0.3, 0), 3));
    }

    @Test
    void refusesScopesThatNobodyGaveALimit() {
        PgBudgets budgets = PgBudgets.of(schema);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> budgets.budget().debit(charge("table/unknown")))
                .withMessageContaining("scope 'table/unknown' has no privacy budget");
        assertThatIllegalArgumentException().isThrownBy(() -> budgets.statement("a\u0000b"));
        assertThat(budgets.ledger().scopes()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void readsEveryRuleBack(CompositionRule rule) {
        PgBudgets budgets = PgBudgets.of(schema);
        for (NeighboringRelation relation : NeighboringRelation.values()) {
            PrivacyLimit limit = new PrivacyLimit(1.5, 1e-6, rule, relation);
            budgets.set(SCOPE, limit);
            assertThat(budgets.limit(SCOPE)).contains(limit);
        }
    }

    @Test
    void refusesALimitThatIsNone() {
        PgBudgets budgets = PgBudgets.of(schema);
        budgets.set(SCOPE, PrivacyLimit.ofQueries(1));
        for (String change :
                new String[] {"composition = 'magic add-remove'", "composition = 'pure'", "epsilon = 'NaN'"}) {
            TestPostgres.execute(database, "UPDATE fedlearn.privacy_budget SET " + change);
            assertThatExceptionOfType(PrivacyLedgerException.class)
                    .as(change)
                    .isThrownBy(() -> budgets.budget().debit(charge(SCOPE)))
                    .withMessageContaining("the limit of scope '" + SCOPE + "' is none");
            budgets.set(SCOPE, PrivacyLimit.ofQueries(1));
        }
    }

    @Test
    void letsNobodySetALimitWhoMayOnlyDebit() {
        PgBudgets.of(schema).set(SCOPE, PrivacyLimit.ofQueries(1));
        for (PgRole part : List.of(PgRole.ANALYST, PgRole.COORDINATOR, PgRole.TRAINER, PgRole.AUDITOR)) {
            PGSimpleDataSource as = TestPostgres.asNewRole(database);
            schema.grant(part, String.valueOf(as.getUser()));
            PgBudgets budgets = PgBudgets.of(PgSchema.of(as));
            for (String scope : List.of(SCOPE, "table/new")) {
                assertThatExceptionOfType(PgException.class)
                        .as("%s", part)
                        .isThrownBy(() -> budgets.set(scope, PrivacyLimit.ofQueries(1000)))
                        .withMessageContaining("permission denied");
            }
            assertThat(budgets.statement(SCOPE).limit()).isEqualTo(PrivacyLimit.ofQueries(1));
        }
    }

    @Test
    void recordsDebitsAndLimitsInTheSameTransaction() {
        PgBudgets budgets = PgBudgets.of(schema).auditedIn("queries");
        budgets.set(SCOPE, PrivacyLimit.ofQueries(1));
        budgets.budget().debit(charge(SCOPE));
        assertThat(PgAuditLog.of(schema, "queries").head().sequence()).isEqualTo(2);
        assertThat(TestPostgres.rows(
                        database,
                        "SELECT type || ' ' || (fields->>'scope') || ' ' || coalesce(fields->>'parameter.purpose', fields->>'limit')"
                                + " FROM fedlearn.audit_record ORDER BY sequence"))
                .containsExactly(
                        "privacy-limit-set table/accounts (epsilon 1.0, delta 0.0) by pure add-remove",
                        "privacy-debit table/accounts a question");

        // What cannot be recorded is not debited.
        TestPostgres.execute(database, "ALTER TABLE fedlearn.audit_record RENAME TO gone");
        assertThatExceptionOfType(PrivacyLedgerException.class)
                .isThrownBy(() -> budgets.budget().debit(charge(SCOPE)));
        assertThat(budgets.ledger().entries(SCOPE)).hasSize(1);
    }

    @Test
    void neverOverspendsFromManyThreadsOverSeveralBudgets() throws Exception {
        PgBudgets.of(schema).set(SCOPE, PrivacyLimit.ofQueries(2));
        ExecutorService threads = Executors.newFixedThreadPool(24);
        int admitted = 0;
        try {
            List<Callable<Integer>> analysts = new ArrayList<>();
            for (int budget = 0; budget < 3; budget++) {
                PrivacyBudget shared = PgBudgets.of(schema).auditedIn("queries").budget();
                for (int analyst = 0; analyst < 8; analyst++) {
                    analysts.add(() -> {
                        int debits = 0;
                        for (int i = 0; i < 10; i++) {
                            try {
                                shared.debit(charge(SCOPE, 0.02));
                                debits++;
                            } catch (PrivacyBudgetExceededException e) {
                                // as it should be for all but a hundred
                            }
                        }
                        return debits;
                    });
                }
            }
            for (Future<Integer> analyst : threads.invokeAll(analysts, 60, TimeUnit.SECONDS)) {
                admitted += analyst.get();
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(admitted).isEqualTo(100);
        BigDecimal sum = PgPrivacyLedger.of(schema).entries(SCOPE).stream()
                .map(entry -> new BigDecimal(entry.charge().mechanism().replaceAll("[^0-9.]", "")))
                .reduce(BigDecimal.ZERO, BigDecimal::add);
        assertThat(sum).isEqualByComparingTo("2");
        assertThat(PgAuditLog.of(schema, "queries").head().sequence()).isEqualTo(100);
    }
}
