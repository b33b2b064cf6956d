package io.fedlearn.pg.run;

import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.PartState;
import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.formats.internal.run.NewerSchemaException;
import io.fedlearn.formats.internal.run.RecordJson;
import io.fedlearn.formats.internal.run.SealedJson;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.internal.models.PgModels;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/** One pass over a run's rows, in one snapshot: finds the newest checkpoint that is whole, and changes nothing. */
final class RunReading {
    /**
     * What the rows turned out to hold.
     *
     * @param latest the newest whole checkpoint
     * @param lines of the rounds up to it
     * @param checkpoints that there are, up to the latest
     * @param damaged checkpoints that are newer than it, each with what is wrong
     * @param damagedModels digests of models that are not what was saved
     * @param newestRecord the highest round that has a record
     * @param latestByRun the latest round by the run's own row
     */
    record Found(
            RunHeader header,
            Checkpoint latest,
            List<RecordJson.Line> lines,
            List<Integer> checkpoints,
            NavigableMap<Integer, String> damaged,
            List<String> damagedModels,
            int newestRecord,
            int latestByRun) {
        /** What a person should know. */
        List<String> notices() {
            List<String> notices = new ArrayList<>();
            damaged.forEach((round, reason) -> notices.add("the checkpoint of round " + round + " of run '"
                    + header.runId() + "' is damaged, the one before is used: " + reason
                    + "; it was removed, and what follows from it"));
            if (damaged.isEmpty() && newestRecord > latest.round()) {
                notices.add("run '" + header.runId() + "' has records up to round " + newestRecord
                        + " and no checkpoint after round " + latest.round() + "; the records were removed");
            }
            if (notices.isEmpty() && latestByRun != latest.round()) {
                notices.add("run '" + header.runId() + "' was at round " + latestByRun
                        + " by its row, and has checkpoint and records up to round " + latest.round()
                        + "; the row was set right");
            }
            return notices;
        }
    }

    private final Database database;
    private final PgModels models;
    private final String runId;
    private final long maxHeapModelBytes;
    private final Map<Integer, RecordJson.Line> lines = new HashMap<>();
    private final Map<Integer, String> damagedLines = new HashMap<>();
    private final NavigableMap<Integer, String> damaged = new TreeMap<>();
    private final List<String> damagedModels = new ArrayList<>();
    private int newestRecord;
    private int latestByRun;

    RunReading(Database database, PgModels models, String runId, long maxHeapModelBytes) {
        this.database = database;
        this.models = models;
        this.runId = runId;
        this.maxHeapModelBytes = maxHeapModelBytes;
    }

    /** The run; empty if there is none. */
    Optional<Found> read(Connection connection) throws SQLException {
        Optional<RunHeader> header = header(connection);
        if (header.isEmpty()) {
            return Optional.empty();
        }
        readLines(connection);
        List<Integer> present = checkpoints(connection);
        Checkpoint latest = newestWhole(connection, present);
        List<RecordJson.Line> upToLatest = new ArrayList<>();
        for (int round = 1; round <= latest.round(); round++) {
            upToLatest.add(line(round));
        }
        return Optional.of(new Found(
                header.get(),
                latest,
                upToLatest,
                present.stream().filter(round -> round <= latest.round()).toList(),
                damaged,
                damagedModels,
                newestRecord,
                latestByRun));
    }

    private RecordJson.Line line(int round) {
        return Optional.ofNullable(lines.get(round)).orElseThrow();
    }

