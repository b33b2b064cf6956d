package io.fedlearn.pg.registry;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.formats.audit.AuditSigner;
import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.formats.internal.run.RecordJson;
import io.fedlearn.formats.internal.run.SealedJson;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.internal.AuditTrail;
import io.fedlearn.pg.internal.Columns;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.internal.models.PgModels;
import io.fedlearn.pg.schema.PgSchema;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Clock;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import javax.sql.DataSource;

/**
 * Models by name and version. A version is a candidate until it is promoted to production, where it takes the place of the one before,
 * which is archived; an archived one can be promoted again. What was registered is kept, whatever the retention of its run, and its
 * lineage with it.
 *
 * <p>Each change is one transaction, and waits for one of the same model that is under way: of two promotions at once one comes after
 * the other. Whoever {@linkplain #listen listens} is told once it was committed. With an audit log, an event {@code model-registered},
 * {@code model-promoted} or {@code model-archived} is on record with the change or, in a log elsewhere, before it.
 *
 * <p>Immutable and thread-safe; it holds no connection.
 */
public final class PgModelRegistry {
    /** The longest name of a model: {@value} characters. */
    public static final int MAX_NAME_LENGTH = 255;

    /** How many bytes of values a model may have to be loaded to the heap: {@value}, which is 256 MiB; others go to a temporary file. */
    public static final long MAX_HEAP_MODEL_BYTES = 256L << 20;

    private static final String VERSION_COLUMNS =
            "name, version, digest, stage, metrics, note, created_at, run_header, round_record";

    private final Database database;
    private final PgModels models;
    private final Optional<AuditLog> auditLog;
    private final Optional<AuditTrail> auditTrail;
    private final Clock clock;
    private final DataSource listeningOn;
    private final Optional<ExecutorService> executor;

    private PgModelRegistry(Builder builder) {
        this.database = builder.schema.require().database();
        this.models = PgModels.of(database);
        this.auditLog = builder.auditLog;
        this.auditTrail = builder.auditName
                .map(log -> AuditTrail.of(database, log))
                .map(trail -> builder.auditSigner.map(trail::signedBy).orElse(trail));
        this.clock = builder.clock;
        this.listeningOn = builder.listeningOn.orElse(database.dataSource());
        this.executor = builder.executor;
    }

    /**
     * The registry in this schema, without an audit log.
     *
     * @throws PgException if the schema is missing, older or newer than the library
     */
    public static PgModelRegistry of(PgSchema schema) {
        return builder(schema).build();
    }

    /** A builder for the registry in this schema. */
    public static Builder builder(PgSchema schema) {
        return new Builder(schema);
    }

    // ---- changes

    /**
     * Registers the model of a round as a new version, a candidate, with the round's metrics and its lineage.
     *
     * @throws RegistryException if the run has no such round, or its checkpoint was not kept
     */
    public ModelVersion register(String name, String runId, int round, String note) {
        String what = "round " + round + " of run '" + runId + "' cannot be registered as model '" + name + "'";
        return change(name, what, connection -> {
            Optional<String> digest = text(
                    connection,
                    "SELECT model_digest FROM {s}.checkpoint WHERE run_id = ? AND round = ?",
                    Columns.text(runId),
                    round);
            // Held, so that it is not deleted now should the run let its checkpoint go.
            if (digest.isEmpty() || !models.hold(connection, digest.get())) {
                throw new RegistryException(what + ": there is no checkpoint of it");
            }
            Optional<String> header =
                    text(connection, "SELECT header FROM {s}.run WHERE run_id = ?", Columns.text(runId));
            Optional<String> record = text(
                    connection,
                    "SELECT record FROM {s}.round WHERE run_id = ? AND round = ?",
                    Columns.text(runId),
                    round);
            Optional<Lineage> lineage = lineage(what, header, record);
            if (lineage.flatMap(Lineage::round).stream()
                    .anyMatch(made -> !made.modelDigest().equals(digest.get()))) {
                throw new RegistryException(what + ": its record is of another model");
            }
            Metrics metrics =
                    lineage.flatMap(Lineage::round).map(RoundRecord::metrics).orElse(Metrics.none());
            Source source = new Source(digest.get(), metrics, Optional.of(runId), round, header, record);
            return insert(connection, name, source, note);
        });
    }

    /** Registers a model from elsewhere as a new version, a candidate, without lineage. */
    public ModelVersion register(String name, Model model, Metrics metrics, String note) {
        model.digest();
        return change(name, "a model cannot be registered as '" + name + "'", connection -> {
            models.saveAll(connection, List.of(model));
            Source source =
                    new Source(model.digest(), metrics, Optional.empty(), 0, Optional.empty(), Optional.empty());
            return insert(connection, name, source, note);
        });
    }

