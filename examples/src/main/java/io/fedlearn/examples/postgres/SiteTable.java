package io.fedlearn.examples.postgres;

import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.models.table.Column;
import io.fedlearn.models.table.TableSchema;
import io.fedlearn.pg.data.MissingValues;
import io.fedlearn.pg.data.PgDataset;
import io.fedlearn.pg.internal.Database;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;

/**
 * A table at each site: a row for each person, with numbers and codes as they are, and NULL where nothing is known. What models are given
 * is computed by the query that reads it, and is what the reader of files makes of the same rows.
 *
 * @param name of the table
 * @param key the column that numbers the persons
 * @param schema the columns, as files have them
 * @param label the column that is true or false
 */
public record SiteTable(String name, String key, TableSchema schema, String label) {
    private static final int ROWS_AT_A_TIME = 256;
    private static final String MISSING = "=missing";

    /** The column's name in the database, where names are of lower-case letters. */
    private static String column(Column column) {
        return column.name().toLowerCase(Locale.ROOT);
    }

    /** Puts these examples of a file in the site's table, in place of what is there. They are numbered from 1. */
    public void load(Databases.Site site, InMemoryExamples examples) {
        StringJoiner columns = new StringJoiner(", ").add(key + " integer PRIMARY KEY");
        for (Column column : schema.columns()) {
            columns.add(column(column) + (column instanceof Column.Numeric ? " real" : " smallint"));
        }
        columns.add(label + " boolean NOT NULL");
        Rows rows = new Rows();
        int person = 0;
        if (examples.exampleCount() > 0) {
            Batch batch = Batch.of(ROWS_AT_A_TIME, examples);
            try (BatchReader reader = examples.open(ExampleOrder.sequential())) {
                while (reader.read(batch)) {
                    for (int i = 0; i < batch.size(); i++) {
                        rows.add(row(++person, batch, i));
                    }
                }
            }
        }
        rows.load(site, name, columns.toString());
    }

    /** A person's fields, from the features that the file's reader made of them. */
    private List<String> row(int person, Batch batch, int place) {
        List<String> values = new ArrayList<>();
        values.add(Integer.toString(person));
        int at = place * batch.featureLength();
        for (Column column : schema.columns()) {
            if (column instanceof Column.Category category) {
                String found = "";
                for (int i = 0; i < category.values().size(); i++) {
                    found = batch.features()[at + i] == 1 ? category.values().get(i) : found;
                }
                values.add(found);
            } else {
                float number = batch.features()[at];
                values.add(Float.isNaN(number) ? "" : Float.toString(number));
            }
            at += column.featureNames().size();
        }
        values.add(Boolean.toString(batch.targets()[place] == 1));
        return values;
    }

    /** The site's rows as examples. They are read as a role that may read this table and nothing else. */
    public PgDataset open(Databases.Site site) throws InterruptedException {
        return open(site, site.reader(name));
    }

    /** The site's rows as examples, read by way of these connections. */
    public PgDataset open(Databases.Site site, HikariDataSource reader) throws InterruptedException {
        StringJoiner select = new StringJoiner(
                ", ", "SELECT ", " FROM " + Database.quote(site.tables()) + "." + Database.quote(name));
        select.add(key).add(label);
        for (Column column : schema.columns()) {
            List<String> features = column.featureNames();
            if (column instanceof Column.Category category) {
                for (String value : category.values()) {
                    select.add("coalesce(" + column(column) + " = " + value + ", false) AS "
                            + Database.quote(column.name() + "=" + value));
                }
            } else {
                select.add(column(column) + " AS " + Database.quote(column.name()));
            }
            if (features.get(features.size() - 1).endsWith(MISSING)) {
                select.add(column(column) + " IS NULL AS " + Database.quote(column.name() + MISSING));
            }
        }
        return PgDataset.query(reader, select.toString())
                .key(key)
                .features(schema.featureNames().toArray(String[]::new))
                .label(label)
                // A standardising model takes NaN for the mean.
                .missing(MissingValues.keepAsNaN())
                .allowEmpty()
                .open();
    }
}
