package io.fedlearn.pg.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.pg.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

class PgDatasetIT {
    private static PGSimpleDataSource database = new PGSimpleDataSource();

    @BeforeAll
    static void makesTables() {
        database = TestPostgres.newDatabase();
        TestPostgres.execute(
                database,
                "CREATE SCHEMA clinic",
                "CREATE TABLE clinic.patients (patient_id text PRIMARY KEY, site text, year int, age int, chol double precision,"
                        + " sex char(1), sick boolean)",
                "INSERT INTO clinic.patients VALUES ('a', 'north', 2019, 40, 200, 'f', true), ('C', 'north', 2020, 50, 210.5, 'm', false),"
                        + " ('b', 'south', 2021, 60, 220, 'f', false), ('d', 'north', 2022, 70, 230, 'm', true)",
                "CREATE TABLE numbers AS SELECT i AS id, (i * 37 % 101)::real AS x, (i % 2)::int AS y FROM generate_series(1, 1000) i");
    }

    private static PgDataset.Builder patients() {
        return PgDataset.table(database, "clinic.patients")
                .key("patient_id")
                .features("age", "chol")
                .category("sex", "f", "m")
                .label("sick");
    }

    @Test
    void readsATableInTheOrderOfItsKey() throws Exception {
        try (PgDataset patients = patients().open()) {
            assertThat(patients.exampleCount()).isEqualTo(4);
            assertThat(patients.featureShape()).isEqualTo(Shape.of(4));
            assertThat(patients.featureNames()).containsExactly("age", "chol", "sex=f", "sex=m");
            // By bytes and not by a language's rules, so that every server has the same order.
            assertThat(Rows.features(patients))
                    .containsExactly(
                            List.of(50f, 210.5f, 0f, 1f),
                            List.of(40f, 200f, 1f, 0f),
                            List.of(60f, 220f, 1f, 0f),
                            List.of(70f, 230f, 0f, 1f));
            assertThat(Rows.targets(patients)).containsExactly(List.of(0f), List.of(1f), List.of(0f), List.of(1f));
            assertThat(patients.report().rowsRead()).isEqualTo(4);
        }
    }

    @Test
    void readsAQueryWithBoundValues() throws Exception {
        String sql = "SELECT *, age / 10 AS decade FROM clinic.patients WHERE site = ? AND year >= ? -- newest?";
        try (PgDataset patients = PgDataset.query(database, sql, "north", 2020)
                .key("patient_id")
                .features("decade")
                .open()) {
            assertThat(Rows.features(patients)).containsExactly(List.of(5f), List.of(7f));
            assertThat(patients.targetLength()).isZero();
        }
    }

    @Test
    void bindsListsDatesAndNulls() throws Exception {
        String sql = "SELECT year, age FROM clinic.patients WHERE site = ANY(?) AND age < ?::numeric"
                + " AND make_date(year, 1, 1) > ? AND (?::text IS NULL OR site <> '?')";
        try (PgDataset patients = PgDataset.query(
                        database,
                        sql,
                        List.of("south", "it's \"\\ {north}"),
                        60.5,
                        LocalDate.of(2019, 1, 1),
                        Optional.empty())
                .key("year")
                .features("age")
                .open()) {
            assertThat(Rows.features(patients)).containsExactly(List.of(60f));
        }
    }

    @Test
    void bindsBitsAndCharactersWhole() throws Exception {
        TestPostgres.execute(
                database, "CREATE TABLE flagged AS SELECT 1 AS id, b'101' AS flags UNION ALL SELECT 2, b'111'");
        try (PgDataset flagged = PgDataset.table(database, "flagged")
                .key("id")
                .features("id")
                .where("flags = ?", "101")
                .open()) {
            assertThat(Rows.features(flagged)).containsExactly(List.of(1f));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "north' OR true --",
                "'; DROP TABLE clinic.patients; --",
                "\\'; DELETE FROM clinic.patients; --",
                "$1",
                "north\") OR (\"1\"=\"1",
                "?"
            })
    void takesAValueForAValueWhateverItHolds(String value) throws Exception {
        try (PgDataset none = patients().where("site = ?", value).allowEmpty().open()) {
            assertThat(none.exampleCount()).isZero();
        }
        try (PgDataset all = patients().open()) {
            assertThat(all.exampleCount()).isEqualTo(4);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "clinic.patients; DROP TABLE clinic.patients",
                "clinic.patients\" WHERE true; --",
                "(SELECT 1)",
                "patient_id\", (SELECT 1) AS \"x",
                "*",
                "clinic.patients.age"
            })
    void takesANameForANameWhateverItHolds(String name) throws Exception {
        for (PgDataset.Builder builder : List.of(
                PgDataset.table(database, name).key("patient_id").features("age"),
                PgDataset.table(database, "clinic", name).key("patient_id").features("age"),
                PgDataset.table(database, name, "patients").key("patient_id").features("age"),
                patients().key(name),
                patients().splitBy(name),
                patients().features(name),
                patients().category(name, "a"),
                patients().json(name, "a"),
                patients().label(name))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(builder::open)
                    .withMessageMatching("(?s).*(no table|no column).*");
        }
        try (PgDataset all = patients().open()) {
            assertThat(all.exampleCount()).isEqualTo(4);
        }
    }

