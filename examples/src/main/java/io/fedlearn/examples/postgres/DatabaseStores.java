package io.fedlearn.examples.postgres;

import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.examples.protection.Ledgers;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.examples.run.RunStores;
import io.fedlearn.formats.audit.AuditSigner;
import io.fedlearn.formats.safetensors.Safetensors;
import io.fedlearn.pg.audit.PgAuditLog;
import io.fedlearn.pg.budget.PgPrivacyLedger;
import io.fedlearn.pg.run.PgClientStateStore;
import io.fedlearn.pg.run.PgRunStore;
import io.fedlearn.pg.run.RunLeader;
import io.fedlearn.pg.schema.PgSchema;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** A run in the coordinator's database. */
public final class DatabaseStores implements RunStores {
    private static final Duration PATIENCE = Duration.ofSeconds(3 * PgRunStore.DEFAULT_LEASE_SECONDS);

    private final Databases databases;
    private final PgSchema schema;
    private final PgRunStore store;
    private final Optional<AuditSigner> auditSigner;

    private DatabaseStores(Databases databases, PgRunStore store, Optional<AuditSigner> auditSigner) {
        this.auditSigner = auditSigner;
        this.databases = databases;
        this.schema = databases.schema();
        this.store = store;
    }

    /**
     * The run of this name, which this process leads from now on. One that was killed may have led it, and is waited for as long as its
     * right lasts.
     *
     * @param databases are closed with the stores, or if this fails
     * @param auditSigner signs what is recorded
     * @param say is told of the waiting
     */
    public static DatabaseStores open(
            Databases databases, String runId, Optional<AuditSigner> auditSigner, Consumer<String> say)
            throws InterruptedException {
        try {
            PgRunStore store = store(databases.schema(), runId);
            try {
                Optional<RunLeader> leader = store.leader().filter(last -> !last.isOver());
                leader.ifPresent(
                        last -> say.accept("Run '" + runId + "' was led by another process until lately: waiting"
                                + " for at most " + PATIENCE.toSeconds() + " s."));
                if (!store.awaitLeadership(PATIENCE)) {
                    throw new InputException("run '" + runId + "' in " + databases.schema()
                            + " is led by another process"
                            + leader.map(last -> ", " + last).orElse("") + ": stop that one, or pass --out with another"
                            + " name");
                }
                return new DatabaseStores(databases, store, auditSigner);
            } catch (InterruptedException | RuntimeException e) {
                store.close();
                throw e;
            }
        } catch (InterruptedException | RuntimeException e) {
            databases.close();
            throw e;
        }
    }

    private static PgRunStore store(PgSchema schema, String runId) {
        try {
            return PgRunStore.of(schema, runId);
        } catch (IllegalArgumentException e) {
            throw new InputException("--out: the folder's name is the run's: " + e.getMessage(), e);
        }
    }

    @Override
    public RunStore runs() {
        return store;
    }

    @Override
    public AuditLog audit() {
        PgAuditLog log = log();
        RunStores.requireKey(log.lastKeyId(), auditSigner);
        return log;
    }

    private PgAuditLog log() {
        PgAuditLog log = PgAuditLog.of(schema, store.runId());
        return auditSigner.map(log::signedBy).orElse(log);
    }

    @Override
    public ClientStateStore clientStates() {
        return PgClientStateStore.of(schema);
    }

    @Override
    public Ledgers ledgers() {
        return new Ledgers() {
            @Override
            public PrivacyLedger open(String scope) {
                return PgPrivacyLedger.of(schema);
            }

            @Override
            public String place(String scope) {
                return schema.name() + ".privacy_entry";
            }

            @Override
            public String toString() {
                return schema + " of the database";
            }
        };
    }

    @Override
    public Optional<String> runId() {
        return Optional.of(store.runId());
    }

    @Override
    public String toString() {
        return schema + " of " + databases;
    }

    @Override
    public List<String> leave(Run run, Path folder) throws IOException {
        Safetensors.write(run.model(), folder.resolve("model.safetensors"));
        Safetensors.write(run.bestModel(), folder.resolve("best.safetensors"));
        log().export(folder.resolve("audit.jsonl"));
        String schemaName = schema.name();
        return List.of(
                "History: run '" + store.runId() + "' in " + databases + ": " + schemaName + ".run_progress, "
                        + schemaName + ".client_contribution",
                "Audit:   log '" + store.runId() + "' there, exported to " + folder.resolve("audit.jsonl")
                        + auditSigner.map(key -> ", signed by " + key).orElse(""));
    }

    @Override
    public void close() {
        store.close();
        databases.close();
    }
}
