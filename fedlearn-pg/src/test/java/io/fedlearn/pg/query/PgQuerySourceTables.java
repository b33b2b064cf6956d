package io.fedlearn.pg.query;

import io.fedlearn.pg.TestPostgres;
import io.fedlearn.privacy.query.RandomTable;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Random tables in PostgreSQL, every column in a type of its own, what is missing in every way that it can be. */
final class PgQuerySourceTables {
    private final DataSource database;
    private final String insert;

    PgQuerySourceTables(DataSource database, String personType, String numberType, String textType) {
        this.database = database;
        this.insert = "INSERT INTO trial SELECT p::" + personType + ", x::" + numberType + ", y::" + numberType
                + ", r::" + textType + " FROM unnest(?, ?, ?, ?) AS row(p, x, y, r)";
        TestPostgres.execute(
                database,
                "CREATE UNLOGGED TABLE trial (person " + personType + ", x " + numberType + ", y " + numberType
                        + ", region " + textType + ")");
    }

    /** Has this table in it and nothing else. */
    void load(RandomTable table) throws SQLException {
        List<@Nullable String> persons = new ArrayList<>();
        List<@Nullable String> x = new ArrayList<>();
        List<@Nullable String> y = new ArrayList<>();
        List<@Nullable String> regions = new ArrayList<>();
        for (int row = 0; row < table.rows(); row++) {
            persons.add(Long.toString(table.person(row)));
            x.add(number(table.x(row), row));
            y.add(number(table.y(row), row));
            regions.add(table.region(row).isEmpty() && row % 2 == 0 ? null : table.region(row));
        }
        try (Connection connection = database.getConnection()) {
            connection.setAutoCommit(false);
            try (PreparedStatement empty = connection.prepareStatement("DELETE FROM trial");
                    PreparedStatement fill = connection.prepareStatement(insert)) {
                empty.execute();
                int index = 0;
                for (List<@Nullable String> column : List.of(persons, x, y, regions)) {
                    fill.setArray(++index, connection.createArrayOf("text", column.toArray()));
                }
                fill.execute();
            }
            connection.commit();
        }
    }

    private static @Nullable String number(double value, int row) {
        if (Double.isNaN(value) && row % 2 == 0) {
            return null;
        }
        // All digits: PostgreSQL itself would make 15 of a double.
        return Double.isFinite(value)
                ? (1 / value < 0 && value == 0 ? "-0" : new BigDecimal(value).toPlainString())
                : Double.toString(value);
    }
}
