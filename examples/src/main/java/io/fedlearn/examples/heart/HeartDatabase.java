package io.fedlearn.examples.heart;

import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.examples.postgres.Databases;
import io.fedlearn.examples.postgres.Rows;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.models.table.Column;
import io.fedlearn.models.table.Table;
import io.fedlearn.models.table.TableException;
import io.fedlearn.pg.data.MissingValues;
import io.fedlearn.pg.data.PgDataset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.StringJoiner;

/**
 * The hospitals' patients, each hospital's in a database of its own: a row for each patient, with numbers and codes as they are, and NULL
 * where nothing is known. What models are given is computed by the query that reads them.
 */
final class HeartDatabase {
    private static final String TABLE = "patients";
    private static final int ROWS_AT_A_TIME = 256;

    private HeartDatabase() {}

    /**
     * Copies the hospitals' files into their databases, in place of what is there.
     *
     * @throws InputException if there is no such folder
     * @throws TableException if a file is not as declared; then no database was touched
     */
    static void load(Databases databases, Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new InputException("--data " + directory + " is not a folder");
        }
        List<Rows> all = new ArrayList<>();
        for (String name : HeartData.NAMES) {
            all.add(rows(HeartData.file(directory, name)));
        }
        for (int i = 0; i < all.size(); i++) {
            all.get(i).load(databases.site(HeartData.NAMES.get(i)), TABLE, columns());
        }
    }

    private static String columns() {
        StringJoiner columns = new StringJoiner(", ").add("patient integer PRIMARY KEY");
        for (Column column : HeartTable.SCHEMA.columns()) {
            columns.add(column.name() + (column instanceof Column.Numeric ? " real" : " smallint"));
        }
        return columns.add("ill boolean NOT NULL").toString();
    }

    private static Rows rows(Path file) {
        Rows rows = new Rows();
        InMemoryExamples examples;
        try {
            Table table = HeartTable.SCHEMA.read(file);
            examples = table.examples();
        } catch (TableException e) {
            if (e.problem() != TableException.Problem.NO_ROWS) {
                throw e;
            }
            return rows;
        }
        int patient = 0;
        Batch batch = Batch.of(ROWS_AT_A_TIME, examples);
        try (BatchReader reader = examples.open(ExampleOrder.sequential())) {
            while (reader.read(batch)) {
                for (int i = 0; i < batch.size(); i++) {
                    rows.add(row(++patient, batch, i));
                }
            }
        }
        return rows;
    }

    /** A patient's fields, from the features that the file's reader made of them. */
    private static Object[] row(int patient, Batch batch, int place) {
        List<Object> values = new ArrayList<>();
        values.add(patient);
        int at = place * batch.featureLength();
        for (Column column : HeartTable.SCHEMA.columns()) {
            if (column instanceof Column.Category category) {
                Object found = null;
                for (int i = 0; i < category.values().size(); i++) {
                    found = batch.features()[at + i] == 1 ? category.values().get(i) : found;
                }
                values.add(found);
            } else {
                float number = batch.features()[at];
                values.add(Float.isNaN(number) ? null : number);
            }
            at += column.featureNames().size();
        }
        values.add(batch.targets()[place] == 1);
        return values.toArray();
    }

    /**
     * Reads the hospitals' patients, as roles that may read them and nothing else.
     *
     * @param seed where the division into training and test starts
     */
    static HeartData read(Databases databases, long seed) throws InterruptedException {
        List<Hospital> hospitals = new ArrayList<>();
        MessageDigest digest = sha256();
        for (String name : HeartData.NAMES) {
            Databases.Site site = databases.site(name);
            try (PgDataset patients = open(site)) {
                hospitals.add(Hospital.of(name, Hospital.join(List.of(patients)), seed));
                digest.update(patients.snapshotDigest().getBytes(StandardCharsets.US_ASCII));
            }
        }
        if (hospitals.stream().allMatch(Hospital::isEmpty)) {
            throw new InputException("no hospital has a row");
        }
        return new HeartData(List.copyOf(hospitals), HexFormat.of().formatHex(digest.digest()));
    }

    private static PgDataset open(Databases.Site site) throws InterruptedException {
        StringJoiner select = new StringJoiner(", ", "SELECT ", " FROM " + site.tables() + "." + TABLE);
        select.add("patient").add("ill");
        List<String> features = new ArrayList<>();
        for (Column column : HeartTable.SCHEMA.columns()) {
            String name = column.name();
            if (column instanceof Column.Category category) {
                for (String value : category.values()) {
                    select.add("coalesce(" + name + " = " + value + ", false) AS \"" + name + "=" + value + "\"");
                }
            } else {
                select.add(name);
            }
            features.addAll(column.featureNames());
            if (features.get(features.size() - 1).endsWith("=missing")) {
                select.add(name + " IS NULL AS \"" + name + "=missing\"");
            }
        }
        return PgDataset.query(site.reader(TABLE), select.toString())
                .key("patient")
                .features(features.toArray(String[]::new))
                .label("ill")
                // A standardising model takes NaN for the mean.
                .missing(MissingValues.keepAsNaN())
                .allowEmpty()
                .open();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
