package io.fedlearn.examples.credit;

import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.formats.audit.AuditReport;
import io.fedlearn.pg.audit.PgAuditLog;
import io.fedlearn.pg.budget.BudgetStatement;
import io.fedlearn.pg.budget.PgBudgets;
import io.fedlearn.pg.budget.PrivacyLimit;
import io.fedlearn.pg.query.PgPrivateQueries;
import io.fedlearn.pg.query.PgQuerySource;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.privacy.query.Aggregate;
import io.fedlearn.privacy.query.Estimate;
import io.fedlearn.privacy.query.GroupAnswer;
import io.fedlearn.privacy.query.Noise;
import io.fedlearn.privacy.query.PrivateQuery;
import io.fedlearn.privacy.query.Uncertainty;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a bank tells of its customers: answers to private questions, paid from a budget of its own, which it keeps with an audit log of
 * its own in its own database.
 *
 * @param bank whose
 * @param facts that were answered
 * @param refused what was not, and why
 * @param budget of the bank's table, after that
 * @param log the name of the bank's audit log
 * @param audit whether that log is as it was written
 */
record Summary(
        String bank, List<Fact> facts, List<String> refused, BudgetStatement budget, String log, AuditReport audit) {
    /** What may be learned about a customer of a bank from all summaries together, ever: {@value}. */
    static final double LIMIT = 1.0;

    private static final double EACH = 0.1;
    private static final String SCOPE = "table/customers";
    private static final String ANALYST = "compliance report";

    /**
     * An answer.
     *
     * @param value with noise
     * @param low and high: where the exact number is with a probability of 95 %
     */
    record Fact(String what, double value, double low, double high) {}

    /** Asks a bank. */
    static Summary of(Bank bank) {
        PgSchema schema = bank.site().schema();
        String log = PgPrivateQueries.DEFAULT_AUDIT_LOG;
        PgBudgets budgets = PgBudgets.of(schema).auditedIn(log);
        if (budgets.limit(SCOPE).isEmpty()) {
            budgets.set(SCOPE, PrivacyLimit.ofQueries(LIMIT));
        }
        PgQuerySource source = PgQuerySource.of(
                bank.reader(), bank.site().tables(), CreditTable.CUSTOMERS.name(), CreditTable.CUSTOMERS.key());
        PgPrivateQueries queries =
                PgPrivateQueries.over(schema, source, SCOPE).auditLog(log).build();
        List<Fact> facts = new ArrayList<>();
        List<String> refused = new ArrayList<>();
        questions().forEach((what, query) -> {
            try {
                List<GroupAnswer> groups = queries.ask(query, ANALYST).groups();
                for (GroupAnswer group : groups) {
                    String name = groups.size() == 1 ? what : what + ": " + group.key();
                    if (group.isSuppressed()) {
                        refused.add(name + ": too few customers");
                    } else {
                        facts.add(fact(name, group.estimates().get(0)));
                    }
                }
            } catch (PrivacyBudgetExceededException e) {
                refused.add(what + ": the budget is spent");
            }
        });
        return new Summary(
                bank.name(),
                List.copyOf(facts),
                List.copyOf(refused),
                budgets.statement(SCOPE),
                log,
                PgAuditLog.of(schema, log).verify());
    }

    private static Map<String, PrivateQuery> questions() {
        Noise noise = Noise.laplace(EACH);
        Map<String, PrivateQuery> questions = new LinkedHashMap<>();
        questions.put(
                "customers by default",
                PrivateQuery.of(Aggregate.count(), noise).groupedBy(CreditTable.CUSTOMERS.label(), "true", "false"));
        questions.put("mean limit", PrivateQuery.of(Aggregate.mean("limit_bal", 0, 1_000_000), noise));
        questions.put("mean age", PrivateQuery.of(Aggregate.mean("age", 18, 100), noise));
        return questions;
    }

    private static Fact fact(String what, Estimate estimate) {
        double value = estimate.value();
        return estimate.uncertainty() instanceof Uncertainty.InValue in
                ? new Fact(what, value, in.low(), in.high())
                : new Fact(what, value, value, value);
    }
}
