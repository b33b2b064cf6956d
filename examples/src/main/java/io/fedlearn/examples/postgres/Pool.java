package io.fedlearn.examples.postgres;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.pg.internal.Database;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.postgresql.ds.PGSimpleDataSource;

/** Opens a pool of connections, after one that shows whether there can be any. */
final class Pool {
    private static final int MAX_CONNECTIONS = 8;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private Pool() {}

    static HikariDataSource of(PGSimpleDataSource database, String what) {
        // A pool would try for its whole time, and then tell of itself instead of what the server said.
        try (Connection connection = database.getConnection()) {
            connection.isValid((int) PATIENCE.toSeconds());
        } catch (SQLException e) {
            throw Database.failure(what + " cannot be used", e);
        }
        HikariConfig config = new HikariConfig();
        config.setPoolName("fedlearn");
        config.setDataSource(database);
        config.setMaximumPoolSize(MAX_CONNECTIONS);
        config.setMinimumIdle(0);
        config.setConnectionTimeout(PATIENCE.toMillis());
        return new HikariDataSource(config);
    }
}
