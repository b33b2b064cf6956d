package io.fedlearn.examples.postgres;

import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.pg.schema.PgSchema;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;
import org.postgresql.ds.PGSimpleDataSource;
import picocli.CommandLine.Option;

/**
 * The options that say where a PostgreSQL is and who asks, for commands to mix in. A password is never on the command line, where
 * everybody on the machine can read it.
 */
public final class JdbcOptions {
    private static final String PREFIX = "jdbc:postgresql:";
    private static final String PASSWORD = "PGPASSWORD";
    private static final Pattern SECRET = Pattern.compile("(?i)[?&](ssl)?password=");
    private static final int MAX_PASSWORD_BYTES = 1 << 12;

    @Option(
            names = "--jdbc",
            paramLabel = "URL",
            order = -29,
            description = "The database: jdbc:postgresql://HOST:PORT/NAME, with ?sslmode=verify-full over a network.")
    private Optional<String> url = Optional.empty();

    @Option(
            names = "--jdbc-user",
            paramLabel = "ROLE",
            order = -28,
            description =
                    "Who asks, if the URL does not say it with user=. The password comes from the environment variable"
                            + " PGPASSWORD, or --password-file, or ~/.pgpass.")
    private Optional<String> user = Optional.empty();

    @Option(
            names = "--password-file",
            paramLabel = "FILE",
            order = -27,
            description = "A file whose first line is the password.")
    private Optional<Path> passwordFile = Optional.empty();

    @Option(
            names = "--schema",
            paramLabel = "NAME",
            order = -26,
            defaultValue = PgSchema.DEFAULT_NAME,
            description = "FedLearn's schema in the database (default: ${DEFAULT-VALUE}).")
    private String schema = PgSchema.DEFAULT_NAME;

    /** For picocli. */
    public JdbcOptions() {}

    /** Whether there is a URL. */
    public boolean isGiven() {
        return url.isPresent();
    }

    /**
     * A pool of connections to the database, which the caller closes. One was made already: whatever is wrong with the URL, the
     * server, the role or the password is thrown here.
     */
    public HikariDataSource open() {
        PGSimpleDataSource database = source();
        return Pool.of(database, what(database));
    }

    /** The database, for messages. */
    static String what(PGSimpleDataSource database) {
        return "the database " + String.valueOf(database.getUrl()).replaceFirst("[?].*", "");
    }

    /** FedLearn's schema, by name. */
    String schemaName() {
        return schema;
    }

    /** The database, to which nobody has connected yet. */
    PGSimpleDataSource source() {
        PGSimpleDataSource database = new PGSimpleDataSource();
        String where = url.orElseThrow(() -> new InputException("--jdbc is missing: which database?"));
        if (!where.startsWith(PREFIX)) {
            throw new InputException("--jdbc must begin with " + PREFIX + "//HOST:PORT/NAME");
        }
        if (SECRET.matcher(where).find()) {
            throw new InputException(
                    "--jdbc must not hold a password, since everybody on this machine can read it: use " + PASSWORD
                            + " or --password-file");
        }
        try {
            database.setUrl(where);
        } catch (IllegalArgumentException e) {
            throw new InputException("--jdbc is not a URL of the form " + PREFIX + "//HOST:PORT/NAME?user=ROLE", e);
        }
        user.ifPresent(database::setUser);
        password().ifPresent(database::setPassword);
        database.setApplicationName("fedlearn");
        return database;
    }

    /** FedLearn's schema in that database. */
    public PgSchema schema(HikariDataSource database) {
        try {
            return PgSchema.of(database, schema);
        } catch (IllegalArgumentException e) {
            throw new InputException("--" + e.getMessage(), e);
        }
    }

    private Optional<String> password() {
        if (passwordFile.isEmpty()) {
            return Optional.ofNullable(System.getenv(PASSWORD)).filter(word -> !word.isEmpty());
        }
        Path file = passwordFile.get();
        try {
            if (Files.size(file) > MAX_PASSWORD_BYTES) {
                throw new InputException("--password-file " + file + " is too long for a password");
            }
            return Optional.of(Files.readString(file).lines().findFirst().orElse(""));
        } catch (NoSuchFileException e) {
            throw new InputException("--password-file " + file + ": there is no such file", e);
        } catch (IOException e) {
            throw InputException.of("--password-file " + file + " cannot be read", e);
        }
    }
}
