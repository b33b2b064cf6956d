package io.fedlearn.pg.data;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.IndexedReader;
import io.fedlearn.pg.PgException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.IntPredicate;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import javax.sql.DataSource;

/**
 * Rows of a table or a query in PostgreSQL as examples: a snapshot, read once, in the order of a key, and the same for every epoch.
 *
 * <p>Opening reads all rows by one binary COPY in a read-only transaction at isolation level REPEATABLE READ. What a row becomes is kept
 * as floats, on the heap up to {@link Builder#maxHeapBytes} and beyond that in a file that only this process can read; so a table may be
 * larger than memory. Besides, a row takes 4 bytes for the order of examples, as many again for each shuffled reader, and as many for
 * the splits that it is in.
 *
 * <p><b>Columns.</b> {@link Builder#features} takes whole numbers, {@code real}, {@code double precision}, {@code numeric} (to the nearest
 * float), booleans (1 and 0), {@code date}, {@code timestamp} and {@code timestamptz} (days since 1970-01-01, in UTC, with fractions),
 * arrays of numbers, and pgvector's {@code vector}. Categories, bytes and numbers within {@code jsonb} are declared with a method of their
 * own. Nothing is guessed: a category that was not declared, an array of another length, or a number that a float cannot hold is refused
 * with its column and the key of its row.
 *
 * <p><b>Rights.</b> All that is needed is SELECT on the columns that are named. Row-level security holds as for any query.
 *
 * <p>Immutable but for {@link #close()}, and thread-safe.
 */
public final class PgDataset implements ExampleSource, AutoCloseable {
    /** The heap that rows may take unless the builder says otherwise, in bytes: {@value}. */
    public static final long DEFAULT_MAX_HEAP_BYTES = 256L << 20;

    private static final double SHARE_TOLERANCE = 1e-9;

    private final Loading.Loaded loaded;
    private final Builder declared;
    private final int[] rows;

    private PgDataset(Loading.Loaded loaded, Builder declared) {
        this.loaded = loaded;
        this.declared = declared;
        this.rows = IntStream.range(0, loaded.store().rowCount()).toArray();
    }

    /**
     * What opening found.
     *
     * @param rowsRead rows that came from the database
     * @param rowsDropped those of them that were left out because something is missing
     * @param missing in how many of the rows that came each column is missing, wholly or an element of it; in the order of declaration
     * @param imputed in how many examples a value of the column was put in; columns without are left out
     * @param isOnDisk whether the rows are in a file
     */
    public record Report(
            long rowsRead, long rowsDropped, Map<String, Long> missing, Map<String, Long> imputed, boolean isOnDisk) {}

    /**
     * A data set in three parts.
     *
     * @param training to train on
     * @param validation to choose by
     * @param test to evaluate on
     */
    public record Split(ExampleSource training, ExampleSource validation, ExampleSource test) {}

    /**
     * Begins with the rows of a table or view.
     *
     * @param name as the catalogue has it, with a schema before a dot ({@code clinic.patients}), or without if it is on the search path
     */
    public static Builder table(DataSource dataSource, String name) {
        int dot = name.indexOf('.');
        return dot < 0
                ? new Builder(dataSource, Origin.table("", name))
                : table(dataSource, name.substring(0, dot), name.substring(dot + 1));
    }

    /** Begins with the rows of a table or view whose name, or whose schema's, may hold a dot. */
    public static Builder table(DataSource dataSource, String schema, String name) {
        if (schema.isEmpty() || name.isEmpty()) {
            throw new IllegalArgumentException(
                    "schema and table must not be empty, were '" + schema + "' and '" + name + "'");
        }
        return new Builder(dataSource, Origin.table(schema, name));
    }

