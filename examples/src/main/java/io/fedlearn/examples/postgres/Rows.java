package io.fedlearn.examples.postgres;

import io.fedlearn.pg.internal.Database;
import java.io.IOException;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.postgresql.PGConnection;

/** Fills a site's table, in one transaction: the rows that were there before are gone, or all is as it was. */
final class Rows {
    private final StringBuilder text = new StringBuilder();

    /** No rows. */
    Rows() {}

    /** Adds a row of numbers and truth values, which need no quotes; an empty one is NULL. */
    void add(List<String> values) {
        text.append(String.join(",", values)).append('\n');
    }

    /**
     * Makes the table anew.
     *
     * @param columns as in CREATE TABLE
     */
    void load(Databases.Site site, String table, String columns) {
        String schema = Database.quote(site.tables());
        String name = schema + "." + Database.quote(table);
        try (Connection connection = site.owner().getConnection()) {
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.execute("CREATE SCHEMA IF NOT EXISTS " + schema);
                statement.execute("DROP TABLE IF EXISTS " + name);
                statement.execute("CREATE TABLE " + name + " (" + columns + ")");
                connection
                        .unwrap(PGConnection.class)
                        .getCopyAPI()
                        .copyIn("COPY " + name + " FROM STDIN (FORMAT csv)", new StringReader(text.toString()));
                connection.commit();
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        } catch (SQLException e) {
            throw Database.failure("the rows of " + site.name() + " cannot be loaded", e);
        } catch (IOException e) {
            throw new IllegalStateException("a text in memory can be read", e);
        }
    }
}
