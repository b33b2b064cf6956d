package io.fedlearn.pg.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.core.budget.PrivacyLedgerException;
import io.fedlearn.core.task.Config;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.pg.schema.PgRole;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.testkit.contract.PrivacyLedgerContract;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

class PgPrivacyLedgerIT extends PrivacyLedgerContract {
    private static final String SCOPE = "table/patients";

    private final PgSchema schema = TestPostgres.newSchema();
    private final PGSimpleDataSource database =
            (PGSimpleDataSource) schema.database().dataSource();

    @Override
    protected PrivacyLedger open() {
        return PgPrivacyLedger.of(schema);
    }

    private static PrivacyCharge charge(String scope) {
        return new PrivacyCharge(scope, "pure(epsilon=0.1)", Config.of(Map.of("relation", "add-remove")));
    }

    private PrivacyLedger filled() {
        PrivacyLedger ledger = open();
        for (int i = 0; i < 3; i++) {
            ledger.append(charge(SCOPE), i);
        }
        return ledger;
    }

    /** What only the tables' owner can do. */
    private void tamper(String statement) {
        TestPostgres.execute(
                database,
                "ALTER TABLE fedlearn.privacy_entry DISABLE TRIGGER USER",
                statement,
                "ALTER TABLE fedlearn.privacy_entry ENABLE TRIGGER USER");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "DELETE FROM fedlearn.privacy_entry WHERE number = 2 | entry 2 | missing",
                "DELETE FROM fedlearn.privacy_entry WHERE number = 1 | entry 1 | missing",
                "DELETE FROM fedlearn.privacy_entry WHERE number = 3 | entry 3 | 2 entries are there, and 3",
                "DELETE FROM fedlearn.privacy_entry | entry 1 | 0 entries are there, and 3",
                "UPDATE fedlearn.privacy_budget SET entries = 2 | entry 3 | 3 entries are there, and 2",
                "UPDATE fedlearn.privacy_entry SET number = 9 WHERE number = 3 | entry 3 | has number 9",
                "UPDATE fedlearn.privacy_entry SET parameters = '{\"relation\":' WHERE number = 2 | entry 2 | JSON",
                "UPDATE fedlearn.privacy_entry SET parameters = '[]' WHERE number = 2 | entry 2 | an object",
                "UPDATE fedlearn.privacy_entry SET mechanism = '' WHERE number = 1 | entry 1 | mechanism",
            })
    void refusesWhatIsNotAsItWasWritten(String statement, String where, String why) {
        PrivacyLedger ledger = filled();
        tamper(statement);

        Consumer<PrivacyLedgerException> says = e -> assertThat(e)
                .hasMessageContaining(SCOPE)
                .hasMessageContaining(where)
                .hasMessageContaining(why);
        assertThatExceptionOfType(PrivacyLedgerException.class)
                .isThrownBy(() -> ledger.entries(SCOPE))
                .satisfies(says);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "DELETE FROM fedlearn.privacy_entry WHERE number = 3 | 3",
                "UPDATE fedlearn.privacy_budget SET entries = 2 | 2",
            })
    void appendsNothingBehindAnEndThatWasCut(String statement, long known) {
        PrivacyLedger ledger = filled();
        tamper(statement);

        assertThatExceptionOfType(PrivacyLedgerException.class)
                .isThrownBy(() -> ledger.append(charge(SCOPE), known))
                .withMessageContaining(SCOPE)
                .withMessageContaining("the scope's last entry is");
    }

    @Test
    void refusesParametersThatWouldNotBeReadBack() {
        PrivacyLedger ledger = open();
        for (Object value : new Object[] {Long.MAX_VALUE, "half a pair: \ud83d"}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> ledger.append(
                            new PrivacyCharge(SCOPE, "pure(epsilon=1)", Config.of(Map.of("odd", value))), 0));
        }
        assertThat(ledger.scopes()).isEmpty();
        String nul = "a\u0000b";
        ledger.append(new PrivacyCharge(SCOPE, "pure(epsilon=1)", Config.of(Map.of("odd", nul))), 0);
        assertThat(ledger.entries(SCOPE).get(0).charge().parameters().getString("odd"))
                .contains(nul);
    }

    @Test
    void refusesScopesThatAreTooLong() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> open().append(charge("x".repeat(501)), 0))
                .withMessage("scope must have at most 500 characters, had 501");
        assertThat(open().append(charge("\u65e5".repeat(500)), 0)).isPresent();
    }

    // A pooler's sessions go on with the settings of when they began.
    @Tag("direct")
    @ParameterizedTest
    @CsvSource({"0, 1min", "5s, 5s"})
    void boundsHowLongWhoFallsSilentHoldsAScope(String ofTheServer, String bound) {
        TestPostgres.execute(
                database,
                "ALTER DATABASE " + database.getDatabaseName() + " SET idle_in_transaction_session_timeout = '"
                        + ofTheServer + "'");
        List<String> bounds = new ArrayList<>();
        PgPrivacyLedger ledger = PgPrivacyLedger.of(schema).recordedBy((connection, entry) -> {
            try (Statement show = connection.createStatement();
                    ResultSet rows = show.executeQuery("SHOW idle_in_transaction_session_timeout")) {
                rows.next();
                bounds.add(rows.getString(1));
            }
        });

        ledger.append(charge(SCOPE), 0);
        ledger.append(charge(SCOPE), 1);

        assertThat(bounds).containsExactly(bound, bound);
    }

    @ParameterizedTest
    @ValueSource(strings = {"read committed", "repeatable read", "serializable"})
    void debitsBehindWhoItWaitedForAtWhateverLevelTheRoleDefaultsTo(String level) throws Exception {
        PrivacyLedger ledger = filled();
        TestPostgres.execute(
                database,
                "ALTER DATABASE " + database.getDatabaseName() + " SET default_transaction_isolation = '" + level
                        + "'");
        try (Connection holder = database.getConnection();
                Statement hold = holder.createStatement()) {
            holder.setAutoCommit(false);
            hold.execute("UPDATE fedlearn.privacy_budget SET turn = NULL");
            CompletableFuture<Optional<LedgerEntry>> debit =
                    CompletableFuture.supplyAsync(() -> ledger.append(charge(SCOPE), 3));
            awaitWaiting();
            holder.commit();

            assertThat(debit.get(60, TimeUnit.SECONDS)).isPresent();
        }
        assertThat(ledger.entries(SCOPE)).hasSize(4);
    }

    private void awaitWaiting() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (TestPostgres.rows(
                        database,
                        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
                .isEmpty()) {
            assertThat(System.nanoTime()).as("a debit waits").isLessThan(deadline);
        }
    }

    @Test
    void letsWhoDebitsDoNothingElse() {
        filled();
        PGSimpleDataSource analyst = TestPostgres.asNewRole(database);
        schema.grant(PgRole.ANALYST, String.valueOf(analyst.getUser()));

        assertThat(PgPrivacyLedger.of(PgSchema.of(analyst)).append(charge(SCOPE), 3))
                .isPresent();
        assertThat(PgPrivacyLedger.of(PgSchema.of(analyst)).append(charge("another"), 0))
                .isPresent();
        for (String statement : new String[] {
            "UPDATE fedlearn.privacy_budget SET entries = 0",
            "UPDATE fedlearn.privacy_budget SET epsilon = 10",
            "INSERT INTO fedlearn.privacy_budget (scope, epsilon, privacy_delta, composition)"
                    + " VALUES ('mine', 1000, 0, 'pure add-remove')",
            "DELETE FROM fedlearn.privacy_budget",
            "DELETE FROM fedlearn.privacy_entry",
            "UPDATE fedlearn.privacy_entry SET mechanism = 'none'",
            "INSERT INTO fedlearn.privacy_entry VALUES ('table/patients', 9, now(), 'none', '{}')",
            "INSERT INTO fedlearn.privacy_entry VALUES ('table/patients', 1, now(), 'none', '{}')",
            "TRUNCATE fedlearn.privacy_budget CASCADE"
        }) {
            assertThatExceptionOfType(IllegalStateException.class)
                    .as(statement)
                    .isThrownBy(() -> TestPostgres.execute(analyst, statement));
        }
        assertThat(open().entries(SCOPE)).hasSize(4);
    }
}
