package io.fedlearn.pg.budget;

import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.task.Config;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.internal.AuditTrail;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.privacy.budget.LedgerBudget;
import java.sql.PreparedStatement;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Privacy budgets whose limits are rows of {@code privacy_budget}, the same for all processes. An administrator sets them
 * ({@link #set}); the roles that debit ({@link io.fedlearn.pg.schema.PgRole}) may not change them, and the database holds them to that.
 *
 * <p>Each debit is weighed against the limit that its scope's row has in the transaction that debits: once {@link #set} has returned,
 * nobody debits beyond it. Limits may be raised, and lowered, below what is spent too: then everything is refused. Thread-safe.
 */
public final class PgBudgets {
    /** What a scope's limit being set is called in an audit log: {@value}; fields {@code scope} and {@code limit}. */
    public static final String LIMIT_SET = "privacy-limit-set";

    /**
     * What a debit is called in an audit log: {@value}; fields {@code scope}, {@code number}, {@code mechanism} and, for each parameter
     * of the charge, {@code parameter.} and its name, as in a ledger in a file.
     */
    public static final String DEBITED = "privacy-debit";

    private final PgPrivacyLedger ledger;
    private final Optional<AuditTrail> trail;
    private final Map<String, Weighing> weighings = new ConcurrentHashMap<>();
    private final PrivacyBudget budget = new RowsBudget();

    private PgBudgets(PgPrivacyLedger ledger, Optional<AuditTrail> trail) {
        this.ledger = ledger;
        this.trail = trail;
    }

    /**
     * The budgets in this schema.
     *
     * @throws PgException if the schema is not as this version of the library needs it
     */
    public static PgBudgets of(PgSchema schema) {
        return new PgBudgets(PgPrivacyLedger.of(schema), Optional.empty());
    }

    /**
     * These budgets, with each debit and each limit that is set on record in the audit log of this name in the same schema: in the same
     * transaction, so that neither is there without the other.
     *
     * @throws IllegalArgumentException if the name is empty or holds U+0000
     */
    public PgBudgets auditedIn(String log) {
        AuditTrail audit = AuditTrail.of(ledger.database(), log);
        return new PgBudgets(
                ledger.recordedBy((connection, entry) -> audit.append(connection, debited(entry))), Optional.of(audit));
    }

    private static AuditEvent debited(LedgerEntry entry) {
        Map<String, Object> fields = new HashMap<>();
        fields.put("scope", entry.charge().scope());
        fields.put("number", entry.number());
        fields.put("mechanism", entry.charge().mechanism());
        entry.charge().parameters().asMap().forEach((name, value) -> fields.put("parameter." + name, value));
        return new AuditEvent(entry.time(), DEBITED, Config.of(fields));
    }

    /** The name of the audit log, if there is one. */
    public Optional<String> auditLog() {
        return trail.map(AuditTrail::log);
    }

    /** The ledger under the budgets. */
    public PrivacyLedger ledger() {
        return ledger;
    }

    /**
     * Sets what may be spent in a scope, ever, what is already spent included. For a role that may change the rows of limits, such as
     * the schema's owner.
     *
     * @throws IllegalArgumentException if no charge could have this scope
     * @throws PgException if it cannot be done, such as for want of the right
     */
    public void set(String scope, PrivacyLimit limit) {
        requireScope(scope);
        Database database = ledger.database();
        database.inTransaction("the limit of scope '" + scope + "' cannot be set", connection -> {
            try (PreparedStatement upsert = connection.prepareStatement(database.sql(
                    "INSERT INTO {s}.privacy_budget (scope, epsilon, privacy_delta, composition) VALUES (?, ?, ?, ?)"
                            + " ON CONFLICT (scope) DO UPDATE SET epsilon = excluded.epsilon,"
                            + " privacy_delta = excluded.privacy_delta, composition = excluded.composition"))) {
                upsert.setString(1, scope);
                upsert.setDouble(2, limit.epsilon());
                upsert.setDouble(3, limit.privacyDelta());
                upsert.setString(4, limit.compositionText());
                upsert.executeUpdate();
            }
            if (trail.isPresent()) {
                trail.get()
                        .append(
                                connection,
                                new AuditEvent(
                                        Instant.now(),
                                        LIMIT_SET,
                                        Config.of(Map.of("scope", scope, "limit", limit.toString()))));
            }
            return limit;
        });
    }

    private static void requireScope(String scope) {
        // As a charge has it, and as long as a row can be found by it.
        new PrivacyCharge(scope, "limit", Config.empty());
        if (scope.length() > PgPrivacyLedger.LONGEST_SCOPE) {
            throw new IllegalArgumentException(
                    "scope must have at most " + PgPrivacyLedger.LONGEST_SCOPE + " characters, had " + scope.length());
        }
    }

    /** What may be spent in a scope; empty if nobody said. */
    public Optional<PrivacyLimit> limit(String scope) {
        return ledger.limit(scope);
    }

    /**
     * What may be spent in a scope, and what is.
     *
     * @throws IllegalArgumentException if the scope has no limit
     */
    public BudgetStatement statement(String scope) {
        Weighing weighing = weighing(scope);
        return new BudgetStatement(
                scope,
                weighing.limit,
                weighing.budget.spent(scope),
                ledger.entries(scope).size());
    }

    /** A budget for every scope that has a limit. */
    public PrivacyBudget budget() {
        return budget;
    }

    /** The budget of one scope under one limit. */
    private static final class Weighing {
        final PrivacyLimit limit;
        final LedgerBudget budget;

        Weighing(String scope, PrivacyLimit limit, PgPrivacyLedger ledger) {
            this.limit = limit;
            this.budget = LedgerBudget.builder(new UnderLimit(ledger, limit), limit.composition())
                    .limit(scope, limit.epsilon(), limit.privacyDelta())
                    .build();
        }
    }

    /** The budget of a scope under the limit that its row has now. */
    private Weighing weighing(String scope) {
        PrivacyLimit limit = ledger.limit(scope)
                .orElseThrow(() -> new IllegalArgumentException("scope '" + scope + "' has no privacy budget in "
                        + ledger.database() + "; an administrator sets one with PgBudgets.set"));
        return weighings.compute(
                scope,
                (name, known) ->
                        known != null && known.limit.equals(limit) ? known : new Weighing(name, limit, ledger));
    }

    private final class RowsBudget implements PrivacyBudget {
        @Override
        public PrivacySpent debit(PrivacyCharge charge) {
            String scope = charge.scope();
            Weighing known = weighings.get(scope);
            Weighing weighing = known == null ? weighing(scope) : known;
            while (true) {
                try {
                    return weighing.budget.debit(charge);
                } catch (LimitChangedException e) {
                    weighing = weighing(scope);
                } catch (PrivacyBudgetExceededException e) {
                    // Nothing was appended, so nobody compared limits: perhaps it was raised.
                    Weighing now = weighing(scope);
                    if (now.limit.equals(weighing.limit)) {
                        throw e;
                    }
                    weighing = now;
                }
            }
        }

        @Override
        public PrivacySpent spent(String scope) {
            return weighing(scope).budget.spent(scope);
        }
    }

    /** The ledger, which takes an entry only while the limit is the one that it was weighed against. */
    private static final class UnderLimit implements PrivacyLedger {
        private final PgPrivacyLedger ledger;
        private final PrivacyLimit limit;

        UnderLimit(PgPrivacyLedger ledger, PrivacyLimit limit) {
            this.ledger = ledger;
            this.limit = limit;
        }

        @Override
        public Optional<LedgerEntry> append(PrivacyCharge charge, long known) {
            return ledger.append(charge, known, Optional.of(limit));
        }

        @Override
        public List<LedgerEntry> entries(String scope, long known) {
            return ledger.entries(scope, known);
        }

        @Override
        public Set<String> scopes() {
            return ledger.scopes();
        }

        @Override
        public void close() {}
    }
}