    @Test
    void readsOnlyRowsForWhichTheConditionHolds() throws Exception {
        try (PgDataset south =
                patients().where("site = ? OR age = ?", "south", 40).open()) {
            assertThat(Rows.features(south)).containsExactly(List.of(40f, 200f, 1f, 0f), List.of(60f, 220f, 1f, 0f));
        }
    }

    @Test
    void readsNamesThatNeedQuotes() throws Exception {
        TestPostgres.execute(
                database,
                "CREATE SCHEMA \"Odd.Schema\"",
                "CREATE TABLE \"Odd.Schema\".\"ta\"\"ble\" (\"i d\" int, \"va;lue\" real)",
                "INSERT INTO \"Odd.Schema\".\"ta\"\"ble\" VALUES (1, 2)");
        try (PgDataset odd = PgDataset.table(database, "Odd.Schema", "ta\"ble")
                .key("i d")
                .features("va;lue")
                .open()) {
            assertThat(Rows.features(odd)).containsExactly(List.of(2f));
        }
    }

    @Test
    void readsNamesWithQuestionMarksAndOperatorsThatAreSome() throws Exception {
        TestPostgres.execute(
                database,
                "CREATE TABLE \"sure?\" (\"id?\" int, \"fit??\" boolean, more jsonb)",
                "INSERT INTO \"sure?\" VALUES (1, true, '{\"a\": 1}'), (2, false, '{}')");
        try (PgDataset table = PgDataset.table(database, "sure?")
                        .key("id?")
                        .features("fit??")
                        .where("more ?? ? AND '?' <> ?", "a", "x")
                        .open();
                PgDataset query = PgDataset.query(
                                database, "SELECT *, 1 AS \"one?\" FROM \"sure?\" WHERE more ?? ?", "a")
                        .key("id?")
                        .features("fit??", "one?")
                        .open()) {
            assertThat(Rows.features(table)).containsExactly(List.of(1f));
            assertThat(Rows.features(query)).containsExactly(List.of(1f, 1f));
        }
    }

    @Test
    void readsEachKindOfNumberDateAndCategory() throws Exception {
        TestPostgres.execute(
                database,
                "CREATE TYPE grade AS ENUM ('low', 'high')",
                "CREATE DOMAIN percent AS numeric CHECK (VALUE <= 100)",
                "CREATE TABLE kinds (id bigint, i2 smallint, i4 int, i8 bigint, f4 real, f8 double precision, n numeric, p percent,"
                        + " b boolean, d date, t timestamp, z timestamptz, g grade)",
                "INSERT INTO kinds VALUES (1, -2, 3, 4000000000, 1.5, 0.1, 123456.789, 12.5, true, '1970-01-11', '1970-01-02 12:00',"
                        + " '1970-01-02 12:00+12', 'high')");
        try (PgDataset kinds = PgDataset.table(database, "kinds")
                .key("id")
                .features("i2", "i4", "i8", "f4", "f8", "n", "p", "b", "d", "t")
                .date("z", LocalDate.of(1969, 12, 31))
                .categoryIndex("g", "low", "high")
                .open()) {
            assertThat(Rows.features(kinds))
                    .containsExactly(List.of(
                            -2f, 3f, 4e9f, 1.5f, (float) 0.1, (float) 123456.789, 12.5f, 1f, 10f, 1.5f, 2f, 1f));
        }
    }

