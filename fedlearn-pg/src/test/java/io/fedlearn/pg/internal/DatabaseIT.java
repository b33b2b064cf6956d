package io.fedlearn.pg.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.fedlearn.pg.PgException;
import io.fedlearn.pg.TestPostgres;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

class DatabaseIT {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT name::float8 FROM patient",
                "INSERT INTO patient VALUES ('Ada Lovelace')",
                "INSERT INTO visit VALUES ('Charles Babbage')"
            })
    void tellsNoValueOfARowInMessageOrStackTrace(String statement) {
        PGSimpleDataSource source = TestPostgres.newDatabase();
        TestPostgres.execute(
                source,
                "CREATE TABLE patient (name text PRIMARY KEY)",
                "CREATE TABLE visit (name text REFERENCES patient)",
                "INSERT INTO patient VALUES ('Ada Lovelace')");
        Database database = Database.of(source, "public");

        PgException failure = catchThrowableOfType(
                PgException.class,
                () -> database.inTransaction("it cannot be read", connection -> {
                    try (var asked = connection.createStatement()) {
                        return asked.execute(statement);
                    }
                }));

        StringWriter trace = new StringWriter();
        failure.printStackTrace(new PrintWriter(trace));
        assertThat(trace.toString())
                .contains("it cannot be read")
                .doesNotContain("Lovelace")
                .doesNotContain("Babbage");
        assertThat(failure.sqlState()).isPresent();
    }
}
