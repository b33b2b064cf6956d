package io.fedlearn.pg.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fedlearn.pg.PgException;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.privacy.query.BoundedColumn;
import io.fedlearn.privacy.query.BoundedQuery;
import io.fedlearn.privacy.query.ColumnType;
import io.fedlearn.privacy.query.Comparison;
import io.fedlearn.privacy.query.Condition;
import io.fedlearn.privacy.query.Grouping;
import io.fedlearn.privacy.query.Measure;
import io.fedlearn.privacy.query.QuerySourceContract;
import io.fedlearn.privacy.query.ValueGrid;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

class PgQuerySourceIT {
    private static final List<Measure> COUNTS = List.of(new Measure.Rows(), new Measure.Persons());
    private static PGSimpleDataSource database;

    @BeforeAll
    static void makeTables() {
        database = TestPostgres.newDatabase();
        TestPostgres.execute(
                database,
                "CREATE SCHEMA \"my \"\"odd\"\" schema\"",
                "CREATE TYPE mood AS ENUM ('sad', 'glad')",
                "CREATE DOMAIN cents AS numeric(12, 2)",
                "CREATE DOMAIN price AS cents CHECK (value >= 0)",
                "CREATE TABLE \"my \"\"odd\"\" schema\".\"my; table\" (\"who's\" bigint NOT NULL, \"a \"\"b\"\"\" int)",
                "INSERT INTO \"my \"\"odd\"\" schema\".\"my; table\" VALUES (1, 5), (1, 6), (2, 7)",
                "CREATE TABLE visits (patient int NOT NULL, small smallint, big bigint, single real, wide numeric, paid price,"
                        + " feels mood, ok boolean, code char(4), id uuid, seen date, scan bytea, tags text[])",
                "INSERT INTO visits VALUES"
                        + " (1, 1, 9007199254740993, 'NaN', '1e400', 2.50, 'glad', true, 'ab', NULL, now(), '', '{}'),"
                        + " (2, 2, NULL, 'Infinity', '-1e400', 0, 'sad', false, '', NULL, now(), '', '{}'),"
                        + " (3, 3, 0, 1.5, '1e-400', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL),"
                        + " (4, 4, 0, -0.0, 'NaN', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL)");
    }

    private static PgQuerySource visits() {
        return PgQuerySource.of(database, "public", "visits", "patient");
    }

    private static long[][] sums(PgQuerySource source, BoundedQuery query) {
        return QuerySourceContract.sums(source.measure(query));
    }

    private static BoundedQuery counting(Condition where) {
        return new BoundedQuery(where, Optional.empty(), 1, Optional.empty(), COUNTS);
    }

    private static long count(Condition where) {
        return sums(visits(), counting(where))[0][0];
    }

    @Test
    void findsTheColumnsThatCanBeAskedAbout() {
        assertThat(visits().columns())
                .containsExactly(
                        Map.entry("small", ColumnType.NUMBER),
                        Map.entry("big", ColumnType.NUMBER),
                        Map.entry("single", ColumnType.NUMBER),
                        Map.entry("wide", ColumnType.NUMBER),
                        Map.entry("paid", ColumnType.NUMBER),
                        Map.entry("feels", ColumnType.TEXT),
                        Map.entry("ok", ColumnType.TEXT),
                        Map.entry("code", ColumnType.TEXT),
                        Map.entry("id", ColumnType.TEXT));
    }

