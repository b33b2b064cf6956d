package io.fedlearn.examples.postgres;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.pg.internal.Database;
import java.net.UnknownHostException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.postgresql.ds.PGSimpleDataSource;
import org.postgresql.util.PSQLState;

/** Opens pools of connections, after one that shows whether there can be any. */
final class Pool {
    private static final int MAX_CONNECTIONS = 8;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private Pool() {}

    static HikariDataSource of(PGSimpleDataSource database, String what) {
        // A pool would try for its whole time, and then tell of itself instead of what the server said.
        try (Connection connection = database.getConnection()) {
            connection.isValid((int) PATIENCE.toSeconds());
        } catch (SQLException e) {
            throw Database.failure(what + " cannot be used" + hint(database, e), e);
        }
        HikariConfig config = new HikariConfig();
        config.setPoolName("fedlearn");
        config.setDataSource(database);
        config.setMaximumPoolSize(MAX_CONNECTIONS);
        config.setMinimumIdle(0);
        config.setConnectionTimeout(PATIENCE.toMillis());
        return new HikariDataSource(config);
    }

    /** What the driver keeps to itself: which host it did not find, and where a password would have come from. */
    private static String hint(PGSimpleDataSource database, SQLException e) {
        if (e.getCause() instanceof UnknownHostException unknown) {
            return " (unknown host: " + unknown.getMessage() + ")";
        }
        boolean isRejected = PSQLState.CONNECTION_REJECTED.getState().equals(e.getSQLState());
        if (isRejected
                && database.getPassword() == null
                && String.valueOf(e.getMessage()).contains("password")) {
            return " (no password from PGPASSWORD, --password-file or ~/.pgpass)";
        }
        return "";
    }

    /** Makes a database of this name on the server of another, if there is none. */
    static void make(PGSimpleDataSource server, String name) {
        try (Connection connection = server.getConnection()) {
            boolean exists;
            try (PreparedStatement select =
                    connection.prepareStatement("SELECT 1 FROM pg_catalog.pg_database WHERE datname = ?")) {
                select.setString(1, name);
                try (ResultSet rows = select.executeQuery()) {
                    exists = rows.next();
                }
            }
            if (!exists) {
                try (Statement create = connection.createStatement()) {
                    create.execute("CREATE DATABASE " + Database.quote(name));
                }
            }
        } catch (SQLException e) {
            throw Database.failure("the database " + name + " cannot be made", e);
        }
    }
}