    /**
     * Begins with the rows of a query.
     *
     * @param sql the application's own text, with a question mark for each value
     * @param values texts, numbers, booleans, UUIDs, enums, values of {@code java.time}, lists of them for {@code = ANY(?)},
     *     or an empty Optional for NULL
     */
    public static Builder query(DataSource dataSource, String sql, Object... values) {
        return new Builder(dataSource, Origin.query(sql, Parameters.copyOf(values)));
    }

    /** The names of the features, in order: {@code age}, {@code sex=f}, {@code ecg[0]}. */
    public List<String> featureNames() {
        return loaded.featureNames();
    }

    /** What was read, dropped and imputed. */
    public Report report() {
        return loaded.report();
    }

    /**
     * SHA-256 over what was declared and over the examples, in hexadecimal: another one if a row came, went or changed in a column that
     * is read. A run that is resumed compares it with the one that it began with.
     */
    public String snapshotDigest() {
        return loaded.digest();
    }

    /**
     * Reads anew as declared: a snapshot of its own, beside this one.
     *
     * @throws InterruptedException if this thread is interrupted
     */
    public PgDataset refresh() throws InterruptedException {
        return declared.open();
    }

    /**
     * Divides the examples by their keys (or what {@link Builder#splitBy} says): which part an example is in depends on the seed and its
     * key alone, so it stays there when other rows come or go. Shares hold on average.
     *
     * @param seed the same for the same parts
     * @param training share of the examples, in [0, 1]; with the other two, 1
     */
    public Split split(long seed, double training, double validation, double test) {
        if (!(training >= 0
                && validation >= 0
                && test >= 0
                && Math.abs(training + validation + test - 1) <= SHARE_TOLERANCE)) {
            throw new IllegalArgumentException("training, validation and test must be >= 0 and 1 together, were "
                    + training + ", " + validation + " and " + test);
        }
        double second = test == 0 ? 1 : training + validation;
        return new Split(
                part(row -> place(seed, row) < training),
                part(row -> place(seed, row) >= training && place(seed, row) < second),
                part(row -> place(seed, row) >= Math.max(training, second)));
    }

    private double place(long seed, int row) {
        return (SeededRandom.derive(seed, loaded.store().hash(row)) >>> 11) * 0x1p-53;
    }

    private ExampleSource part(IntPredicate isIn) {
        return new Part(Arrays.stream(rows).filter(isIn).toArray());
    }

    /** Some of the examples. */
    private final class Part implements ExampleSource {
        private final int[] chosen;

        Part(int[] chosen) {
            this.chosen = chosen;
        }

        @Override
        public long exampleCount() {
            return chosen.length;
        }

        @Override
        public Shape featureShape() {
            return loaded.featureShape();
        }

        @Override
        public int targetLength() {
            return loaded.targetLength();
        }

        @Override
        public BatchReader open(ExampleOrder order) {
            return IndexedReader.open(order, chosen, PgDataset.this::copy);
        }
    }

    @Override
    public long exampleCount() {
        return rows.length;
    }

    @Override
    public Shape featureShape() {
        return loaded.featureShape();
    }

    @Override
    public int targetLength() {
        return loaded.targetLength();
    }

    @Override
    public BatchReader open(ExampleOrder order) {
        return IndexedReader.open(order, rows, this::copy);
    }

    private void copy(int row, Batch batch, int place) {
        loaded.store().copy(row, batch, place);
        int[] imputed = loaded.imputedPlaces();
        if (imputed.length > 0) {
            float[] features = batch.features();
            float[] values = loaded.imputedValues();
            int at = place * batch.featureLength();
            for (int i = 0; i < imputed.length; i++) {
                float value = features[at + imputed[i]];
                if (Float.isNaN(value)) {
                    features[at + imputed[i]] = values[i];
                }
            }
        }
    }

    /** Gives heap and file back. Readers fail from now on. */
    @Override
    public void close() {
        loaded.store().close();
    }

    /** Where the examples are from, and their numbers. */
    @Override
    public String toString() {
        return declared.origin + ": " + rows.length + " examples of " + featureShape() + " features";
    }