    @Test
    void readsNumericAsTheNearestNumber() throws Exception {
        TestPostgres.execute(
                database,
                "CREATE TABLE exact AS SELECT row_number() OVER () AS id, n, n::double precision AS f FROM (SELECT (random() - 0.5)::numeric"
                        + " * 10::numeric ^ (random() * 40 - 20)::int AS n FROM generate_series(1, 3000) UNION ALL VALUES (0), (-1),"
                        + " (10000), (99999999), (0.0001), (1e30), (1e-30), (9007199254740993), (123456789012345678901234567890.5),"
                        + " (0.000000000000000000001234567891234567), ('NaN'::numeric)) AS made");
        try (PgDataset exact = PgDataset.table(database, "exact")
                .key("id")
                .features("n", "f")
                .missing(MissingValues.keepAsNaN())
                .open()) {
            assertThat(Rows.features(exact))
                    .hasSize(3011)
                    .allMatch(row -> row.get(0).equals(row.get(1)));
        }
    }

    @Test
    void readsArraysVectorsAndTensors() throws Exception {
        TestPostgres.execute(
                database,
                "CREATE TABLE signals (id int, r real[], d double precision[], s smallint[], i int[], l bigint[], m int[][], pixels bytea)",
                "INSERT INTO signals VALUES (1, '{1,2}', '{0.5}', '{-3}', '{4,5}', '{6}', '{{1,2},{3,4}}', '\\x00ff80'),"
                        + " (2, '{3,4}', '{0.25}', '{7}', '{8,9}', '{-1}', '{{5,6},{7,8}}', '\\x010203')");
        try (PgDataset signals = PgDataset.table(database, "signals")
                .key("id")
                .features("r", "d", "s")
                .array("i", 2)
                .array("l", 1)
                .features("m")
                .tensor("pixels", TensorType.UINT8, Shape.of(3))
                .open()) {
            assertThat(Rows.features(signals))
                    .containsExactly(
                            List.of(1f, 2f, 0.5f, -3f, 4f, 5f, 6f, 1f, 2f, 3f, 4f, 0f, 255f, 128f),
                            List.of(3f, 4f, 0.25f, 7f, 8f, 9f, -1f, 5f, 6f, 7f, 8f, 1f, 2f, 3f));
            assertThat(signals.featureNames()).contains("r[0]", "m[3]", "pixels[2]");
        }
        try (PgDataset pixels = PgDataset.table(database, "signals")
                .key("id")
                .tensor("pixels", TensorType.UINT8, Shape.of(1, 3))
                .open()) {
            assertThat(pixels.featureShape()).isEqualTo(Shape.of(1, 3));
        }
        try (PgDataset shaped = PgDataset.table(database, "signals")
                .key("id")
                .features("m")
                .featureShape(Shape.of(2, 2))
                .open()) {
            assertThat(shaped.featureShape()).isEqualTo(Shape.of(2, 2));
        }
    }

    @Test
    void readsNumbersWithinJson() throws Exception {
        TestPostgres.execute(
                database,
                "CREATE TABLE labs (id int, lab jsonb, old json)",
                "INSERT INTO labs VALUES (1, '{\"it''s \\\"a\": {\"chol\": 200.25}, \"list\": [1, 2e3]}', '{\"x\": true}'),"
                        + " (2, '{\"it''s \\\"a\": {\"chol\": null}}', '{\"x\": -1}')");
        try (PgDataset labs = PgDataset.table(database, "labs")
                .key("id")
                .json("lab", "it's \"a", "chol")
                .json("lab", "list", "1")
                .json("old", "x")
                .missing(MissingValues.keepAsNaN())
                .open()) {
            assertThat(Rows.features(labs))
                    .containsExactly(List.of(200.25f, 2000f, 1f), List.of(Float.NaN, Float.NaN, -1f));
            assertThat(labs.featureNames()).containsExactly("lab.it's \"a.chol", "lab.list.1", "old.x");
        }
    }

    @Test
    void hasSeveralTargets() throws Exception {
        try (PgDataset patients = PgDataset.table(database, "clinic.patients")
                .key("patient_id")
                .features("age")
                .label("chol", "sick")
                .labelClass("site", "south", "north")
                .open()) {
            assertThat(Rows.targets(patients)).startsWith(List.of(210.5f, 0f, 1f), List.of(200f, 1f, 1f));
            assertThat(patients.targetLength()).isEqualTo(3);
        }
    }

