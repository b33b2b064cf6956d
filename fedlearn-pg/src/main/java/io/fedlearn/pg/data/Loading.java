package io.fedlearn.pg.data;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.schema.PgSchema;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Reads the rows of a data set once. Confined to one thread. */
final class Loading {
    private static final int PROGRESS_ROWS = 1 << 16;

    private final PgDataset.Builder declared;
    private final List<Column> columns = new ArrayList<>();
    private final List<MissingValues> policies = new ArrayList<>();
    private final List<String> expressions = new ArrayList<>();
    private final MessageDigest digest = sha256();
    private KeyFields key = new KeyFields(List.of());
    private KeyFields splitBy = new KeyFields(List.of());
    private boolean isSplitByKey = true;

    private int featureLength;
    private int targetLength;
    private float[] row = {};
    private boolean[] isMissing = {};
    private long[] missing = {};
    private long[] kept = {};
    private long rowsRead;
    private long rowsDropped;
    private List<RowStore> store = List.of();

    private Loading(PgDataset.Builder declared) {
        this.declared = declared;
    }

    /** What came of it. */
    record Loaded(
            RowStore store,
            Shape featureShape,
            int targetLength,
            List<String> featureNames,
            Imputed imputation,
            PgDataset.Report report,
            String digest) {
        int[] imputedPlaces() {
            return imputation.places;
        }

        float[] imputedValues() {
            return imputation.values;
        }
    }

    /** What NaN becomes at which places of a row's features. */
    static final class Imputed {
        final int[] places;
        final float[] values;

        Imputed(int[] places, float[] values) {
            this.places = places;
            this.values = values;
        }
    }

