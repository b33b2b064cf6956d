package io.fedlearn.pg.schema;

import java.util.List;

/**
 * What a role of the database is for, and so what it may do in the schema of FedLearn. Rights to training data are not among them: who
 * reads patients' rows is granted that by whoever owns them.
 */
public enum PgRole {
    /** Reads runs, rounds, models and the registry: dashboards, and applications that load a model. */
    READER(
            "GRANT SELECT ON {s}.model, {s}.model_chunk, {s}.run, {s}.run_lease, {s}.checkpoint, {s}.checkpoint_state, {s}.round,"
                    + " {s}.round_client, {s}.registered_model, {s}.model_version, {s}.model_stage, {s}.run_progress,"
                    + " {s}.client_contribution, {s}.run_privacy, {s}.model_lineage TO {r}"),
    /**
     * A site that keeps its clients' state and its own budget and audit log here. It may delete models that nothing refers to and see all
     * others, so the schema is to be the site's own, not one that a coordinator has its runs in.
     */
    TRAINER(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON {s}.client_state TO {r}",
            "GRANT SELECT, INSERT, DELETE, UPDATE (damaged_at) ON {s}.model TO {r}",
            "GRANT SELECT, INSERT, DELETE ON {s}.model_chunk TO {r}",
            // What a model may not be deleted for.
            "GRANT SELECT (model_digest) ON {s}.checkpoint TO {r}",
            "GRANT SELECT (digest) ON {s}.checkpoint_state, {s}.model_version TO {r}",
            "GRANT SELECT, INSERT ON {s}.privacy_entry, {s}.audit_record TO {r}",
            "GRANT SELECT, INSERT (scope), UPDATE (turn) ON {s}.privacy_budget TO {r}",
            "GRANT SELECT, INSERT (log), UPDATE (turn) ON {s}.audit_log TO {r}"),
    /** Leads runs: writes models, rounds, the registry, the audit log and debits. */
    COORDINATOR(
            "GRANT SELECT, INSERT, DELETE, UPDATE (damaged_at) ON {s}.model TO {r}",
            "GRANT SELECT, INSERT, DELETE ON {s}.model_chunk, {s}.checkpoint, {s}.checkpoint_state, {s}.round, {s}.round_client TO {r}",
            // What a model may not be deleted for.
            "GRANT SELECT (digest) ON {s}.client_state TO {r}",
            "GRANT SELECT, INSERT, UPDATE ON {s}.run, {s}.run_lease, {s}.registered_model, {s}.model_version TO {r}",
            "GRANT SELECT, INSERT ON {s}.model_stage, {s}.privacy_entry, {s}.audit_record TO {r}",
            "GRANT SELECT, INSERT (scope), UPDATE (turn) ON {s}.privacy_budget TO {r}",
            "GRANT SELECT, INSERT (log), UPDATE (turn) ON {s}.audit_log TO {r}",
            "GRANT SELECT ON {s}.run_progress, {s}.client_contribution, {s}.run_privacy, {s}.model_lineage, {s}.budget_statement"
                    + " TO {r}"),
    /** Asks private questions: debits, and writes to the audit log; cannot change a limit. */
    ANALYST(
            "GRANT SELECT, INSERT ON {s}.privacy_entry, {s}.audit_record TO {r}",
            "GRANT SELECT, INSERT (scope), UPDATE (turn) ON {s}.privacy_budget TO {r}",
            "GRANT SELECT, INSERT (log), UPDATE (turn) ON {s}.audit_log TO {r}"),
    /** Reads what happened and what was spent, and nothing of models' values. */
    AUDITOR(
            "GRANT SELECT ON {s}.audit_log, {s}.audit_record, {s}.privacy_budget, {s}.privacy_entry, {s}.run, {s}.round,"
                    + " {s}.round_client, {s}.model_version, {s}.model_stage, {s}.run_progress, {s}.client_contribution,"
                    + " {s}.run_privacy, {s}.model_lineage, {s}.budget_statement TO {r}");

    private final List<String> grants;

    PgRole(String... grants) {
        this.grants = List.of(grants);
    }

    /** The statements that grant this, with {@code {s}} for the schema and {@code {r}} for the role. */
    List<String> grants() {
        return grants;
    }
}