    @Test
    void ordersEachKindOfKeyByItsValue() throws Exception {
        TestPostgres.execute(
                database,
                "CREATE TABLE keys AS SELECT * FROM (VALUES (3, 9.0, date '10000-01-01', timestamptz '2020-01-01 00:00+0', 'Ab'),"
                        + " (2, 10.50, date '2020-01-01', timestamptz '2019-12-31 23:00-5', 'B'),"
                        + " (1, -1, date '0010-01-01 BC', timestamptz '10000-01-01', 'a')) AS v (i, n, d, z, t)");
        for (String[] keyAndOrder : new String[][] {
            {"i", "1", "2", "3"}, {"n", "1", "3", "2"}, {"d", "1", "2", "3"}, {"z", "3", "2", "1"}, {"t", "3", "2", "1"}
        }) {
            try (PgDataset keys = PgDataset.table(database, "keys")
                    .key(keyAndOrder[0])
                    .features("i")
                    .open()) {
                assertThat(Rows.features(keys))
                        .as(keyAndOrder[0])
                        .containsExactly(
                                List.of(Float.valueOf(keyAndOrder[1])),
                                List.of(Float.valueOf(keyAndOrder[2])),
                                List.of(Float.valueOf(keyAndOrder[3])));
            }
        }
    }

    @Test
    void keepsTheSnapshotWhateverHappensToTheTable() throws Exception {
        TestPostgres.execute(database, "CREATE TABLE moving AS SELECT i AS id, i AS x FROM generate_series(1, 30) i");
        PgDataset.Builder moving = PgDataset.table(database, "moving").key("id").features("x");
        try (PgDataset before = moving.open();
                PgDataset again = before.refresh()) {
            assertThat(again.snapshotDigest()).isEqualTo(before.snapshotDigest());
            List<List<Float>> rows = Rows.features(before);

            TestPostgres.execute(database, "UPDATE moving SET x = 0 WHERE id = 7");

            assertThat(Rows.features(before)).isEqualTo(rows);
            try (PgDataset after = before.refresh()) {
                assertThat(after.snapshotDigest()).isNotEqualTo(before.snapshotDigest());
                assertThat(Rows.features(after).get(6)).containsExactly(0f);
            }
            TestPostgres.execute(database, "UPDATE moving SET x = 7 WHERE id = 7");
            try (PgDataset back = moving.open()) {
                assertThat(back.snapshotDigest()).isEqualTo(before.snapshotDigest());
            }
        }
    }

    @Test
    void splitsByKeyWhateverOtherRowsThereAre() throws Exception {
        PgDataset.Builder numbers =
                PgDataset.table(database, "numbers").key("id").features("id").label("y");
        try (PgDataset all = numbers.open();
                PgDataset some = PgDataset.query(database, "SELECT * FROM numbers WHERE id % 3 = ?", 0)
                        .key("id")
                        .features("id")
                        .open()) {
            PgDataset.Split parts = all.split(7, 0.8, 0.1, 0.1);
            PgDataset.Split fewer = some.split(7, 0.8, 0.1, 0.1);

            // Five deviations of a binomial number around 800 and 100.
            assertThat(parts.training().exampleCount()).isBetween(737L, 863L);
            assertThat(parts.test().exampleCount()).isBetween(53L, 147L);
            List<List<Float>> together = new ArrayList<>(Rows.features(parts.training()));
            together.addAll(Rows.features(parts.validation()));
            together.addAll(Rows.features(parts.test()));
            assertThat(together).containsExactlyInAnyOrderElementsOf(Rows.features(all));
            assertThat(Rows.features(parts.training())).containsAll(Rows.features(fewer.training()));
            assertThat(Rows.features(parts.validation())).containsAll(Rows.features(fewer.validation()));
            assertThat(Rows.features(parts.test())).containsAll(Rows.features(fewer.test()));
            assertThat(Rows.features(all.split(8, 0.8, 0.1, 0.1).test())).isNotEqualTo(Rows.features(parts.test()));
            assertThat(all.split(7, 1, 0, 0).training().exampleCount()).isEqualTo(1000);
            assertThat(all.split(7, 0.9, 0.1, 0).test().exampleCount()).isZero();
        }
    }

