package io.fedlearn.pg.query;

import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.task.Config;
import io.fedlearn.formats.FormatException;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.audit.PgAuditLog;
import io.fedlearn.pg.budget.PgBudgets;
import io.fedlearn.pg.internal.Columns;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.privacy.query.PrivateQueries;
import io.fedlearn.privacy.query.PrivateQuery;
import io.fedlearn.privacy.query.QueryAnswer;
import io.fedlearn.privacy.query.QueryFailedException;
import io.fedlearn.privacy.query.QueryRecord;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;

/**
 * Answers questions about a table in PostgreSQL so that hardly anything can be learned about one person in it, and keeps what was
 * asked, what it cost and what became of it: {@link PrivateQueries} over a {@link PgQuerySource}, with budget and audit log in the
 * database.
 *
 * <p>{@link #ask} is three transactions, in this order:
 * <ol>
 *   <li>the debit and its audit record, {@value PgBudgets#DEBITED}, with the question and its cost: committed before a row is read;
 *   <li>the sums: one statement in a snapshot that nothing can be written in;
 *   <li>the audit record of the answer, {@value #ANSWERED}: committed before the answer is given away. No number is in it.
 * </ol>
 * It is not one transaction, which could be rolled back by what the data are, and then would have told that for nothing. So whatever ends
 * a query between debit and answer, a crash too, leaves the debit. A query that is refused ({@value #REFUSED}) costs nothing; one that
 * fails ({@value #FAILED}) has been paid for, or may have been, if it was the ledger that failed. Both are on record before whoever asked hears of it; if that cannot be written, they
 * hear of the failure instead. All records of a query have its id and the analyst.
 *
 * <p>The table, and budget and audit log, may be in different databases. Guarantees, and what they do not cover, are those of
 * {@link PrivateQueries}. Immutable and thread-safe.
 */
public final class PgPrivateQueries {
    /** What an answer is called in the audit log: {@value}. */
    public static final String ANSWERED = "query-answered";

    /** What a query that was neither debited nor answered is called in the audit log: {@value}. */
    public static final String REFUSED = "query-refused";

    /** What a query that was debited and not answered is called in the audit log: {@value}. */
    public static final String FAILED = "query-failed";

    /** The name of the audit log unless it is said: {@value}. */
    public static final String DEFAULT_AUDIT_LOG = "queries";

    /** How long an analyst's name may be, in characters: {@value}. */
    public static final int LONGEST_ANALYST = 500;

    private final PgQuerySource source;
    private final PrivacyBudget budget;
    private final PgAuditLog log;
    private final String scope;
    private final int minimumGroupSize;
    private final InstantSource clock;
    private final PrivateQueries engine;

    private PgPrivateQueries(Builder builder) {
        source = builder.source;
        budget = PgBudgets.of(builder.ledger).auditedIn(builder.auditLog).budget();
        log = PgAuditLog.of(builder.ledger, builder.auditLog);
        scope = builder.scope;
        minimumGroupSize = builder.minimumGroupSize;
        clock = builder.clock;
        engine = PrivateQueries.over(source, budget, scope)
                .minimumGroupSize(minimumGroupSize)
                .build();
    }

    /**
     * Queries over this table, paid for from the budget that this scope has in that schema ({@link PgBudgets#set}).
     *
     * @param ledger where budgets and audit log are
     * @param source the table
     * @param scope whose budget it is, such as {@code table/visits}
     */
    public static Builder over(PgSchema ledger, PgQuerySource source, String scope) {
        return new Builder(ledger, source, scope);
    }

    /**
     * Answers a question.
     *
     * @param analyst who asks, for the record: visible text
     * @throws IllegalArgumentException if the question does not fit the table's columns or cannot be protected so, or the scope has
     *     no budget; nothing was debited
     * @throws io.fedlearn.core.budget.PrivacyBudgetExceededException if the budget does not allow it; nothing was debited
     * @throws io.fedlearn.core.budget.PrivacyLedgerException if the debit could not be recorded; nothing was released
     * @throws QueryFailedException if the table could not be read; the debit stays
     * @throws PgException if what became of it could not be recorded; nothing was released, and the debit stays if there was one
     */
    public QueryAnswer ask(PrivateQuery query, String analyst) {
        Objects.requireNonNull(query, "query");
        requireName(analyst);
        Asked asked = new Asked(UUID.randomUUID().toString(), analyst);
        return PrivateQueries.over(source, asked, scope)
                .minimumGroupSize(minimumGroupSize)
                .listener(asked::tell)
                .build()
                .ask(query);
    }

