package io.fedlearn.pg.run;

import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.internal.Columns;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.internal.models.PgModels;
import io.fedlearn.pg.schema.PgSchema;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The state of a site's clients in the site's own database, never in the coordinator's. A value is saved in one transaction, and those
 * that nothing refers to any more are deleted with it. Any number of stores may work on the same rows. Immutable but for being closed,
 * and thread-safe.
 */
public final class PgClientStateStore implements ClientStateStore {
    /** How many bytes of UTF-8 run, client and name may have together: {@value}; an index has no room for more. */
    public static final int MAX_KEY_BYTES = 2000;

    private static final String WHERE_KEY = " WHERE run_id = ? AND client_id = ? AND name = ?";

    private final Database database;
    private final PgModels models;
    private volatile boolean isClosed;

    private PgClientStateStore(PgSchema schema) {
        this.database = schema.database();
        this.models = PgModels.of(database);
    }

    /**
     * The client state in this schema.
     *
     * @throws PgException if the schema is missing, older or newer than the library
     */
    public static PgClientStateStore of(PgSchema schema) {
        return new PgClientStateStore(schema.require());
    }

    @Override
    public Optional<Model> load(Key key, int round) {
        check(key);
        String what = describe(key, round) + " cannot be loaded";
        return StoreFailures.reporting(
                what,
                () -> database.inTransaction(what, Database.Mode.SNAPSHOT, connection -> load(connection, key, round)));
    }

    private Optional<Model> load(Connection connection, Key key, int round) throws SQLException {
        Optional<String> digest = digest(connection, key, round, "");
        if (digest.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(models.require(connection, digest.get(), PgRunStore.DEFAULT_MAX_HEAP_MODEL_BYTES));
        } catch (DamagedException e) {
            throw new RunStoreException(describe(key, round) + " is damaged: " + e.getMessage(), e);
        }
    }

    private Optional<String> digest(Connection connection, Key key, int round, String how) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(
                database.sql("SELECT digest FROM {s}.client_state" + WHERE_KEY + " AND round = ?" + how))) {
            bind(select, key);
            select.setInt(4, round);
            try (ResultSet rows = select.executeQuery()) {
                return rows.next() ? Optional.of(rows.getString(1)) : Optional.empty();
            }
        }
    }

    private static void bind(PreparedStatement statement, Key key) throws SQLException {
        bind(statement, 1, key);
    }

    private static void bind(PreparedStatement statement, int first, Key key) throws SQLException {
        statement.setString(first, key.runId());
        statement.setString(first + 1, key.clientId());
        statement.setString(first + 2, key.name());
    }

    @Override
    public void save(Key key, int round, Model value) {
        check(key);
        if (round < 0) {
            throw new IllegalArgumentException("round must be >= 0, was " + round);
        }
        String what = describe(key, round) + " cannot be saved";
        StoreFailures.reporting(
                what, () -> database.inTransaction(what, connection -> save(connection, key, round, value)));
    }

    private int save(Connection connection, Key key, int round, Model value) throws SQLException {
        models.saveAll(connection, List.of(value));
        while (true) {
            if (insert(connection, key, round, value)) {
                return 0;
            }
            // Not by an upsert, which would replace what another has inserted meanwhile without a word of what it was.
            Optional<String> replaced = digest(connection, key, round, " FOR UPDATE");
            if (replaced.isPresent()) {
                update(connection, key, round, value);
                return models.collect(connection, List.of(replaced.get()));
            }
            // Deleted in between: now it is not there.
        }
    }

    private boolean insert(Connection connection, Key key, int round, Model value) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(database.sql(
                "INSERT INTO {s}.client_state (run_id, client_id, name, round, digest) VALUES (?, ?, ?, ?, ?)"
                        + " ON CONFLICT (run_id, client_id, name, round) DO NOTHING"))) {
            bind(insert, key);
            insert.setInt(4, round);
            insert.setString(5, value.digest());
            return insert.executeUpdate() == 1;
        }
    }

    private void update(Connection connection, Key key, int round, Model value) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(
                database.sql("UPDATE {s}.client_state SET digest = ?" + WHERE_KEY + " AND round = ?"))) {
            update.setString(1, value.digest());
            bind(update, 2, key);
            update.setInt(5, round);
            update.executeUpdate();
        }
    }

    @Override
    public void deleteBefore(Key key, int round) {
        check(key);
        String what = "client state '" + key.name() + "' of rounds before " + round + " cannot be deleted";
        StoreFailures.reporting(
                what, () -> database.inTransaction(what, connection -> deleteBefore(connection, key, round)));
    }

    private int deleteBefore(Connection connection, Key key, int round) throws SQLException {
        List<String> digests = new ArrayList<>();
        try (PreparedStatement delete = connection.prepareStatement(
                database.sql("DELETE FROM {s}.client_state" + WHERE_KEY + " AND round < ? RETURNING digest"))) {
            bind(delete, key);
            delete.setInt(4, round);
            try (ResultSet rows = delete.executeQuery()) {
                while (rows.next()) {
                    digests.add(rows.getString(1));
                }
            }
        }
        return models.collect(connection, digests);
    }

    /** Ends the use of this store. The source of connections is its owner's to close. */
    @Override
    public void close() {
        isClosed = true;
    }

    private void check(Key key) {
        if (isClosed) {
            throw new IllegalStateException("the client state in " + database + " is closed");
        }
        String all = key.runId() + key.clientId() + key.name();
        if (!Columns.isStorable(key.runId())
                || !Columns.isStorable(key.clientId())
                || !Columns.isStorable(key.name())) {
            throw new IllegalArgumentException(
                    "run, client and name of client state must be valid Unicode without U+0000");
        }
        int bytes = all.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > MAX_KEY_BYTES) {
            throw new IllegalArgumentException("run, client and name of client state must have at most " + MAX_KEY_BYTES
                    + " bytes of UTF-8 together, had " + bytes);
        }
    }

    private static String describe(Key key, int round) {
        return "client state '" + key.name() + "' of '" + key.clientId() + "' in round " + round + " of run '"
                + key.runId() + "'";
    }
}