    private record Source(
            String digest,
            Metrics metrics,
            Optional<String> runId,
            int round,
            Optional<String> header,
            Optional<String> record) {}

    private ModelVersion insert(Connection connection, String name, Source source, String note) throws SQLException {
        int version;
        try (PreparedStatement insert = connection.prepareStatement(database.sql(
                "INSERT INTO {s}.model_version (name, version, digest, run_id, round, stage, metrics, note,"
                        + " run_header, round_record) SELECT ?, coalesce(max(version), 0) + 1, ?, ?, ?, 'candidate', ?::jsonb,"
                        + " ?, ?, ? FROM {s}.model_version WHERE name = ? RETURNING version"))) {
            insert.setString(1, name);
            insert.setString(2, source.digest());
            insert.setString(3, source.runId().orElse(null));
            insert.setObject(4, source.runId().isPresent() ? source.round() : null, Types.INTEGER);
            insert.setString(5, Columns.json(source.metrics()));
            insert.setString(6, Columns.text(note));
            insert.setString(7, source.header().orElse(null));
            insert.setString(8, source.record().orElse(null));
            insert.setString(9, name);
            try (ResultSet rows = insert.executeQuery()) {
                rows.next();
                version = rows.getInt(1);
            }
        }
        note(connection, name, version, Stage.CANDIDATE, note);
        audit(
                connection,
                "model-registered",
                Config.of(Map.of("model", name, "version", version, "digest", source.digest(), "note", note))
                        .with(
                                source.runId().isPresent()
                                        ? Config.of(Map.of("run", source.runId().get(), "round", source.round()))
                                        : Config.empty()));
        return require(connection, name, version);
    }

    /**
     * Takes a version into production; the one that was there is archived. Does nothing if it is there already.
     *
     * @return the version as it is now
     * @throws RegistryException if there is no such version
     */
    public ModelVersion promote(String name, int version, String reason) {
        return change(name, "model '" + name + "' version " + version + " cannot be promoted", connection -> {
            ModelVersion promoted = require(connection, name, version);
            if (promoted.stage() == Stage.PRODUCTION) {
                return promoted;
            }
            Optional<ModelVersion> former = production(connection, name);
            if (former.isPresent()) {
                String why = "version " + version + " was promoted";
                setStage(connection, name, former.get().version(), Stage.ARCHIVED, why);
            }
            setStage(connection, name, version, Stage.PRODUCTION, reason);
            Config fields =
                    Config.of(Map.of("model", name, "version", version, "digest", promoted.digest(), "reason", reason));
            audit(
                    connection,
                    "model-promoted",
                    former.isPresent()
                            ? fields.with("formerVersion", former.get().version())
                            : fields);
            return require(connection, name, version);
        });
    }

    /**
     * Takes a version out of use; its values are kept. Does nothing if it is archived already.
     *
     * @return the version as it is now
     * @throws RegistryException if there is no such version
     */
    public ModelVersion archive(String name, int version, String reason) {
        return change(name, "model '" + name + "' version " + version + " cannot be archived", connection -> {
            ModelVersion archived = require(connection, name, version);
            if (archived.stage() == Stage.ARCHIVED) {
                return archived;
            }
            setStage(connection, name, version, Stage.ARCHIVED, reason);
            audit(
                    connection,
                    "model-archived",
                    Config.of(
                            Map.of("model", name, "version", version, "digest", archived.digest(), "reason", reason)));
            return require(connection, name, version);
        });
    }

    /** A transaction that holds the model's row, so that changes of one model come one after the other. */
    private <T> T change(String name, String what, Database.Work<T> work) {
        if (name.isEmpty() || name.length() > MAX_NAME_LENGTH || !Columns.isStorable(name)) {
            throw new IllegalArgumentException("a model's name must be a text of 1 to " + MAX_NAME_LENGTH
                    + " characters, valid Unicode and without U+0000, was '" + name + "'");
        }
        return database.inTransaction(what, connection -> {
            execute(connection, "INSERT INTO {s}.registered_model (name) VALUES (?) ON CONFLICT DO NOTHING", name);
            text(
                    connection,
                    "SELECT name, " + Database.BOUND_SILENCE + " FROM {s}.registered_model WHERE name = ? FOR UPDATE",
                    name);
            return work.on(connection);
        });
    }

    private void setStage(Connection connection, String name, int version, Stage stage, String reason)
            throws SQLException {
        execute(
                connection,
                "UPDATE {s}.model_version SET stage = ? WHERE name = ? AND version = ?",
                stage.word(),
                name,
                version);
        note(connection, name, version, stage, reason);
    }

