package io.fedlearn.pg.internal.models;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelDigest;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.UpdateSpool;
import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.pg.internal.Database;
import java.nio.ByteBuffer;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;
import org.postgresql.copy.CopyOut;

/**
 * Models in the database, each once, by its digest; values in chunks with a checksum each. Every method works in the caller's
 * transaction, at the isolation level read committed where it writes. Immutable and thread-safe.
 */
public final class PgModels {
    /** How many bytes of values a chunk has, but for the last: {@value}, which is 256 KiB. */
    public static final int CHUNK_BYTES = 256 << 10;

    private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");
    private static final int MAX_ARRAY_BYTES = Integer.MAX_VALUE - 8;
    /** Who refers to models: what nobody of them names is garbage. */
    private static final List<String> REFERENCES = List.of(
            "{s}.checkpoint WHERE model_digest",
            "{s}.checkpoint_state WHERE digest",
            "{s}.client_state WHERE digest",
            "{s}.model_version WHERE digest");

    private final Database database;
    private final int chunkBytes;

    private PgModels(Database database, int chunkBytes) {
        this.database = database;
        this.chunkBytes = chunkBytes;
    }

    /** The models of this schema. */
    public static PgModels of(Database database) {
        return new PgModels(database, CHUNK_BYTES);
    }

    /** As {@link #of(Database)}, with chunks of another size. */
    public static PgModels withChunks(Database database, int chunkBytes) {
        if (chunkBytes < Long.BYTES) {
            throw new IllegalArgumentException("chunkBytes must be >= " + Long.BYTES + ", was " + chunkBytes);
        }
        return new PgModels(database, chunkBytes);
    }

    /**
     * Saves models that are not there yet, and holds all of them until the transaction ends, so that nobody collects them before a row
     * refers to them.
     *
     * @return how many bytes of values were written
     */
    public long saveAll(Connection connection, Collection<Model> models) throws SQLException {
        // In one order, so that two transactions with the same models wait for each other in a row and not in a circle.
        TreeMap<String, Model> ordered = new TreeMap<>();
        models.forEach(model -> ordered.putIfAbsent(model.digest(), model));
        long written = 0;
        for (Model model : ordered.values()) {
            written += save(connection, model);
        }
        return written;
    }

    private long save(Connection connection, Model model) throws SQLException {
        while (true) {
            if (insert(connection, model)) {
                return write(connection, model);
            }
            Optional<Boolean> damaged = hold(connection, model.digest(), "FOR KEY SHARE");
            if (damaged.isPresent() && !damaged.get()) {
                return 0;
            }
            if (damaged.isPresent()
                    && hold(connection, model.digest(), "FOR UPDATE").isPresent()) {
                return rewrite(connection, model);
            }
            // Collected in between: now it is not there.
        }
    }

    private boolean insert(Connection connection, Model model) throws SQLException {
        try (PreparedStatement insert =
                connection.prepareStatement(database.sql("INSERT INTO {s}.model (digest, byte_count, spec, chunk_bytes)"
                        + " VALUES (?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING"))) {
            insert.setString(1, model.digest());
            insert.setLong(2, model.byteCount());
            insert.setString(3, SpecJson.write(model.spec()));
            insert.setInt(4, chunkBytes);
            return insert.executeUpdate() == 1;
        }
    }

    /**
     * Keeps a model from being collected until the transaction ends.
     *
     * @return whether it is there
     */
    public boolean hold(Connection connection, String digest) throws SQLException {
        return hold(connection, digest, "FOR KEY SHARE").isPresent();
    }