    @Test
    void hasAValueForEveryNumberThatADoubleCannotHold() {
        assertThat(count(Condition.compare("wide", Comparison.GREATER, 1e300))).isEqualTo(1);
        assertThat(count(Condition.compare("wide", Comparison.LESS, -1e300))).isEqualTo(1);
        assertThat(count(Condition.between("wide", 0, 0))).isEqualTo(1);
        assertThat(count(Condition.isMissing("wide"))).isEqualTo(1);
        assertThat(count(Condition.compare("big", Comparison.EQUAL, 9007199254740992.0)))
                .isEqualTo(1);
        assertThat(count(Condition.isMissing("single"))).isEqualTo(1);
        assertThat(count(Condition.in("single", 0))).isEqualTo(1);
        BoundedColumn column = BoundedColumn.of("wide", -8, 8);
        ValueGrid grid = new ValueGrid(-8, 8, 0, 1, 8);
        assertThat(sums(
                        visits(),
                        new BoundedQuery(
                                Condition.everyRow(),
                                Optional.empty(),
                                1,
                                Optional.of(column),
                                List.of(
                                        new Measure.Values(grid),
                                        new Measure.Bins(List.of(-8.0, 0.0, 8.0)),
                                        new Measure.Rows(),
                                        new Measure.Bins(List.of(-8.0, 8.0)))))[0])
                .containsExactly(0, 1, 2, 3, 3);
    }

    @Test
    void roundsWhatIsTooSmallForAQuotientToZero() {
        TestPostgres.execute(
                database,
                "CREATE TABLE faint (who int NOT NULL, x float8)",
                "INSERT INTO faint VALUES (1, 4.9e-324), (2, -4.9e-324), (3, 3)");
        ValueGrid grid = new ValueGrid(-1e6, 1e6, 0, 2, 500_000);
        assertThat(sums(
                        PgQuerySource.of(database, "public", "faint", "who"),
                        new BoundedQuery(
                                Condition.everyRow(),
                                Optional.empty(),
                                1,
                                Optional.of(BoundedColumn.of("x", -1e6, 1e6)),
                                List.of(new Measure.Values(grid), new Measure.Rows())))[0])
                .containsExactly(2, 3);
    }

    @Test
    void readsTextsOfEveryKind() {
        assertThat(count(Condition.in("feels", "glad", "no such mood"))).isEqualTo(1);
        assertThat(count(Condition.in("ok", "true"))).isEqualTo(1);
        assertThat(count(Condition.in("code", "ab"))).isEqualTo(1);
        assertThat(count(Condition.isMissing("code"))).isEqualTo(3);
        assertThat(count(Condition.in("code", "a\u0000", "\ud83d"))).isZero();
    }

    @Test
    void takesNamesThatNeedQuotes() {
        PgQuerySource source = PgQuerySource.of(database, "my \"odd\" schema", "my; table", "who's");
        assertThat(source.columns()).containsOnlyKeys("a \"b\"");
        assertThat(sums(source, counting(Condition.compare("a \"b\"", Comparison.GREATER, 5))))
                .isDeepEqualTo(new long[][] {{2, 2}});
    }

    @Test
    void readsViews() {
        TestPostgres.execute(database, "CREATE VIEW seen AS SELECT patient, small FROM visits WHERE small > 1");
        PgQuerySource source = PgQuerySource.of(database, "public", "seen", "patient");
        assertThat(sums(source, counting(Condition.everyRow()))).isDeepEqualTo(new long[][] {{3, 3}});
    }