    /** Collects what a data set is made of. Columns become features in the order in which they are declared. Not thread-safe. */
    public static final class Builder {
        final DataSource dataSource;
        Origin origin;
        final List<Declared> features = new ArrayList<>();
        final List<Declared> targets = new ArrayList<>();
        final Map<String, MissingValues> missing = new LinkedHashMap<>();
        List<String> key = List.of();
        List<String> splitBy = List.of();
        MissingValues otherMissing = MissingValues.refuse();
        Optional<Shape> featureShape = Optional.empty();
        Optional<Duration> statementTimeout = Optional.empty();
        Optional<Executor> executor = Optional.empty();
        long maxHeapBytes = DEFAULT_MAX_HEAP_BYTES;
        Path folder = Path.of(System.getProperty("java.io.tmpdir"));
        boolean mayBeEmpty;
        LongConsumer progress = rows -> {};

        private Builder(DataSource dataSource, Origin origin) {
            this.dataSource = dataSource;
            this.origin = origin;
        }

        private Builder(Builder other) {
            this(other.dataSource, other.origin);
            features.addAll(other.features);
            targets.addAll(other.targets);
            missing.putAll(other.missing);
            key = other.key;
            splitBy = other.splitBy;
            otherMissing = other.otherMissing;
            featureShape = other.featureShape;
            statementTimeout = other.statementTimeout;
            executor = other.executor;
            maxHeapBytes = other.maxHeapBytes;
            folder = other.folder;
            mayBeEmpty = other.mayBeEmpty;
            progress = other.progress;
        }

        /** The column or columns that tell a row from all others: they order the rows, split them, and name them in messages. */
        public Builder key(String... columns) {
            key = distinct("key", columns);
            return this;
        }

        /** What {@link PgDataset#split} goes by instead of the key: rows that are alike in these columns, such as one patient's, stay together. */
        public Builder splitBy(String... columns) {
            splitBy = distinct("splitBy", columns);
            return this;
        }

        private static List<String> distinct(String what, String... columns) {
            List<String> names = List.of(columns);
            if (names.isEmpty() || names.stream().distinct().count() < names.size()) {
                throw new IllegalArgumentException(
                        what + " must name at least one column, and none twice, was " + names);
            }
            return names;
        }

        /** Adds features whose kind is that of the column's type. */
        public Builder features(String... columns) {
            for (String column : columns) {
                features.add(new Declared.Typed(column, Declared.DEFAULT_SINCE, -1));
            }
            return this;
        }

        /** Adds a date or time as days since the start of a day. */
        public Builder date(String column, LocalDate since) {
            features.add(new Declared.Typed(column, since, -1));
            return this;
        }

        /**
         * Adds an array or vector of numbers of this length. With {@link #features} the first row's length is that of all.
         *
         * @param length number of elements, all dimensions together
         */
        public Builder array(String column, int length) {
            if (length < 1) {
                throw new IllegalArgumentException("length must be >= 1, was " + length);
            }
            features.add(new Declared.Typed(column, Declared.DEFAULT_SINCE, length));
            return this;
        }

        /** Adds a tensor whose elements are in a {@code bytea}, little-endian. */
        public Builder tensor(String column, TensorType type, Shape shape) {
            if (shape.elementCount() < 1) {
                throw new IllegalArgumentException("shape must have at least one element, was " + shape);
            }
            features.add(new Declared.Bytes(column, type, shape));
            return this;
        }

        /** Adds a number within {@code jsonb} or {@code json}; true and false are 1 and 0, null and what is not there are missing. */
        public Builder json(String column, String... path) {
            features.add(new Declared.Json(column, List.of(path)));
            return this;
        }

        /** Adds one feature for each of a column's categories, 1 where it is the row's and 0 elsewhere. Categories are compared as text. */
        public Builder category(String column, String... categories) {
            features.add(new Declared.Category(column, Vocabulary.of(column, categories), false));
            return this;
        }