    /** Whether it was found damaged; empty if it is not there. */
    private Optional<Boolean> hold(Connection connection, String digest, String how) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(
                database.sql("SELECT damaged_at IS NOT NULL FROM {s}.model WHERE digest = ? " + how))) {
            select.setString(1, digest);
            try (ResultSet rows = select.executeQuery()) {
                return rows.next() ? Optional.of(rows.getBoolean(1)) : Optional.empty();
            }
        }
    }

    private long rewrite(Connection connection, Model model) throws SQLException {
        execute(connection, "DELETE FROM {s}.model_chunk WHERE digest = ?", model.digest());
        execute(connection, "UPDATE {s}.model SET damaged_at = NULL WHERE digest = ?", model.digest());
        return write(connection, model);
    }

    private void execute(Connection connection, String sql, String digest) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(database.sql(sql))) {
            statement.setString(1, digest);
            statement.executeUpdate();
        }
    }

    private long write(Connection connection, Model model) throws SQLException {
        CopyIn copy = connection
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyIn(database.sql("COPY {s}.model_chunk (" + ChunkWriter.COLUMNS + ") FROM STDIN (FORMAT binary)"));
        try {
            String written = new ChunkWriter(copy, model, chunkBytes).write(model);
            if (!written.equals(model.digest())) {
                throw new IllegalStateException("the model's values changed while they were read: its digest is "
                        + model.digest() + ", what was read has " + written);
            }
            copy.endCopy();
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
        return model.byteCount();
    }

    /**
     * Loads a model: to the heap, or into the spool's file if it has more than {@code maxHeapBytes} bytes of values.
     *
     * @return it; empty if there is none
     * @throws DamagedException if what is there is not what was saved; the transaction can go on
     */
    public Optional<Model> load(Connection connection, String digest, long maxHeapBytes, UpdateSpool spool)
            throws SQLException, DamagedException {
        Optional<ModelSpec> spec = spec(connection, digest);
        if (spec.isEmpty()) {
            return Optional.empty();
        }
        boolean isOnHeap = spec.get().byteCount() <= maxHeapBytes
                && spec.get().tensors().stream().allMatch(tensor -> tensor.byteCount() <= MAX_ARRAY_BYTES);
        List<TensorSink> sinks = new ArrayList<>();
        for (TensorSpec tensor : spec.get().tensors()) {
            sinks.add(isOnHeap ? TensorSink.onHeap(tensor) : TensorSink.in(spool, tensor));
        }
        try {
            read(connection, digest, spec.get(), sinks);
        } catch (DamagedException e) {
            throw new DamagedException("model " + digest + ": " + e.getMessage(), e);
        }
        return Optional.of(
                Model.of(spec.get(), sinks.stream().map(TensorSink::tensor).toList()));
    }

    /**
     * As {@link #load}, of a model that must be there. One that is too large for the heap is in a file that has no name any more, and
     * is gone when none of its tensors is used.
     *
     * @throws DamagedException if it is missing, or not what was saved; the transaction can go on
     */
    public Model require(Connection connection, String digest, long maxHeapBytes)
            throws SQLException, DamagedException {
        // Closing the spool would take the file away.
        return load(connection, digest, maxHeapBytes, UpdateSpool.inTemporaryDirectory())
                .orElseThrow(() -> new DamagedException("model " + digest + " is missing"));
    }

    /**
     * The specification of a model; empty if there is none.
     *
     * @throws DamagedException if it is none
     */
    public Optional<ModelSpec> spec(Connection connection, String digest) throws SQLException, DamagedException {
        try (PreparedStatement select =
                connection.prepareStatement(database.sql("SELECT spec, byte_count FROM {s}.model WHERE digest = ?"))) {
            select.setString(1, digest);
            try (ResultSet rows = select.executeQuery()) {
                if (!rows.next()) {
                    return Optional.empty();
                }
                ModelSpec spec = SpecJson.read(rows.getString(1));
                if (spec.byteCount() != rows.getLong(2)) {
                    throw new DamagedException("model " + digest + ": its specification has " + spec.byteCount()
                            + " bytes, its row says " + rows.getLong(2));
                }
                return Optional.of(spec);
            }
        }
    }

    private void read(Connection connection, String digest, ModelSpec spec, List<TensorSink> sinks)
            throws SQLException, DamagedException {
        if (!DIGEST.matcher(digest).matches()) {
            // COPY takes no parameters, so nothing but a digest may stand in it.
            throw new DamagedException("its name is no digest");
        }
        CopyOut copy = connection
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyOut(database.sql("COPY (SELECT " + ChunkReader.COLUMNS + " FROM {s}.model_chunk WHERE digest = '"
                        + digest + "' ORDER BY number) TO STDOUT (FORMAT binary)"));
        ModelDigest read = ModelDigest.of(spec);
        try {
            read(new ChunkReader(copy), spec, sinks, read);
        } finally {
            // To its end, because to cancel it would end the transaction.
            while (copy.isActive() && copy.readFromCopy() != null) {
                continue;
            }
        }
        String found = read.finish();
        if (!found.equals(digest)) {
            throw new DamagedException("its values have the digest " + found);
        }
    }

    private static void read(ChunkReader chunks, ModelSpec spec, List<TensorSink> sinks, ModelDigest read)
            throws SQLException, DamagedException {
        ByteBuffer chunk = ByteBuffer.allocate(0);
        for (int i = 0; i < sinks.size(); i++) {
            TensorSpec tensor = spec.tensors().get(i);
            for (long left = tensor.byteCount(); left > 0; ) {
                if (!chunk.hasRemaining()) {
                    chunk = chunks.next();
                    if (!chunk.hasRemaining()) {
                        throw new DamagedException("chunk " + chunks.expected() + " is missing");
                    }
                    read.update(chunk.duplicate());
                }
                int count = (int) Math.min(left, chunk.remaining());
                if (count % tensor.type().byteSize() != 0) {
                    throw new DamagedException("chunk " + (chunks.expected() - 1) + " has the wrong length");
                }
                int end = chunk.limit();
                int next = chunk.position() + count;
                sinks.get(i).put(chunk.limit(next));
                chunk.limit(end).position(next);
                left -= count;
            }
        }
        if (chunk.hasRemaining() || chunks.next().hasRemaining()) {
            throw new DamagedException("it has more values than its specification");
        }
    }

    /** Notes that a model was found damaged, so that its values are written anew when it is saved again. */
    public void markDamaged(Connection connection, String digest) throws SQLException {
        execute(
                connection,
                "UPDATE {s}.model SET damaged_at = clock_timestamp() WHERE digest = ? AND damaged_at IS NULL",
                digest);
    }

    /**
     * Deletes models that nothing refers to. Those that somebody is about to refer to stay, and those that another collects.
     *
     * @param digests of the models to look at
     * @return how many there were
     */
    public int collect(Connection connection, Collection<String> digests) throws SQLException {
        return digests.isEmpty() ? 0 : collect(connection, "AND digest = ANY (?)", digests);
    }

    /** As {@link #collect(Connection, Collection)}, of all models. */
    public int collectAll(Connection connection) throws SQLException {
        return collect(connection, "", List.of());
    }

    private int collect(Connection connection, String which, Collection<String> digests) throws SQLException {
        List<String> found = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(database.sql("SELECT digest FROM {s}.model m WHERE "
                + unreferenced() + " " + which + " ORDER BY digest FOR UPDATE SKIP LOCKED"))) {
            if (!which.isEmpty()) {
                select.setArray(1, array(connection, digests));
            }
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    found.add(rows.getString(1));
                }
            }
        }
        if (found.isEmpty()) {
            return 0;
        }
        // Looked at again now that they are locked: a reference may have been committed in between.
        try (PreparedStatement delete = connection.prepareStatement(
                database.sql("DELETE FROM {s}.model m WHERE digest = ANY (?) AND " + unreferenced()))) {
            delete.setArray(1, array(connection, found));
            return delete.executeUpdate();
        }
    }

    private static Array array(Connection connection, Collection<String> texts) throws SQLException {
        return connection.createArrayOf("text", texts.toArray());
    }

    private static String unreferenced() {
        StringBuilder condition = new StringBuilder();
        for (String reference : REFERENCES) {
            condition
                    .append(condition.length() == 0 ? "" : " AND ")
                    .append("NOT EXISTS (SELECT FROM ")
                    .append(reference)
                    .append(" = m.digest)");
        }
        return condition.toString();
    }
}