    private void note(Connection connection, String name, int version, Stage stage, String reason) throws SQLException {
        execute(
                connection,
                "INSERT INTO {s}.model_stage (name, version, number, stage, reason) SELECT ?, ?,"
                        + " coalesce(max(number), 0) + 1, ?, ? FROM {s}.model_stage WHERE name = ? AND version = ?",
                name,
                version,
                stage.word(),
                Columns.text(reason),
                name,
                version);
        text(
                connection,
                "SELECT pg_notify(?, ?)::text",
                Subscription.CHANNEL,
                Subscription.payload(database.schema(), new RegistryChange(name, version, stage)));
    }

    private void audit(Connection connection, String type, Config fields) throws SQLException {
        AuditEvent event = new AuditEvent(clock.instant(), type, fields);
        if (auditTrail.isPresent()) {
            auditTrail.get().append(connection, event);
        }
        auditLog.ifPresent(log -> log.append(event));
    }

    // ---- reading

    /** The names of all models, in alphabetical order. */
    public List<String> names() {
        return reading("the models cannot be listed", connection -> {
            List<String> names = new ArrayList<>();
            try (PreparedStatement select = connection.prepareStatement(
                            database.sql("SELECT name FROM {s}.registered_model ORDER BY name COLLATE \"C\""));
                    ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    names.add(rows.getString(1));
                }
            }
            return names;
        });
    }

    /** All versions of a model, the first first; none if there is no such model. */
    public List<ModelVersion> versions(String name) {
        return reading(
                "the versions of model '" + name + "' cannot be listed",
                connection -> select(connection, "WHERE name = ? ORDER BY version", Columns.text(name)));
    }

    /** A version, if there is such a one. */
    public Optional<ModelVersion> version(String name, int version) {
        return reading(
                "model '" + name + "' version " + version + " cannot be read",
                connection -> find(connection, name, version));
    }

    /** The version that is in production, if there is one. */
    public Optional<ModelVersion> production(String name) {
        return reading(
                "the production version of model '" + name + "' cannot be read",
                connection -> production(connection, name));
    }

    /**
     * Each stage that a version was in, the first first.
     *
     * @throws RegistryException if there is no such version
     */
    public List<StageChange> history(String name, int version) {
        return reading("the history of model '" + name + "' version " + version + " cannot be read", connection -> {
            require(connection, name, version);
            List<StageChange> changes = new ArrayList<>();
            try (PreparedStatement select = connection.prepareStatement(database.sql(
                    "SELECT stage, reason, set_by, set_at FROM {s}.model_stage WHERE name = ? AND version = ?"
                            + " ORDER BY number"))) {
                bind(select, Columns.text(name), version);
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        changes.add(new StageChange(
                                Stage.of(rows.getString(1)),
                                rows.getString(2),
                                rows.getString(3),
                                rows.getObject(4, OffsetDateTime.class).toInstant()));
                    }
                }
            }
            return changes;
        });
    }

    /**
     * The model of a version.
     *
     * @throws RegistryException if there is no such version, or its values are damaged
     */
    public Model model(String name, int version) {
        return reading(
                "model '" + name + "' version " + version + " cannot be loaded",
                connection -> model(connection, require(connection, name, version)));
    }

    private Model model(Connection connection, ModelVersion version) throws SQLException {
        try {
            return models.require(connection, version.digest(), MAX_HEAP_MODEL_BYTES);
        } catch (DamagedException e) {
            throw new RegistryException(version + " is damaged: " + e.getMessage(), e);
        }
    }

    /**
     * How two versions of a model differ: metrics side by side, tensors, and how far apart their values are.
     *
     * @throws RegistryException if there is no such version, or its values are damaged
     */
    public ModelComparison compare(String name, int first, int second) {
        return reading("versions of model '" + name + "' cannot be compared", connection -> {
            ModelVersion mine = require(connection, name, first);
            ModelVersion theirs = require(connection, name, second);
            return ModelComparison.of(mine, model(connection, mine), theirs, model(connection, theirs));
        });
    }

    /**
     * Tells a listener every change that is committed from now on, of all models, until the subscription is closed.
     *
     * <p>It holds a connection of its own, which must go to the server itself: a pooler that shares connections between transactions does
     * not deliver. When that is lost, it is made again, and the listener is told that it may have missed changes.
     *
     * @throws PgException if there is no connection now
     */
    public Subscription listen(RegistryListener listener) {
        return Subscription.begin(listeningOn, database.schema(), listener, executor);
    }

    private <T> T reading(String what, Database.Work<T> work) {
        return database.inTransaction(what, Database.Mode.SNAPSHOT, work);
    }

    private ModelVersion require(Connection connection, String name, int version) throws SQLException {
        return find(connection, name, version)
                .orElseThrow(
                        () -> new RegistryException("there is no version " + version + " of model '" + name + "'"));
    }

    private Optional<ModelVersion> find(Connection connection, String name, int version) throws SQLException {
        return select(connection, "WHERE name = ? AND version = ?", Columns.text(name), version).stream()
                .findFirst();
    }

    private Optional<ModelVersion> production(Connection connection, String name) throws SQLException {
        return select(connection, "WHERE name = ? AND stage = 'production'", Columns.text(name)).stream()
                .findFirst();
    }

    private List<ModelVersion> select(Connection connection, String where, Object... values) throws SQLException {
        List<ModelVersion> versions = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(
                database.sql("SELECT " + VERSION_COLUMNS + " FROM {s}.model_version " + where))) {
            bind(select, values);
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    String what = "model '" + rows.getString(1) + "' version " + rows.getInt(2);
                    versions.add(new ModelVersion(
                            rows.getString(1),
                            rows.getInt(2),
                            rows.getString(3),
                            Stage.of(rows.getString(4)),
                            metrics(rows.getString(5)),
                            rows.getString(6),
                            rows.getObject(7, OffsetDateTime.class).toInstant(),
                            lineage(
                                    what,
                                    Optional.ofNullable(rows.getString(8)),
                                    Optional.ofNullable(rows.getString(9)))));
                }
            }
        }
        return versions;
    }

    private static Metrics metrics(String json) {
        return Metrics.of(Columns.numbers(json));
    }

    private static Optional<Lineage> lineage(String what, Optional<String> header, Optional<String> record) {
        if (header.isEmpty()) {
            return Optional.empty();
        }
        try {
            RunHeader run = RecordJson.readHeader(sealed(header.get()));
            Optional<RoundRecord> round = record.isPresent()
                    ? Optional.of(RecordJson.readLine(sealed(record.get())).record())
                    : Optional.empty();
            return Optional.of(new Lineage(run, round));
        } catch (DamagedException e) {
            throw new RegistryException(what + ": its lineage " + e.getMessage(), e);
        }
    }

    private static SealedJson sealed(String text) throws DamagedException {
        return SealedJson.of(text.getBytes(StandardCharsets.UTF_8));
    }

    private Optional<String> text(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(database.sql(sql))) {
            bind(select, values);
            try (ResultSet rows = select.executeQuery()) {
                return rows.next() ? Optional.ofNullable(rows.getString(1)) : Optional.empty();
            }
        }
    }

    private void execute(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(database.sql(sql))) {
            bind(statement, values);
            statement.executeUpdate();
        }
    }

    private static void bind(PreparedStatement statement, Object... values) throws SQLException {
        for (int i = 0; i < values.length; i++) {
            statement.setObject(i + 1, values[i]);
        }
    }

    /** Settings of a {@link PgModelRegistry}. Not thread-safe. */
    public static final class Builder {
        private final PgSchema schema;
        private Optional<AuditLog> auditLog = Optional.empty();
        private Optional<String> auditName = Optional.empty();
        private Optional<AuditSigner> auditSigner = Optional.empty();
        private Optional<DataSource> listeningOn = Optional.empty();
        private Optional<ExecutorService> executor = Optional.empty();
        private Clock clock = Clock.systemUTC();

        private Builder(PgSchema schema) {
            this.schema = schema;
        }

        /**
         * A log that events are appended to, each before its change is committed: no change without its event. None if not set. Appending
         * to a log in the same database takes a second connection while the change has the first: use {@link #auditLog(String)} there.
         */
        public Builder auditLog(AuditLog value) {
            this.auditLog = Optional.of(value);
            return this;
        }

        /** The log of this name in the same schema, to which events are appended together with their changes. None if not set. */
        public Builder auditLog(String name) {
            this.auditName = Optional.of(name);
            return this;
        }

        /** Signs what goes into the log that is named by {@link #auditLog(String)}. Nothing is signed if not set. */
        public Builder auditSigner(AuditSigner value) {
            this.auditSigner = Optional.of(value);
            return this;
        }

        /** Where connections that listen come from: those of the server itself. The schema's own source if not set. */
        public Builder listeningOn(DataSource value) {
            this.listeningOn = Optional.of(value);
            return this;
        }

        /** What runs those who listen, a thread for each, and is not closed by them; daemon threads of their own if not set. */
        public Builder executor(ExecutorService value) {
            this.executor = Optional.of(value);
            return this;
        }

        /** The clock of audit events; the system's if not set. */
        public Builder clock(Clock value) {
            this.clock = value;
            return this;
        }

        /**
         * The registry.
         *
         * @throws PgException if the schema is missing, older or newer than the library
         */
        public PgModelRegistry build() {
            return new PgModelRegistry(this);
        }
    }

    @Override
    public String toString() {
        return "model registry in " + database;
    }
}