    /** Carries an interruption out of a transaction. */
    private static final class Interrupted extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Interrupted(InterruptedException cause) {
            super(cause);
        }
    }

    static Loaded load(PgDataset.Builder declared) throws InterruptedException {
        requireComplete(declared);
        Loading loading = new Loading(declared);
        boolean isLoaded = false;
        try {
            Loaded loaded = loading.run();
            isLoaded = true;
            return loaded;
        } catch (Interrupted e) {
            throw interrupted(declared);
        } catch (PgDatasetException e) {
            if (e.getCause() instanceof ClosedByInterruptException && Thread.interrupted()) {
                throw interrupted(declared);
            }
            throw e;
        } finally {
            if (!isLoaded) {
                loading.store.forEach(RowStore::close);
            }
        }
    }

    private static InterruptedException interrupted(PgDataset.Builder declared) {
        return new InterruptedException("reading " + declared.origin + " was interrupted");
    }

    private static void requireComplete(PgDataset.Builder declared) {
        if (declared.key.isEmpty()) {
            throw new IllegalArgumentException("a data set must have a key: the columns that tell its rows apart");
        }
        if (declared.features.isEmpty()) {
            throw new IllegalArgumentException("a data set must have at least one feature, had none");
        }
        Set<String> names = new HashSet<>();
        List<Declared> all = new ArrayList<>(declared.features);
        all.addAll(declared.targets);
        for (Declared each : all) {
            if (!names.add(each.name())) {
                throw new IllegalArgumentException(
                        "column '" + each.name() + "' is declared twice, or is a feature and a label");
            }
        }
        declared.missing.keySet().stream()
                .filter(name -> !names.contains(name))
                .findFirst()
                .ifPresent(name -> {
                    throw new IllegalArgumentException(
                            "missing is said of column '" + name + "', which is not declared");
                });
        for (Declared target : declared.targets) {
            MissingValues policy = declared.missing.get(target.name());
            if (policy != null
                    && policy.kind() != MissingValues.Kind.REFUSE
                    && policy.kind() != MissingValues.Kind.DROP_ROWS) {
                throw new IllegalArgumentException("label '" + target.name()
                        + "' must be refused or its row dropped where it is missing, was " + policy);
            }
        }
    }

    private Loaded run() throws InterruptedException {
        String what = declared.origin + " cannot be read";
        Database database = Database.of(declared.dataSource, PgSchema.DEFAULT_NAME);
        if (declared.executor.isPresent()) {
            database.inTransaction(what, Database.Mode.SNAPSHOT, c -> read(c, declared.executor.get()));
        } else {
            ExecutorService own = Executors.newSingleThreadExecutor(task -> {
                Thread thread = new Thread(task, "fedlearn-pg-rows");
                thread.setDaemon(true);
                return thread;
            });
            try {
                database.inTransaction(what, Database.Mode.SNAPSHOT, c -> read(c, own));
            } finally {
                own.shutdown();
            }
        }
        return finished();
    }

    private boolean read(Connection connection, Executor executor) throws SQLException {
        if (declared.statementTimeout.isPresent()) {
            Parameters.set(
                    connection,
                    "statement_timeout",
                    Long.toString(declared.statementTimeout.get().toMillis()));
        }
        String statement = statement(connection);
        try {
            CopyRows.read(connection, statement, executor, expressions.size(), this::add);
        } catch (InterruptedException e) {
            throw new Interrupted(e);
        }
        return true;
    }

    private String statement(Connection connection) throws SQLException {
        Parameters parameters = new Parameters(connection);
        Origin.Found found = declared.origin.find(connection, parameters);
        Set<String> names = new HashSet<>();
        StringJoiner order = new StringJoiner(", ");
        List<KeyFields.Field> keyFields = fields(found, declared.key, names);
        keyFields.forEach(field -> order.add(field.order()));
        key = new KeyFields(keyFields);
        isSplitByKey = declared.splitBy.isEmpty();
        splitBy = new KeyFields(fields(found, declared.splitBy, names));
        for (Declared feature : declared.features) {
            add(
                    feature,
                    found,
                    parameters,
                    names,
                    declared.missing.getOrDefault(feature.name(), declared.otherMissing));
        }
        for (Declared target : declared.targets) {
            MissingValues other = declared.otherMissing.kind() == MissingValues.Kind.DROP_ROWS
                    ? declared.otherMissing
                    : MissingValues.refuse();
            add(target, found, parameters, names, declared.missing.getOrDefault(target.name(), other));
        }
        declared.origin.requireReadable(connection, found, names);
        missing = new long[columns.size()];
        kept = new long[columns.size()];
        isMissing = new boolean[columns.size()];
        StringJoiner selected = new StringJoiner(", ");
        for (int i = 0; i < expressions.size(); i++) {
            // With names of their own: a bare name in ORDER BY means what is selected before it means a column.
            selected.add(expressions.get(i) + " AS \"fedlearn " + i + "\"");
        }
        return "COPY (SELECT " + selected + " FROM " + found.from() + found.condition() + " ORDER BY " + order
                + ") TO STDOUT (FORMAT binary)";
    }

    private List<KeyFields.Field> fields(Origin.Found found, List<String> columnNames, Set<String> names) {
        List<KeyFields.Field> fields = new ArrayList<>();
        for (String column : columnNames) {
            KeyFields.Field field = KeyFields.Field.of(column, Database.quote(column), found.type(column));
            fields.add(field);
            expressions.add(field.expression());
            names.add(column);
        }
        return fields;
    }

    private void add(Declared each, Origin.Found found, Parameters parameters, Set<String> names, MissingValues policy)
            throws SQLException {
        Column column = each.resolve(found.type(each.column()), parameters);
        column.vocabulary()
                .ifPresentOrElse(
                        vocabulary -> {
                            if (policy.kind() == MissingValues.Kind.CATEGORY
                                    && !vocabulary.categories().contains(policy.category())) {
                                throw new IllegalArgumentException("column '" + each.name() + "' has no category '"
                                        + policy.category() + "' to impute, it has " + vocabulary);
                            }
                            if (policy.kind() == MissingValues.Kind.CONSTANT) {
                                throw new IllegalArgumentException("column '" + each.name()
                                        + "' has categories, so what is imputed must be one, was a number");
                            }
                        },
                        () -> {
                            if (policy.kind() == MissingValues.Kind.CATEGORY) {
                                throw new IllegalArgumentException(
                                        "column '" + each.name() + "' has no categories, so none can be imputed");
                            }
                        });
        columns.add(column);
        policies.add(policy);
        expressions.add(column.expression());
        names.add(each.column());
    }

    /** Knows the widths of all columns: with the first row. */
    private void begin(byte[] bytes, int at) {
        int next = at;
        for (Column column : columns) {
            int length = bytes.length == 0 ? -1 : Binary.int4(bytes, next);
            if (column.width() < 0) {
                if (length < 0) {
                    throw new PgDatasetException(
                            "column '" + column.name()
                                    + "' is missing in the first row, so its length is not known; declare it with array",
                            column.name());
                }
                try {
                    column.widthIs(column.widthOf(bytes, next + Integer.BYTES));
                } catch (Column.Refused e) {
                    throw new PgDatasetException(
                            "column '" + column.name() + "' " + e.getMessage() + " in the first row", column.name());
                }
            }
            next += Integer.BYTES + Math.max(0, length);
        }
        int place = 0;
        for (int i = 0; i < columns.size(); i++) {
            columns.get(i).place = place;
            place = Math.addExact(place, columns.get(i).width());
            if (i == declared.features.size() - 1) {
                featureLength = place;
            }
        }
        targetLength = place - featureLength;
        row = new float[place];
        describe();
        store = List.of(new RowStore(featureLength, targetLength, declared.maxHeapBytes, declared.folder, digest));
    }

    private void describe() {
        StringBuilder text = new StringBuilder("fedlearn-pg rows 1\n");
        List<Declared> all = new ArrayList<>(declared.features);
        all.addAll(declared.targets);
        for (int i = 0; i < columns.size(); i++) {
            text.append(all.get(i)).append(' ').append(columns.get(i).width());
            text.append(' ').append(policies.get(i)).append('\n');
        }
        digest.update(text.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** Takes a row that came. */
    private void add(byte[] bytes, int at) {
        int keyEnd = key.end(bytes, at);
        key.requireNew(bytes, at, keyEnd);
        int splitEnd = splitBy.end(bytes, keyEnd);
        if (store.isEmpty()) {
            begin(bytes, splitEnd);
        }
        rowsRead++;
        boolean isAnyMissing = decode(bytes, splitEnd, at);
        if (!isAnyMissing || isKept()) {
            store.get(0).add(row, isSplitByKey ? key.hash(bytes, at) : splitBy.hash(bytes, keyEnd));
        } else {
            rowsDropped++;
        }
        if ((rowsRead & (PROGRESS_ROWS - 1)) == 0) {
            declared.progress.accept(rowsRead);
        }
    }

    private boolean decode(byte[] bytes, int from, int keyAt) {
        boolean isAnyMissing = false;
        int next = from;
        float[] target = row;
        for (int i = 0; i < columns.size(); i++) {
            Column column = columns.get(i);
            int length = Binary.int4(bytes, next);
            next += Integer.BYTES;
            boolean isMissingHere = true;
            if (length < 0) {
                column.clear(target);
            } else {
                try {
                    isMissingHere = column.decode(bytes, next, length, target);
                } catch (Column.Refused e) {
                    throw new PgDatasetException(
                            "a value of column '" + column.name() + "' " + e.getMessage(),
                            column.name(),
                            key.text(bytes, keyAt));
                }
                next += length;
            }
            isMissing[i] = isMissingHere;
            isAnyMissing |= isMissingHere;
        }
        return isAnyMissing;
    }

    /** Counts what is missing in the row, and says whether it stays. */
    private boolean isKept() {
        boolean isDropped = false;
        for (int i = 0; i < isMissing.length; i++) {
            if (isMissing[i]) {
                missing[i]++;
                isDropped |= policies.get(i).kind() == MissingValues.Kind.DROP_ROWS;
            }
        }
        for (int i = 0; i < isMissing.length && !isDropped; i++) {
            if (isMissing[i]) {
                kept[i]++;
            }
        }
        return !isDropped;
    }

    private Loaded finished() {
        declared.progress.accept(rowsRead);
        requireNoneMissing();
        if (rowsRead == rowsDropped && !declared.mayBeEmpty) {
            throw new PgDatasetException(
                    rowsRead == 0
                            ? declared.origin + " has no rows, or none that this role may see"
                            : "something is missing in each of the " + rowsRead + " rows of " + declared.origin
                                    + ", so none is left");
        }
        if (store.isEmpty()) {
            begin(new byte[0], 0);
        }
        RowStore rows = store.get(0);
        rows.finish();
        Imputation imputation = new Imputation(rows);
        Map<String, Long> missingByColumn = new LinkedHashMap<>();
        Map<String, Long> imputedByColumn = new LinkedHashMap<>();
        List<String> featureNames = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            Column column = columns.get(i);
            missingByColumn.put(column.name(), missing[i]);
            if (i < declared.features.size()) {
                featureNames.addAll(column.names());
            }
            if (kept[i] > 0 && policies.get(i).isImputed()) {
                imputation.add(column, policies.get(i));
                imputedByColumn.put(column.name(), kept[i]);
            }
        }
        return new Loaded(
                rows,
                shape(),
                targetLength,
                Collections.unmodifiableList(featureNames),
                imputation.imputed(),
                new PgDataset.Report(
                        rowsRead,
                        rowsDropped,
                        Collections.unmodifiableMap(missingByColumn),
                        Collections.unmodifiableMap(imputedByColumn),
                        rows.isOnDisk()),
                HexFormat.of().formatHex(digest.digest()));
    }

    private void requireNoneMissing() {
        StringJoiner refused = new StringJoiner(", ");
        String first = "";
        for (int i = 0; i < columns.size(); i++) {
            if (kept[i] > 0 && policies.get(i).kind() == MissingValues.Kind.REFUSE) {
                refused.add("'" + columns.get(i).name() + "' in " + kept[i]);
                first = first.isEmpty() ? columns.get(i).name() : first;
            }
        }
        if (!first.isEmpty()) {
            throw new PgDatasetException(
                    "of the " + rowsRead + " rows of " + declared.origin + " columns are missing (NULL or NaN): "
                            + refused + "; say what becomes of them with missing(MissingValues)",
                    first);
        }
    }

    private Shape shape() {
        Shape shape = declared.featureShape.orElseGet(() -> declared.features.size() == 1
                ? columns.get(0).shape().orElseGet(() -> Shape.of(featureLength))
                : Shape.of(featureLength));
        if (shape.elementCount() != featureLength) {
            throw new IllegalArgumentException("featureShape must have as many elements as the columns have features, "
                    + featureLength + ", was " + shape);
        }
        return shape;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }
}
