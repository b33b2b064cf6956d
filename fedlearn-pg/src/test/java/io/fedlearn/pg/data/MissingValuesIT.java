package io.fedlearn.pg.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.pg.TestPostgres;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

class MissingValuesIT {
    private static PGSimpleDataSource database = new PGSimpleDataSource();

    @BeforeAll
    static void makesATable() {
        database = TestPostgres.newDatabase();
        TestPostgres.execute(
                database,
                "CREATE TABLE patients (id int, age int, chol double precision, sex text, smokes boolean, ecg real[], sick boolean, empty real)",
                "INSERT INTO patients VALUES (1, 40, 200, 'f', true, '{1,2}', true), (2, NULL, 'NaN', 'm', false, '{3,NULL}', false),"
                        + " (3, 60, -7, NULL, NULL, NULL, true), (4, 80, 100, 'm', true, '{5,4}', NULL), (5, 40, 1, 'm', true, '{0,0}', true)");
    }

    private static PgDataset.Builder patients() {
        return PgDataset.table(database, "patients").key("id");
    }

    private static List<Float> column(PgDataset.Builder builder) throws InterruptedException {
        try (PgDataset patients = builder.open()) {
            return Rows.features(patients).stream().map(row -> row.get(0)).toList();
        }
    }

    @Test
    void refusesThemUnlessItIsSaidAndCountsThem() {
        assertThatExceptionOfType(PgDatasetException.class)
                .isThrownBy(() ->
                        patients().features("age", "chol", "ecg").label("sick").open())
                .withMessage(
                        "of the 5 rows of table patients columns are missing (NULL or NaN): 'age' in 1, 'chol' in 1, 'ecg' in 2,"
                                + " 'sick' in 1; say what becomes of them with missing(MissingValues)")
                .satisfies(e -> assertThat(e.column()).contains("age"));
    }

    @Test
    void dropsTheirRowsAndCountsThem() throws Exception {
        try (PgDataset patients = patients()
                .features("age", "chol")
                .category("sex", "f", "m")
                .label("sick")
                .missing(MissingValues.dropRows())
                .open()) {
            assertThat(Rows.features(patients)).containsExactly(List.of(40f, 200f, 1f, 0f), List.of(40f, 1f, 0f, 1f));
            assertThat(patients.report().rowsRead()).isEqualTo(5);
            assertThat(patients.report().rowsDropped()).isEqualTo(3);
            assertThat(patients.report().missing())
                    .containsEntry("age", 1L)
                    .containsEntry("chol", 1L)
                    .containsEntry("sex", 1L)
                    .containsEntry("sick", 1L);
            assertThat(patients.report().imputed()).isEmpty();
        }
    }

    @Test
    void imputesTheMean() throws Exception {
        try (PgDataset patients = patients()
                .features("age", "chol", "ecg")
                .missing(MissingValues.imputeMean())
                .open()) {
            List<List<Float>> rows = Rows.features(patients);
            assertThat(rows.get(1)).containsExactly(55f, 73.5f, 3f, 2f);
            assertThat(rows.get(2)).containsExactly(60f, -7f, 2.25f, 2f);
            assertThat(patients.report().imputed())
                    .containsEntry("age", 1L)
                    .containsEntry("chol", 1L)
                    .containsEntry("ecg", 2L);
        }
    }

    @Test
    void imputesTheMedianOfNegativeEvenAndTiedNumbers() throws Exception {
        // -7, 1, 100, 200
        assertThat(column(patients().features("chol").missing(MissingValues.imputeMedian())))
                .containsExactly(200f, 50.5f, -7f, 100f, 1f);
        // 40, 40, 60, 80
        assertThat(column(patients().features("age").missing(MissingValues.imputeMedian())))
                .containsExactly(40f, 50f, 60f, 80f, 40f);
        PgDataset.Builder odd = PgDataset.query(
                        database,
                        "SELECT i AS id, CASE WHEN i = 4 THEN NULL ELSE (ARRAY[-3.5, -0.25, -3.5, 0, 1e-20])[i] END AS x"
                                + " FROM generate_series(1, 5) i UNION ALL SELECT 6, -1e30")
                .key("id")
                .features("x");
        assertThat(column(odd.missing(MissingValues.imputeMedian())).get(3)).isEqualTo(-3.5f);
    }