    private static void requireName(String analyst) {
        if (analyst.isEmpty() || analyst.length() > LONGEST_ANALYST) {
            throw new IllegalArgumentException(
                    "analyst must have 1 to " + LONGEST_ANALYST + " characters, had " + analyst.length());
        }
        if (!Columns.isName(analyst)) {
            throw new IllegalArgumentException(
                    "analyst must be text without control characters, was " + FormatException.quote(analyst));
        }
    }

    /**
     * What {@link #ask} would debit; nothing is debited.
     *
     * @throws IllegalArgumentException as {@link #ask} does
     */
    public PrivacyCharge charge(PrivateQuery query) {
        return engine.charge(query);
    }

    /**
     * What has been spent in the scope.
     *
     * @throws IllegalArgumentException if the scope has no budget
     */
    public PrivacySpent spent() {
        return budget.spent(scope);
    }

    /** One query, from the question to what became of it. */
    private final class Asked implements PrivacyBudget {
        private final String id;
        private final String analyst;

        Asked(String id, String analyst) {
            this.id = id;
            this.analyst = analyst;
        }

        /** Debits the charge with who asked: the ledger's entry and the audit record have it. */
        @Override
        public PrivacySpent debit(PrivacyCharge charge) {
            return budget.debit(new PrivacyCharge(
                    charge.scope(),
                    charge.mechanism(),
                    charge.parameters().with("query", id).with("analyst", analyst)));
        }

        @Override
        public PrivacySpent spent(String ofScope) {
            return budget.spent(ofScope);
        }

        void tell(QueryRecord record) {
            Map<String, Object> fields = new HashMap<>();
            fields.put("query", id);
            fields.put("analyst", analyst);
            fields.put("scope", scope);
            fields.put("cost", record.charge().map(PrivacyCharge::mechanism).orElse("nothing"));
            String type = ANSWERED;
            if (record.outcome() != QueryRecord.Outcome.ANSWERED) {
                type = record.outcome() == QueryRecord.Outcome.REFUSED ? REFUSED : FAILED;
                fields.put("question", unicode(record.query().toString()));
                fields.put(
                        "reason",
                        record.failure()
                                .map(failure -> reason(record.outcome(), failure))
                                .orElse(""));
            }
            log.append(new AuditEvent(clock.instant(), type, Config.of(fields)));
        }

        /** Why it was refused. Of a failure, which may be owed to the data, no more than its kind. */
        private String reason(QueryRecord.Outcome outcome, Throwable failure) {
            if (outcome == QueryRecord.Outcome.REFUSED) {
                return unicode(String.valueOf(failure.getMessage()));
            }
            String state = failure instanceof PgException known
                    ? known.sqlState().map(code -> " " + code).orElse("")
                    : "";
            return failure.getClass().getName() + state;
        }

        /** A text that a record can have, whatever was asked: half a pair of surrogates is none. */
        private String unicode(String text) {
            StringBuilder valid = new StringBuilder();
            text.codePoints()
                    .map(point -> Character.getType(point) == Character.SURROGATE ? '\ufffd' : point)
                    .forEach(valid::appendCodePoint);
            return valid.toString();
        }
    }

    /** Settings of {@link PgPrivateQueries}. Confined to one thread at a time. */
    public static final class Builder {
        private final PgSchema ledger;
        private final PgQuerySource source;
        private final String scope;
        private int minimumGroupSize = PrivateQueries.DEFAULT_MINIMUM_GROUP_SIZE;
        private String auditLog = DEFAULT_AUDIT_LOG;
        private InstantSource clock = InstantSource.system();

        private Builder(PgSchema ledger, PgQuerySource source, String scope) {
            this.ledger = Objects.requireNonNull(ledger, "ledger");
            this.source = Objects.requireNonNull(source, "source");
            this.scope = Objects.requireNonNull(scope, "scope");
        }

        /**
         * How many persons a group has at least, by its noisy count; of smaller ones nothing else is told. 10 unless it is said
         * ({@link PrivateQueries#DEFAULT_MINIMUM_GROUP_SIZE}).
         *
         * @param persons at least 0, which suppresses nothing and costs nothing
         */
        public Builder minimumGroupSize(int persons) {
            if (persons < 0) {
                throw new IllegalArgumentException("minimumGroupSize must be >= 0, was " + persons);
            }
            this.minimumGroupSize = persons;
            return this;
        }

        /** The audit log that has all of it: {@value PgPrivateQueries#DEFAULT_AUDIT_LOG} unless it is said. */
        public Builder auditLog(String name) {
            this.auditLog = Objects.requireNonNull(name, "name");
            return this;
        }

        /** Where the time of records of answers comes from. */
        public Builder clock(InstantSource time) {
            this.clock = Objects.requireNonNull(time, "clock");
            return this;
        }

        /**
         * The queries.
         *
         * @throws PgException if the schema is not as this version of the library needs it
         */
        public PgPrivateQueries build() {
            return new PgPrivateQueries(this);
        }
    }
}