    @ParameterizedTest
    @CsvSource({"int, NULL", "text, NULL", "text, ''''''", "uuid, NULL"})
    void refusesRowsOfNobodyWhicheverAreAskedFor(String type, String nobody) {
        TestPostgres.execute(
                database,
                "DROP TABLE IF EXISTS nobodies",
                "CREATE TABLE nobodies (who " + type + ", x int)",
                "INSERT INTO nobodies VALUES (" + nobody.replace("''''''", "''") + ", 7)");
        PgQuerySource source = PgQuerySource.of(database, "public", "nobodies", "who");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> source.measure(counting(Condition.compare("x", Comparison.LESS, 7))))
                .withMessageContaining("rows without a person in column \"who\"");
    }

    @Test
    void refusesRowsOfNobodyThatCameOnceAConstraintWent() {
        TestPostgres.execute(database, "CREATE TABLE strict (who int NOT NULL)", "INSERT INTO strict VALUES (1)");
        PgQuerySource source = PgQuerySource.of(database, "public", "strict", "who");
        assertThat(sums(source, counting(Condition.everyRow()))).isDeepEqualTo(new long[][] {{1, 1}});
        TestPostgres.execute(
                database, "ALTER TABLE strict ALTER COLUMN who DROP NOT NULL", "INSERT INTO strict VALUES (NULL)");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> source.measure(counting(Condition.everyRow())))
                .withMessageContaining("rows without a person");
    }

    @Test
    void callsNoFunctionOfWhoeverMayMakeOne() {
        // Each fits better than what PostgreSQL has, which takes arguments of any type or has to cast one.
        TestPostgres.execute(
                database,
                "CREATE FUNCTION width_bucket(float8, float8[]) RETURNS int LANGUAGE sql AS 'SELECT 1 / 0'",
                "CREATE FUNCTION hashint8extended(int, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 1 / 0'",
                "CREATE FUNCTION unnest(float8[]) RETURNS SETOF float8 LANGUAGE sql AS 'SELECT 1 / 0.0::float8'",
                "CREATE FUNCTION unnest(text[]) RETURNS SETOF text LANGUAGE sql AS 'SELECT (1 / 0)::text'");
        try {
            ValueGrid grid = new ValueGrid(-8, 8, 0, 1, 8);
            List<Measure> measures = List.of(new Measure.Bins(List.of(-8.0, 2.0, 8.0)), new Measure.Values(grid));
            Optional<BoundedColumn> column = Optional.of(BoundedColumn.of("small", -8, 8));
            assertThat(sums(visits(), new BoundedQuery(Condition.everyRow(), Optional.empty(), 1, column, measures)))
                    .isDeepEqualTo(new long[][] {{1, 3, 10}});
            for (Grouping grouping :
                    List.of(new Grouping("feels", List.of("glad"), 1), new Grouping("small", List.of("1"), 1))) {
                assertThat(sums(
                                visits(),
                                new BoundedQuery(Condition.everyRow(), Optional.of(grouping), 1, column, measures)))
                        .isDeepEqualTo(new long[][] {{1, 0, 1}});
            }
        } finally {
            TestPostgres.execute(
                    database,
                    "DROP FUNCTION width_bucket(float8, float8[]), hashint8extended(int, bigint), unnest(float8[]), unnest(text[])");
        }
    }

    @Test
    void refusesPersonsThatACollationTakesForOne() {
        assumeTrue(
                TestPostgres.rows(database, "SELECT FROM pg_collation WHERE collprovider = 'i'")
                                .size()
                        > 0,
                "the server knows collations that are not deterministic");
        TestPostgres.execute(
                database,
                "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
                "CREATE TABLE loosely (who text COLLATE loose NOT NULL, ward text COLLATE loose)",
                "INSERT INTO loosely VALUES ('Anna', 'North'), ('anna', 'north')");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgQuerySource.of(database, "public", "loosely", "who"))
                .withMessageContaining("column \"who\"")
                .withMessageContaining("different texts are one");
        TestPostgres.execute(
                database, "CREATE VIEW strictly AS SELECT lower(who) COLLATE \"C\" AS who, ward FROM loosely");
        assertThat(sums(
                        PgQuerySource.of(database, "public", "strictly", "who"),
                        counting(Condition.in("ward", "north", "North"))))
                .isDeepEqualTo(new long[][] {{1, 1}});
    }

    @Test
    void drawsARowOfEachPersonAfreshForEachQuery() {
        TestPostgres.execute(
                database,
                "CREATE TABLE draws (who int NOT NULL, region text)",
                "INSERT INTO draws SELECT p, r FROM generate_series(1, 200) p, unnest(ARRAY['n', 's']) r");
        PgQuerySource source = PgQuerySource.of(database, "public", "draws", "who");
        BoundedQuery query = new BoundedQuery(
                Condition.everyRow(),
                Optional.of(new Grouping("region", List.of("n", "s"), 1)),
                1,
                Optional.empty(),
                COUNTS);
        Set<Long> norths = new HashSet<>();
        for (int i = 0; i < 8; i++) {
            long[][] sums = sums(source, query);
            assertThat(sums[0][0] + sums[1][0]).isEqualTo(200);
            // Eight standard deviations of 7.1 around 100: further out is one in 10^14.
            assertThat(sums[0][0]).isBetween(43L, 157L);
            norths.add(sums[0][0]);
        }
        // That eight draws are all the same is one in 10^8.
        assertThat(norths).hasSizeGreaterThan(1);
    }

    @Test
    void bindsWhatIsAskedAndQuotesWhatIsThere() {
        PgQuerySource source = visits();
        String hostile = "'); DROP TABLE visits; --";
        assertThat(count(Condition.in("code", hostile))).isZero();
        BoundedQuery query = new BoundedQuery(
                Condition.in("code", hostile).or(Condition.compare("small", Comparison.LESS, 3)),
                Optional.of(new Grouping("feels", List.of("glad", hostile), 1)),
                1,
                Optional.empty(),
                COUNTS);
        assertThat(sums(source, query)).isDeepEqualTo(new long[][] {{1, 1}, {0, 0}});
        assertThat(BoundedSql.of(
                                "t",
                                new SourceColumn("p", "int4", false, true, true),
                                Map.of(
                                        "code",
                                        new SourceColumn("code", "text", false, true, true),
                                        "small",
                                        new SourceColumn("small", "int4", false, true, true),
                                        "feels",
                                        new SourceColumn("feels", "text", false, true, true)),
                                query,
                                1)
                        .text())
                .doesNotContain("DROP", "glad", "3");
    }

    @ParameterizedTest
    @ValueSource(strings = {"nothing", "public.visits", "VISITS", "visits; --"})
    void refusesTablesThatAreNotThere(String table) {
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgQuerySource.of(database, "public", table, "patient"))
                .withMessageContaining("there is no table or view \"public\".\"" + table + "\"");
    }

    @Test
    void refusesColumnsThatAreNotThereOrOfNoUse() {
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgQuerySource.of(database, "public", "visits", "nobody"))
                .withMessageContaining("has no column \"nobody\"; it has [patient, small");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgQuerySource.of(database, "public", "visits", "seen"))
                .withMessageContaining("must be of whole numbers, text or uuid")
                .withMessageContaining("is date");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgQuerySource.builder(database, "public", "visits", "patient")
                        .columns("small", "scan")
                        .build())
                .withMessageContaining("column \"scan\"")
                .withMessageContaining("must be of numbers or texts, is bytea");
    }

    @Test
    void leavesOutWhatItsRoleMayNotRead() {
        PGSimpleDataSource service = TestPostgres.asNewRole(database);
        TestPostgres.execute(database, "GRANT SELECT (patient, small) ON visits TO " + service.getUser());
        assertThat(PgQuerySource.of(service, "public", "visits", "patient").columns())
                .containsOnlyKeys("small");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgQuerySource.builder(service, "public", "visits", "patient")
                        .columns("paid")
                        .build())
                .withMessageContaining("\"paid\"")
                .withMessageContaining("may not be read");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgQuerySource.of(service, "public", "visits", "id"))
                .withMessageContaining("may not be read");
    }

    @Test
    void respectsRowLevelSecurity() {
        PGSimpleDataSource service = TestPostgres.asNewRole(database);
        TestPostgres.execute(
                database,
                "CREATE TABLE wards (who int NOT NULL, ward text)",
                "INSERT INTO wards VALUES (1, 'a'), (2, 'a'), (3, 'b')",
                "ALTER TABLE wards ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own ON wards USING (ward = 'a')",
                "GRANT SELECT ON wards TO " + service.getUser());
        assertThat(sums(PgQuerySource.of(service, "public", "wards", "who"), counting(Condition.everyRow())))
                .isDeepEqualTo(new long[][] {{2, 2}});
    }

    @Test
    void givesUpAfterItsTimeout() {
        TestPostgres.execute(
                database, "CREATE VIEW slow AS SELECT patient, small, pg_sleep(60)::text AS wait FROM visits");
        PgQuerySource source = PgQuerySource.builder(database, "public", "slow", "patient")
                .statementTimeout(Duration.ofMillis(50))
                .build();
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> source.measure(counting(Condition.isMissing("wait"))))
                .withMessageContaining("statement timeout")
                .satisfies(e -> assertThat(e.sqlState()).contains("57014"));
    }
}
