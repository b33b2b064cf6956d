package io.fedlearn.pg.schema;

import io.fedlearn.pg.PgException;
import io.fedlearn.pg.internal.Database;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationVersion;

/**
 * The schema that FedLearn's stores live in: {@value #DEFAULT_NAME}, unless another is named, made and brought up to date by
 * {@link #migrate}. Stores refuse to work on one that is missing, older or newer than they are. Immutable and thread-safe.
 *
 * <p>Migrating needs a role that may create tables there, and a connection of its own, not one through a pooler that shares
 * connections between transactions. Working needs only what {@link #grant} gives.
 */
public final class PgSchema {
    /** The name of the schema, unless it is said: {@value}. */
    public static final String DEFAULT_NAME = "fedlearn";

    /** The version of the schema that this version of the library works with: {@value}. */
    public static final int VERSION = 4;

    private static final String HISTORY = "schema_version";

    private final Database database;

    private PgSchema(Database database) {
        this.database = database;
    }

    /** The schema {@value #DEFAULT_NAME} of this database. */
    public static PgSchema of(DataSource dataSource) {
        return of(dataSource, DEFAULT_NAME);
    }

    /**
     * The schema of this name.
     *
     * @param name a lower-case name of letters, digits and {@code _}
     */
    public static PgSchema of(DataSource dataSource, String name) {
        return new PgSchema(Database.of(dataSource, name));
    }

    /** The name of the schema. */
    public String name() {
        return database.schema();
    }

    /** Where it is. Not API: for the packages beside this one. */
    public Database database() {
        return database;
    }

    /**
     * Makes the schema, or brings it up to date; does nothing if it is. Any number of processes may do so at once.
     *
     * @return this
     * @throws PgException if it cannot be done, or the schema is newer than the library
     */
    public PgSchema migrate() {
        Optional<Integer> before = version();
        if (before.isPresent() && before.get() > VERSION) {
            throw newer(before.get());
        }
        try {
            Flyway.configure()
                    .dataSource(database.dataSource())
                    .schemas(database.schema())
                    .defaultSchema(database.schema())
                    .createSchemas(true)
                    .table(HISTORY)
                    .locations("classpath:io/fedlearn/pg/migration")
                    .target(MigrationVersion.fromVersion(Integer.toString(VERSION)))
                    .load()
                    .migrate();
        } catch (FlywayException e) {
            throw e.getCause() instanceof SQLException
                    ? Database.failure(database + " cannot be brought up to date", (SQLException) e.getCause())
                    : new PgException(database + " cannot be brought up to date: " + e.getMessage());
        }
        return this;
    }

    /** The version that the schema has; empty if there is none. */
    public Optional<Integer> version() {
        return database.inTransaction(database + " cannot be read", connection -> {
            try (PreparedStatement exists = connection.prepareStatement("SELECT to_regclass(?) IS NOT NULL")) {
                exists.setString(1, database.schema() + "." + HISTORY);
                try (ResultSet rows = exists.executeQuery()) {
                    if (!rows.next() || !rows.getBoolean(1)) {
                        return Optional.empty();
                    }
                }
            }
            try (PreparedStatement version =
                            connection.prepareStatement(database.sql("SELECT max(version::int) FROM {s}." + HISTORY
                                    + " WHERE success AND version IS NOT NULL"));
                    ResultSet rows = version.executeQuery()) {
                if (!rows.next()) {
                    return Optional.empty();
                }
                int found = rows.getInt(1);
                return rows.wasNull() ? Optional.empty() : Optional.of(found);
            }
        });
    }

    /**
     * Lets pass a schema of this library's version.
     *
     * @return this
     * @throws PgException if it is missing, older or newer; the message says what to do
     */
    public PgSchema require() {
        Optional<Integer> version = version();
        if (version.isEmpty()) {
            throw new PgException("the database has no " + database
                    + "; make it with PgSchema.migrate, as a role that may create it");
        }
        if (version.get() > VERSION) {
            throw newer(version.get());
        }
        if (version.get() < VERSION) {
            throw new PgException(database + " has version " + version.get() + ", this version of FedLearn needs "
                    + VERSION + "; bring it up to date with PgSchema.migrate");
        }
        return this;
    }

    private PgException newer(int version) {
        return new PgException(database + " has version " + version + ", this version of FedLearn knows " + VERSION
                + " and no newer one; use a newer FedLearn");
    }

    /**
     * Grants a role of the database what it needs for a part. Granting again changes nothing.
     *
     * @param part what it is for
     * @param role the name of a role, which must exist
     * @return this
     * @throws PgException if there is no such role, or who is connected may not grant that
     */
    public PgSchema grant(PgRole part, String role) {
        String grantee = Database.quote(role);
        database.inTransaction("role " + grantee + " cannot be made a " + part, connection -> {
            try (Statement statement = connection.createStatement()) {
                statement.execute("GRANT USAGE ON SCHEMA " + database.schema() + " TO " + grantee);
                statement.execute("GRANT SELECT ON " + database.schema() + "." + HISTORY + " TO " + grantee);
                for (String grant : part.grants()) {
                    statement.execute(database.sql(grant).replace("{r}", grantee));
                }
            }
            return part;
        });
        return this;
    }

    /** The statements that {@link #grant} runs, for whoever grants by hand. */
    public List<String> grants(PgRole part, String role) {
        return part.grants().stream()
                .map(grant -> database.sql(grant).replace("{r}", Database.quote(role)))
                .toList();
    }

    @Override
    public String toString() {
        return database.toString();
    }
}
