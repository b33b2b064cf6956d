package io.fedlearn.examples.postgres;

import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.schema.PgSchema;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The databases of a trial, all on one server: the coordinator's, and one for each site. The server is the one that was named, or one
 * that starts by itself. On the former a site has a database of its own if the role may make databases, else a schema of its own in the
 * database that was named. Confined to one thread at a time.
 */
public final class Databases implements AutoCloseable {
    private static final String COORDINATOR = "coordinator";

    private final Optional<LocalPostgres> local;
    private final PGSimpleDataSource server;
    private final String prefix;
    private final String schemaName;
    private final HikariDataSource coordinator;
    private final boolean isOneEach;
    private final PgSchema schema;
    private final List<HikariDataSource> open = new ArrayList<>();

    private Databases(
            Optional<LocalPostgres> local,
            PGSimpleDataSource server,
            String trial,
            String schemaName,
            HikariDataSource coordinator,
            PgSchema schema) {
        this.local = local;
        this.server = server;
        this.prefix = local.isPresent() ? "" : schemaName + "_" + trial + "_";
        this.schemaName = schemaName;
        this.coordinator = coordinator;
        this.schema = schema;
        this.isOneEach = local.isPresent() || mayMakeDatabases(coordinator);
    }

    /**
     * The databases on the server that the options name, or on one that keeps its data in this folder; the coordinator's has the schema
     * of FedLearn.
     *
     * @param trial what it is, as a part of names on a server that others use too: {@code heart}
     */
    public static Databases open(JdbcOptions options, String trial, Path folder) {
        Optional<LocalPostgres> local = options.isGiven() ? Optional.empty() : Optional.of(LocalPostgres.start(folder));
        try {
            PGSimpleDataSource server = local.isPresent() ? local.get().source(COORDINATOR) : options.source();
            HikariDataSource coordinator = Pool.of(server, JdbcOptions.what(server));
            try {
                PgSchema schema = options.schema(coordinator).migrate();
                return new Databases(local, server, trial, options.schemaName(), coordinator, schema);
            } catch (RuntimeException e) {
                coordinator.close();
                throw e;
            }
        } catch (RuntimeException e) {
            local.ifPresent(LocalPostgres::close);
            throw e;
        }
    }

    private static boolean mayMakeDatabases(HikariDataSource database) {
        return isTrue(database, "SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = current_user");
    }

    private static boolean mayMakeRoles(HikariDataSource database) {
        return isTrue(
                database, "SELECT rolsuper OR rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = current_user");
    }

    private static boolean isTrue(HikariDataSource database, String question) {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(question)) {
            return rows.next() && rows.getBoolean(1);
        } catch (SQLException e) {
            throw Database.failure("what the role may do cannot be read", e);
        }
    }

    /** The coordinator's schema. */
    public PgSchema schema() {
        return schema;
    }

    /** The coordinator's database. */
    public HikariDataSource coordinator() {
        return coordinator;
    }

    /** Whether nobody but this trial uses the server. */
    public boolean isLocal() {
        return local.isPresent();
    }

    /**
     * What a site has, which is made if there is none.
     *
     * @param site its name, of lower-case letters, digits and {@code _}
     */
    public Site site(String site) {
        String name = prefix + site;
        if (isOneEach) {
            Pool.make(server, name);
            PGSimpleDataSource source = copy(server);
            source.setDatabaseName(name);
            return new Site(site, source, pool(source, name), "data", schemaName, name + "_reader");
        }
        return new Site(site, copy(server), coordinator, name, name + "_" + PgSchema.DEFAULT_NAME, name + "_reader");
    }

    private HikariDataSource pool(PGSimpleDataSource source, String name) {
        HikariDataSource pool = Pool.of(source, "the database " + name);
        open.add(pool);
        return pool;
    }

    private static PGSimpleDataSource copy(PGSimpleDataSource source) {
        PGSimpleDataSource copy = new PGSimpleDataSource();
        copy.setUrl(String.valueOf(source.getUrl()));
        copy.setUser(source.getUser());
        copy.setPassword(source.getPassword());
        return copy;
    }

    /** Where sites have their data, for people. */
    public String toString() {
        String where = local.map(LocalPostgres::toString).orElseGet(() -> JdbcOptions.what(server));
        return isOneEach
                ? where + ", a database for each site"
                : where + ", a schema for each site (the role may not make databases)";
    }

    @Override
    public void close() {
        open.forEach(HikariDataSource::close);
        coordinator.close();
        local.ifPresent(LocalPostgres::close);
    }

    /** What one site has: tables of its own, and a schema of FedLearn for its budgets and audit log. */
    public final class Site {
        private final String name;
        private final PGSimpleDataSource source;
        private final HikariDataSource owner;
        private final String tables;
        private final String fedlearn;
        private final String reader;

        private Site(
                String name,
                PGSimpleDataSource source,
                HikariDataSource owner,
                String tables,
                String fedlearn,
                String reader) {
            this.name = name;
            this.source = source;
            this.owner = owner;
            this.tables = tables;
            this.fedlearn = fedlearn;
            this.reader = reader;
        }

        /** The site's name. */
        public String name() {
            return name;
        }

        /** The schema that its tables are in. */
        public String tables() {
            return tables;
        }

        /** Its database, as who may change it. */
        public HikariDataSource owner() {
            return owner;
        }

        /** The schema of FedLearn at the site. */
        public PgSchema schema() {
            return PgSchema.of(owner, fedlearn).migrate();
        }

        /** Its database, as who may read this table and nothing else; as the owner, if that one may not make roles. */
        public HikariDataSource reader(String table) {
            if (!mayMakeRoles(owner)) {
                return owner;
            }
            String role = Database.quote(reader);
            try (Connection connection = owner.getConnection();
                    Statement statement = connection.createStatement()) {
                if (!isTrue(owner, "SELECT count(*) > 0 FROM pg_catalog.pg_roles WHERE rolname = '" + reader + "'")) {
                    statement.execute("CREATE ROLE " + role + " NOLOGIN");
                }
                statement.execute("GRANT " + role + " TO CURRENT_USER");
                statement.execute("GRANT USAGE ON SCHEMA " + Database.quote(tables) + " TO " + role);
                statement.execute(
                        "GRANT SELECT ON " + Database.quote(tables) + "." + Database.quote(table) + " TO " + role);
            } catch (SQLException e) {
                throw Database.failure("who may read " + name + " cannot be settled", e);
            }
            PGSimpleDataSource reading = copy(source);
            String more = source.getOptions() == null ? "" : source.getOptions() + " ";
            reading.setOptions(more + "-c role=" + reader);
            return pool(reading, name + ", as a reader,");
        }
    }
}