    private Optional<RunHeader> header(Connection connection) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(
                database.sql("SELECT header, latest_round FROM {s}.run WHERE run_id = ?"))) {
            select.setString(1, runId);
            try (ResultSet rows = select.executeQuery()) {
                if (!rows.next()) {
                    return Optional.empty();
                }
                latestByRun = rows.getInt(2);
                SealedJson sealed = sealed(rows.getString(1));
                NewerSchemaException.requireKnown(sealed.parse(), RecordJson.RUN_SCHEMA, "run '" + runId + "'");
                return Optional.of(RecordJson.readHeader(sealed));
            }
        } catch (NewerSchemaException e) {
            throw new RunStoreException(String.valueOf(e.getMessage()), e);
        } catch (DamagedException e) {
            throw new RunStoreException("the header of run '" + runId + "' " + e.getMessage(), e);
        }
    }

    private static SealedJson sealed(String text) throws DamagedException {
        return SealedJson.of(text.getBytes(StandardCharsets.UTF_8));
    }

    private void readLines(Connection connection) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(
                database.sql("SELECT round, record FROM {s}.round WHERE run_id = ? ORDER BY round"))) {
            select.setString(1, runId);
            // In pieces: a round of ten thousand clients has a record of megabytes.
            select.setFetchSize(10);
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    int round = rows.getInt(1);
                    newestRecord = round;
                    try {
                        RecordJson.Line line = RecordJson.readLine(sealed(rows.getString(2)));
                        if (line.record().round() != round) {
                            throw new DamagedException(
                                    "belongs to round " + line.record().round());
                        }
                        lines.put(round, line);
                    } catch (DamagedException e) {
                        damagedLines.put(round, String.valueOf(e.getMessage()));
                    }
                }
            }
        }
    }

    private List<Integer> checkpoints(Connection connection) throws SQLException {
        List<Integer> rounds = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(
                database.sql("SELECT round FROM {s}.checkpoint WHERE run_id = ? ORDER BY round DESC"))) {
            select.setString(1, runId);
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    rounds.add(rows.getInt(1));
                }
            }
        }
        return rounds;
    }

    private Checkpoint newestWhole(Connection connection, List<Integer> present) throws SQLException {
        for (int round : present) {
            try {
                return checkpoint(connection, round);
            } catch (DamagedException e) {
                damaged.put(round, String.valueOf(e.getMessage()));
            } catch (NewerSchemaException e) {
                throw new RunStoreException(String.valueOf(e.getMessage()), e);
            }
        }
        List<String> reasons = new ArrayList<>();
        damaged.descendingMap().forEach((round, reason) -> reasons.add("round " + round + ": " + reason));
        throw new RunStoreException("no checkpoint of run '" + runId + "' is whole: "
                + (reasons.isEmpty() ? "there is none" : String.join("; ", reasons)));
    }

    private Checkpoint checkpoint(Connection connection, int round)
            throws SQLException, DamagedException, NewerSchemaException {
        for (int before = 1; before <= round; before++) {
            if (!lines.containsKey(before)) {
                throw new DamagedException(
                        "the record of round " + before + " " + damagedLines.getOrDefault(before, "is missing"));
            }
        }
        StatesJson.States states = states(connection, round);
        Optional<RecordJson.Line> line = round == 0 ? Optional.empty() : Optional.of(line(round));
        if (!states.recordSha256().equals(line.map(RecordJson.Line::sha256))
                || line.isPresent() && !line.get().record().modelDigest().equals(states.modelDigest())) {
            throw new DamagedException("the record of round " + round + " is not the one that belongs to it");
        }
        Model model = model(connection, states.modelDigest());
        Map<String, PartState> parts = new TreeMap<>();
        for (StatesJson.Part part : states.parts()) {
            Map<String, Model> tensors = new TreeMap<>();
            for (StatesJson.Group group : part.groups()) {
                tensors.put(group.name(), model(connection, group.digest()));
            }
            parts.put(part.name(), new PartState(tensors, part.values()));
        }
        Optional<RoundRecord> record = line.map(RecordJson.Line::record);
        return new Checkpoint(round, model, parts, record);
    }

    private StatesJson.States states(Connection connection, int round)
            throws SQLException, DamagedException, NewerSchemaException {
        try (PreparedStatement select = connection.prepareStatement(
                database.sql("SELECT states FROM {s}.checkpoint WHERE run_id = ? AND round = ?"))) {
            select.setString(1, runId);
            select.setInt(2, round);
            try (ResultSet rows = select.executeQuery()) {
                if (!rows.next()) {
                    throw new DamagedException("it is gone");
                }
                StatesJson.States states =
                        StatesJson.read(sealed(rows.getString(1)), "round " + round + " of run '" + runId + "'");
                if (!states.runId().equals(runId) || states.round() != round) {
                    throw new DamagedException(
                            "belongs to round " + states.round() + " of run '" + states.runId() + "'");
                }
                return states;
            }
        } catch (DamagedException e) {
            throw new DamagedException("its line " + e.getMessage(), e);
        }
    }

    private Model model(Connection connection, String digest) throws SQLException, DamagedException {
        try {
            return models.require(connection, digest, maxHeapModelBytes);
        } catch (DamagedException e) {
            damagedModels.add(digest);
            throw e;
        }
    }

    /** The model of a round; empty if its checkpoint was not kept. */
    Optional<Model> model(Connection connection, int round) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(
                database.sql("SELECT model_digest FROM {s}.checkpoint WHERE run_id = ? AND round = ?"))) {
            select.setString(1, runId);
            select.setInt(2, round);
            try (ResultSet rows = select.executeQuery()) {
                if (!rows.next()) {
                    return Optional.empty();
                }
                return Optional.of(model(connection, rows.getString(1)));
            }
        } catch (DamagedException e) {
            throw new RunStoreException(
                    "the checkpoint of round " + round + " of run '" + runId + "' is damaged: " + e.getMessage(), e);
        }
    }
}