        /** Adds a column's category as one feature: its index among these. */
        public Builder categoryIndex(String column, String... categories) {
            features.add(new Declared.Category(column, Vocabulary.of(column, categories), true));
            return this;
        }

        /** Adds targets that are numbers, booleans or dates. */
        public Builder label(String... columns) {
            for (String column : columns) {
                targets.add(new Declared.Typed(column, Declared.DEFAULT_SINCE, -1));
            }
            return this;
        }

        /** Adds a target that is the index of a class. */
        public Builder labelClass(String column, String... classes) {
            targets.add(new Declared.Category(column, Vocabulary.of(column, classes), true));
            return this;
        }

        /**
         * What becomes of features where they are missing; {@link MissingValues#refuse} unless it is said. Labels are never imputed: rows
         * without are dropped if this is {@link MissingValues#dropRows}, and refused otherwise.
         */
        public Builder missing(MissingValues policy) {
            otherMissing = policy;
            return this;
        }

        /**
         * What becomes of one column where it is missing.
         *
         * @param column its name; of a number within JSON, the column's and the path's, with dots between
         */
        public Builder missing(String column, MissingValues policy) {
            missing.put(column, policy);
            return this;
        }

        /**
         * Reads only rows of the table for which this holds.
         *
         * @param condition the application's own SQL text, with a question mark for each value
         * @param values as in {@link PgDataset#query}
         */
        public Builder where(String condition, Object... values) {
            origin = origin.where(condition, Parameters.copyOf(values));
            return this;
        }

        /** The shape of an example's features, instead of a vector's, or that of the only tensor. */
        public Builder featureShape(Shape shape) {
            featureShape = Optional.of(shape);
            return this;
        }

        /**
         * How long the server may work on the rows; unless it is said, as long as the role or the server allows.
         *
         * @param timeout at least a millisecond, at most 24 days, as PostgreSQL has it
         */
        public Builder statementTimeout(Duration timeout) {
            if (timeout.compareTo(Duration.ofMillis(1)) < 0 || timeout.compareTo(Duration.ofDays(24)) > 0) {
                throw new IllegalArgumentException("statementTimeout must be in [1 ms, 24 days], was " + timeout);
            }
            statementTimeout = Optional.of(timeout);
            return this;
        }

        /** The heap that rows may take before they go to a file; the default is {@value PgDataset#DEFAULT_MAX_HEAP_BYTES}. */
        public Builder maxHeapBytes(long bytes) {
            if (bytes < 0) {
                throw new IllegalArgumentException("maxHeapBytes must be >= 0, was " + bytes);
            }
            maxHeapBytes = bytes;
            return this;
        }

        /** Where that file is; the default is the system's folder for temporary files. */
        public Builder folder(Path where) {
            folder = where;
            return this;
        }

        /** Opens without examples too, where otherwise no row is an error. */
        public Builder allowEmpty() {
            mayBeEmpty = true;
            return this;
        }

        /** Is told, by the thread that opens, how many rows have come: every 65,536 and at the end. */
        public Builder onProgress(LongConsumer rowsRead) {
            progress = rowsRead;
            return this;
        }

        /**
         * Where the thread that receives rows comes from, while the opening thread makes examples of them: it must not be the opening
         * thread. The default is a daemon thread that ends when all rows are there.
         */
        public Builder executor(Executor threads) {
            executor = Optional.of(threads);
            return this;
        }

        /**
         * Reads the rows.
         *
         * @throws IllegalArgumentException if the declaration is not complete, or the database has no such table or column
         * @throws PgDatasetException if rows are not as declared
         * @throws PgException if the database cannot do it
         * @throws InterruptedException if this thread is interrupted; the query has ended at the server then
         */
        public PgDataset open() throws InterruptedException {
            Builder now = new Builder(this);
            return new PgDataset(Loading.load(now), now);
        }
    }
}