    @Test
    void splitsByTheSeedThatTheTextOfTheKeyDerives() throws Exception {
        try (PgDataset texts = patients().open();
                PgDataset numbers = PgDataset.table(database, "numbers")
                        .key("id")
                        .features("id")
                        .open();
                PgDataset both = PgDataset.query(database, "SELECT -id AS id, id AS x, 'é' || id AS t FROM numbers")
                        .key("id", "t")
                        .features("x")
                        .open()) {
            List<List<Float>> training = new ArrayList<>();
            for (int i = 1; i <= 1000; i++) {
                if ((SeededRandom.derive(3, Integer.toString(i)) >>> 11) * 0x1p-53 < 0.5) {
                    training.add(List.of((float) i));
                }
            }
            assertThat(Rows.features(numbers.split(3, 0.5, 0, 0.5).training())).isEqualTo(training);
            List<List<Float>> ofBoth = new ArrayList<>();
            for (int i = 1000; i >= 1; i--) {
                if ((SeededRandom.derive(3, -i + "\u001fé" + i) >>> 11) * 0x1p-53 < 0.5) {
                    ofBoth.add(List.of((float) i));
                }
            }
            assertThat(Rows.features(both.split(3, 0.5, 0, 0.5).training())).isEqualTo(ofBoth);
            boolean isFirst = (SeededRandom.derive(3, "C") >>> 11) * 0x1p-53 < 0.5;
            assertThat(Rows.features(texts.split(3, 0.5, 0, 0.5).training()).contains(List.of(50f, 210.5f, 0f, 1f)))
                    .isEqualTo(isFirst);
        }
    }

    @Test
    void keepsRowsTogetherThatAreAlikeInWhatIsSplitBy() throws Exception {
        try (PgDataset visits = PgDataset.query(
                        database, "SELECT id / 10 AS patient, id AS visit, id / 10 AS x FROM numbers")
                .key("patient", "visit")
                .splitBy("patient")
                .features("x")
                .open()) {
            PgDataset.Split parts = visits.split(1, 0.5, 0.25, 0.25);
            assertThat(Rows.features(parts.training()))
                    .isNotEmpty()
                    .doesNotContainAnyElementsOf(Rows.features(parts.validation()))
                    .doesNotContainAnyElementsOf(Rows.features(parts.test()));
        }
    }

    @Test
    void refusesSharesThatAreNotOneTogether() throws Exception {
        try (PgDataset patients = patients().open()) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> patients.split(1, 0.8, 0.1, 0.2))
                    .withMessage("training, validation and test must be >= 0 and 1 together, were 0.8, 0.1 and 0.2");
            assertThatIllegalArgumentException().isThrownBy(() -> patients.split(1, Double.NaN, 0.5, 0.5));
        }
    }

    @Test
    void readsTheSameFromAFileThatHasNoName(@TempDir Path folder) throws Exception {
        PgDataset.Builder wide = PgDataset.query(
                        database,
                        "SELECT i AS id, array_fill(i::real, ARRAY[1000]) AS x, i AS y FROM generate_series(1, 900) i")
                .key("id")
                .features("x")
                .label("y");
        try (PgDataset heap = wide.open();
                PgDataset file = wide.maxHeapBytes(2 << 20).folder(folder).open()) {
            assertThat(heap.report().isOnDisk()).isFalse();
            assertThat(file.report().isOnDisk()).isTrue();
            assertThat(file.snapshotDigest()).isEqualTo(heap.snapshotDigest());
            assertThat(Rows.features(file)).isEqualTo(Rows.features(heap));
            assertThat(Rows.targets(file)).isEqualTo(Rows.targets(heap));
            assertThat(Rows.features(file.split(1, 0.5, 0, 0.5).training()))
                    .isEqualTo(Rows.features(heap.split(1, 0.5, 0, 0.5).training()));
            if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
                try (Stream<Path> files = Files.list(folder)) {
                    assertThat(files).isEmpty();
                }
            }
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void readsNoMoreOnceItIsClosed() throws Exception {
        PgDataset patients = patients().open();
        ExampleSource part = patients.split(1, 1, 0, 0).training();
        patients.close();
        patients.close();
        assertThatIllegalStateException()
                .isThrownBy(() -> patients.open(ExampleOrder.sequential()).read(Batch.of(2, patients)))
                .withMessage("the data set is closed");
        assertThatIllegalStateException()
                .isThrownBy(() -> part.open(ExampleOrder.shuffled(1)).read(Batch.of(2, part)));
    }

    @Test
    void tellsHowFarItIsAndTakesAnExecutor() throws Exception {
        List<Long> told = new ArrayList<>();
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try (PgDataset many = PgDataset.query(database, "SELECT i AS id, i AS x FROM generate_series(1, 140000) i")
                .key("id")
                .features("x")
                .onProgress(told::add)
                .executor(threads)
                .open()) {
            assertThat(many.exampleCount()).isEqualTo(140_000);
            assertThat(told).containsExactly(65_536L, 131_072L, 140_000L);
        } finally {
            threads.shutdown();
        }
    }
}