    @Test
    void imputesTheMostFrequent() throws Exception {
        assertThat(column(patients().features("age").missing(MissingValues.imputeMostFrequent())))
                .containsExactly(40f, 40f, 60f, 80f, 40f);
        // All come once: the least.
        assertThat(column(patients().features("chol").missing(MissingValues.imputeMostFrequent()))
                        .get(1))
                .isEqualTo(-7f);
    }

    @Test
    void imputesTheMostFrequentOfCategoriesAndBooleansWhereAMeanIsNone() throws Exception {
        for (MissingValues policy :
                List.of(MissingValues.imputeMean(), MissingValues.imputeMedian(), MissingValues.imputeMostFrequent())) {
            try (PgDataset patients = patients()
                    .features("smokes")
                    .category("sex", "f", "m")
                    .missing(policy)
                    .open()) {
                assertThat(Rows.features(patients).get(2)).containsExactly(1f, 0f, 1f);
            }
            assertThat(column(patients().categoryIndex("sex", "f", "m").missing(policy))
                            .get(2))
                    .isEqualTo(1f);
        }
    }

    @Test
    void imputesWhatIsSaidOfEachColumn() throws Exception {
        try (PgDataset patients = patients()
                .features("age", "chol")
                .category("sex", "f", "m")
                .missing(MissingValues.refuse())
                .missing("age", MissingValues.impute(-1))
                .missing("chol", MissingValues.keepAsNaN())
                .missing("sex", MissingValues.imputeCategory("f"))
                .open()) {
            List<List<Float>> rows = Rows.features(patients);
            assertThat(rows.get(1)).containsExactly(-1f, Float.NaN, 0f, 1f);
            assertThat(rows.get(2)).containsExactly(60f, -7f, 1f, 0f);
            assertThat(patients.report().imputed()).containsOnlyKeys("age", "sex");
        }
    }

    @Test
    void doesNotCountARowAsRefusedThatIsDropped() throws Exception {
        assertThat(column(patients().features("chol", "age").missing("age", MissingValues.dropRows())))
                .containsExactly(200f, -7f, 100f, 1f);
    }

    @Test
    void neverImputesALabel() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> patients()
                        .features("id")
                        .label("sick")
                        .missing("sick", MissingValues.imputeMean())
                        .open())
                .withMessageContaining("label 'sick'");
        assertThatExceptionOfType(PgDatasetException.class)
                .isThrownBy(() -> patients()
                        .features("age")
                        .label("sick")
                        .missing(MissingValues.imputeMean())
                        .open())
                .withMessageContaining("'sick' in 1");
    }

    @Test
    void refusesToImputeFromNothing() {
        for (MissingValues policy :
                List.of(MissingValues.imputeMean(), MissingValues.imputeMedian(), MissingValues.imputeMostFrequent())) {
            assertThatExceptionOfType(PgDatasetException.class)
                    .isThrownBy(
                            () -> patients().features("empty").missing(policy).open())
                    .withMessage("column 'empty' is missing in all rows, so there is nothing to impute from");
        }
    }

    @Test
    void refusesPoliciesThatDoNotFitTheColumn() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> patients()
                        .category("sex", "f", "m")
                        .missing(MissingValues.impute(1))
                        .open())
                .withMessageContaining("column 'sex' has categories");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> patients()
                        .category("sex", "f", "m")
                        .missing(MissingValues.imputeCategory("x"))
                        .open())
                .withMessageContaining("column 'sex' has no category 'x'");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> patients()
                        .features("age")
                        .missing(MissingValues.imputeCategory("x"))
                        .open())
                .withMessageContaining("column 'age' has no categories");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> patients()
                        .features("age")
                        .missing("aeg", MissingValues.dropRows())
                        .open())
                .withMessageContaining("'aeg', which is not declared");
        assertThatIllegalArgumentException().isThrownBy(() -> MissingValues.impute(Double.NaN));
    }

    @Test
    void refusesTheMostFrequentOfTooManyNumbers() {
        PgDataset.Builder many = PgDataset.query(
                        database,
                        "SELECT i AS id, CASE WHEN i = 1 THEN NULL ELSE i END AS x FROM generate_series(1, 70000) i")
                .key("id")
                .features("x")
                .missing(MissingValues.imputeMostFrequent());
        assertThatExceptionOfType(PgDatasetException.class)
                .isThrownBy(many::open)
                .withMessageContaining("'x' has more than " + Imputation.MAX_DIFFERENT + " different values");
    }
}
