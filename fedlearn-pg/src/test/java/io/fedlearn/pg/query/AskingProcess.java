package io.fedlearn.pg.query;

import io.fedlearn.pg.schema.PgSchema;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.postgresql.ds.PGSimpleDataSource;

/** A process of its own that asks one question. */
final class AskingProcess {
    private AskingProcess() {}

    /** Asks {@link PgPrivateQueriesIT#QUESTION} of the table that the arguments name. */
    public static void main(String[] arguments) {
        PGSimpleDataSource database = new PGSimpleDataSource();
        database.setUrl(arguments[0]);
        database.setUser(arguments[1]);
        database.setPassword(arguments[2]);
        PgPrivateQueries.over(
                        PgSchema.of(database),
                        PgQuerySource.of(database, "public", arguments[3], "patient"),
                        PgPrivateQueriesIT.SCOPE)
                .build()
                .ask(PgPrivateQueriesIT.QUESTION, "a process");
    }

    static Process start(PGSimpleDataSource database, String table) throws IOException {
        String modules = System.getProperty("jdk.module.path", "");
        String classes = System.getProperty("java.class.path", "");
        return new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-cp",
                        modules.isEmpty() ? classes : modules + File.pathSeparator + classes,
                        AskingProcess.class.getName(),
                        database.getURL(),
                        String.valueOf(database.getUser()),
                        String.valueOf(database.getPassword()),
                        table))
                .inheritIO()
                .start();
    }
}
