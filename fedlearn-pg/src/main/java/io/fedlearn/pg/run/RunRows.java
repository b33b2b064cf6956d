package io.fedlearn.pg.run;

import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.update.PartState;
import io.fedlearn.formats.internal.run.RecordJson;
import io.fedlearn.formats.internal.run.SealedJson;
import io.fedlearn.pg.internal.Columns;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.internal.models.PgModels;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/** Writes a run's rows, within the transactions of its store. Immutable. */
final class RunRows {
    private final Database database;
    private final PgModels models;
    private final String runId;

    RunRows(Database database, PgModels models, String runId) {
        this.database = database;
        this.models = models;
        this.runId = runId;
    }

    /** A sealed line as a column has it, without its line break. */
    static String text(SealedJson sealed) {
        return new String(sealed.toLine(), StandardCharsets.UTF_8).stripTrailing();
    }

    void insertRun(Connection connection, RunHeader header) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(
                database.sql("INSERT INTO {s}.run (run_id, strategy, seed, settings, initial_digest, library_version,"
                        + " started_at, header) VALUES (?, ?, ?, ?::jsonb, ?, ?, ?, ?)"))) {
            insert.setString(1, runId);
            insert.setString(2, Columns.text(header.strategy()));
            insert.setLong(3, header.seed());
            insert.setString(4, Columns.json(header.settings()));
            insert.setString(5, header.initialDigest());
            insert.setString(6, Columns.text(header.libraryVersion()));
            insert.setObject(7, timestamp(header.startedAt()));
            insert.setString(8, text(RecordJson.write(header)));
            insert.executeUpdate();
        }
    }

    private static OffsetDateTime timestamp(Instant at) {
        return at.atOffset(ZoneOffset.UTC);
    }

    void insertCheckpoint(Connection connection, Checkpoint checkpoint, Optional<String> recordSha256)
            throws SQLException {
        List<Model> all = new ArrayList<>(List.of(checkpoint.model()));
        checkpoint.states().values().forEach(state -> all.addAll(state.tensors().values()));
        models.saveAll(connection, all);
        try (PreparedStatement insert = connection.prepareStatement(
                database.sql("INSERT INTO {s}.checkpoint (run_id, round, model_digest, states) VALUES (?, ?, ?, ?)"))) {
            insert.setString(1, runId);
            insert.setInt(2, checkpoint.round());
            insert.setString(3, checkpoint.model().digest());
            insert.setString(4, text(StatesJson.write(runId, checkpoint, recordSha256)));
            insert.executeUpdate();
        }
        try (PreparedStatement insert = connection.prepareStatement(
                database.sql("INSERT INTO {s}.checkpoint_state (run_id, round, number, part, name, digest)"
                        + " VALUES (?, ?, ?, ?, ?, ?)"))) {
            int number = 0;
            for (Map.Entry<String, PartState> part : checkpoint.states().entrySet()) {
                for (Map.Entry<String, Model> group : part.getValue().tensors().entrySet()) {
                    insert.setString(1, runId);
                    insert.setInt(2, checkpoint.round());
                    insert.setInt(3, number++);
                    insert.setString(4, Columns.text(part.getKey()));
                    insert.setString(5, Columns.text(group.getKey()));
                    insert.setString(6, group.getValue().digest());
                    insert.addBatch();
                }
            }
            insert.executeBatch();
        }
    }

    void insertRound(Connection connection, RoundRecord record, boolean isBest, SealedJson line, long term)
            throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(
                database.sql(
                        "INSERT INTO {s}.round (run_id, round, term, status, abort_reason, is_best, loss, metrics,"
                                + " central_metrics, train_metrics, epsilon, privacy_delta, base_digest, model_digest,"
                                + " audit_sequence, audit_hash, library_version, started_at, seconds, record)"
                                + " VALUES (?, ?, ?, ?, ?, ?, ?, ?::jsonb, ?::jsonb, ?::jsonb, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"))) {
            insert.setString(1, runId);
            insert.setInt(2, record.round());
            insert.setLong(3, term);
            insert.setString(4, record.isAborted() ? "aborted" : "completed");
            insert.setString(5, record.abortReason().map(Columns::text).orElse(null));
            insert.setBoolean(6, isBest);
            OptionalDouble loss = record.metrics().get(Evaluation.LOSS);
            insert.setObject(7, loss.isPresent() ? loss.getAsDouble() : null, Types.DOUBLE);
            insert.setString(8, Columns.json(record.metrics()));
            insert.setString(9, Columns.json(record.evaluation().central()));
            insert.setString(10, Columns.json(record.trainMetrics()));
            insert.setObject(
                    11, record.privacySpent().map(spent -> spent.epsilon()).orElse(null), Types.DOUBLE);
            insert.setObject(
                    12, record.privacySpent().map(spent -> spent.privacyDelta()).orElse(null), Types.DOUBLE);
            insert.setString(13, record.baseDigest());
            insert.setString(14, record.modelDigest());
            insert.setObject(15, record.auditHead().map(head -> head.sequence()).orElse(null), Types.BIGINT);
            insert.setString(16, record.auditHead().map(head -> head.hash()).orElse(null));
            insert.setString(17, Columns.text(record.libraryVersion()));
            insert.setObject(18, timestamp(record.startedAt()));
            insert.setDouble(19, record.seconds());
            insert.setString(20, text(line));
            insert.executeUpdate();
        }
        insertClients(connection, record.round(), "train", record.outcomes());
        insertClients(
                connection, record.round(), "evaluate", record.evaluation().clients());
    }

    private void insertClients(Connection connection, int round, String phase, List<OutcomeRecord> outcomes)
            throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(
                database.sql("INSERT INTO {s}.round_client (run_id, round, phase, number, client_id, outcome, reason,"
                        + " example_count, weight, metrics, update_bytes, saved_bytes, seconds)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?::jsonb, ?, ?, ?)"))) {
            for (int i = 0; i < outcomes.size(); i++) {
                OutcomeRecord outcome = outcomes.get(i);
                insert.setString(1, runId);
                insert.setInt(2, round);
                insert.setString(3, phase);
                insert.setInt(4, i);
                insert.setString(5, Columns.text(outcome.clientId()));
                insert.setString(6, Columns.text(outcome.outcome()));
                insert.setString(7, Columns.text(outcome.reason()));
                insert.setLong(8, outcome.exampleCount());
                insert.setDouble(9, outcome.weight());
                insert.setString(10, Columns.json(outcome.metrics()));
                insert.setLong(11, outcome.updateBytes());
                insert.setLong(12, outcome.savedBytes());
                insert.setDouble(13, outcome.seconds());
                insert.addBatch();
            }
            insert.executeBatch();
        }
    }

    /** Whether the run was at round {@code from}, and is now at {@code latest}. */
    boolean advanceRun(Connection connection, int from, int latest, OptionalInt best) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(database.sql(
                "UPDATE {s}.run SET latest_round = ?, best_round = ? WHERE run_id = ? AND latest_round = ?"))) {
            update.setInt(1, latest);
            update.setObject(2, best.isPresent() ? best.getAsInt() : null, Types.INTEGER);
            update.setString(3, runId);
            update.setInt(4, from);
            return update.executeUpdate() == 1;
        }
    }

    void updateRun(Connection connection, int latest, OptionalInt best) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(
                database.sql("UPDATE {s}.run SET latest_round = ?, best_round = ? WHERE run_id = ?"))) {
            update.setInt(1, latest);
            update.setObject(2, best.isPresent() ? best.getAsInt() : null, Types.INTEGER);
            update.setString(3, runId);
            update.executeUpdate();
        }
    }

    /** Deletes checkpoints, and gives the digests of the models that they named. */
    List<String> deleteCheckpoints(Connection connection, List<Integer> rounds) throws SQLException {
        List<String> digests = new ArrayList<>(delete(connection, "checkpoint_state", "digest", rounds));
        digests.addAll(delete(connection, "checkpoint", "model_digest", rounds));
        return digests;
    }

    private List<String> delete(Connection connection, String table, String digest, List<Integer> rounds)
            throws SQLException {
        List<String> digests = new ArrayList<>();
        try (PreparedStatement delete = connection.prepareStatement(database.sql(
                "DELETE FROM {s}." + table + " WHERE run_id = ? AND round = ANY (?) RETURNING " + digest))) {
            delete.setString(1, runId);
            delete.setArray(2, connection.createArrayOf("integer", rounds.toArray()));
            try (var rows = delete.executeQuery()) {
                while (rows.next()) {
                    digests.add(rows.getString(1));
                }
            }
        }
        return digests;
    }

    /** Deletes the records of rounds after this one. */
    void deleteRoundsAfter(Connection connection, int round) throws SQLException {
        try (PreparedStatement delete =
                connection.prepareStatement(database.sql("DELETE FROM {s}.round WHERE run_id = ? AND round > ?"))) {
            delete.setString(1, runId);
            delete.setInt(2, round);
            delete.executeUpdate();
        }
    }
}
