package io.fedlearn.models.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.models.table.TableException.Problem;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TableTest {
    private static final TableSchema PATIENTS = TableSchema.builder()
            .numeric("age")
            .column(Column.numeric("chol").withMissingIndicator())
            .column(Column.category("cp", "1", "2", "4").withMissingIndicator())
            .label(Label.positiveAbove("num", 0))
            .missing("?", "NaN", "")
            .build();

    @TempDir
    private Path directory;

    private Path file(String name, String text) throws IOException {
        return Files.writeString(directory.resolve(name), text);
    }

    private Table read(TableSchema schema, String text) throws IOException {
        return schema.read(file("data.csv", text));
    }

    private static TableSchema.Builder oneNumber() {
        return TableSchema.builder().numeric("x").label(Label.value("y"));
    }

    private static float[][] features(ExampleSource source) {
        return rows(source, true);
    }

    private static float[][] rows(ExampleSource source, boolean wantFeatures) {
        Batch batch = Batch.of(1, source);
        List<float[]> rows = new ArrayList<>();
        try (BatchReader reader = source.open(ExampleOrder.sequential())) {
            while (reader.read(batch)) {
                rows.add((wantFeatures ? batch.features() : batch.targets()).clone());
            }
        }
        return rows.toArray(float[][]::new);
    }

    private static float[] targets(ExampleSource source) {
        float[][] rows = rows(source, false);
        float[] targets = new float[rows.length];
        for (int i = 0; i < rows.length; i++) {
            targets[i] = rows[i][0];
        }
        return targets;
    }

    @Test
    void makesTheDeclaredFeaturesInOrder() throws IOException {
        Table table = read(PATIENTS, "num,cp,age,chol,ignored\n0,1,63.0,233,x\n2,4.0,.7,?,y\n1,NaN,-3e1,100,\n");
        assertThat(table.featureNames())
                .containsExactly("age", "chol", "chol=missing", "cp=1", "cp=2", "cp=4", "cp=missing");
        assertThat(PATIENTS.featureCount()).isEqualTo(7);
        assertThat(table.featureShape()).isEqualTo(Shape.of(7));
        assertThat(Arrays.deepToString(features(table)))
                .isEqualTo("[[63.0, 233.0, 0.0, 1.0, 0.0, 0.0, 0.0], [0.7, NaN, 1.0, 0.0, 0.0, 1.0, 0.0], "
                        + "[-30.0, 100.0, 0.0, 0.0, 0.0, 0.0, 1.0]]");
        assertThat(targets(table)).containsExactly(0, 1, 1);
        assertThat(table.classes()).containsExactly(0, 1, 1);
        assertThat(table.rowsRead()).isEqualTo(3);
        assertThat(table.rowsDropped()).isZero();
        assertThat(table.missing().toString()).isEqualTo("{age=0, chol=1, cp=1}");
        assertThat(table.exampleCount()).isEqualTo(3);
    }

    @Test
    void filesWithoutHeaderHaveDeclaredFields() throws IOException {
        TableSchema schema = TableSchema.builder()
                .fields("age", "sex", "num")
                .numeric("age")
                .category("sex", "0", "1")
                .label(Label.classes("num", "0", "1"))
                .build();
        Table table = read(schema, "63.0,1.0,0\n67,0.0,1.0");
        assertThat(features(table)).isDeepEqualTo(new float[][] {{63, 0, 1}, {67, 1, 0}});
        assertThat(targets(table)).containsExactly(0, 1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x,y\n1,2\n3,4\n",
                "x,y\r\n1,2\r\n3,4\r\n",
                "x,y\r1,2\r3,4",
                "\ufeffx,y\n1,2\n3,4",
                "\n\nx,y\n\n1,2\n  \n3,4\n\n",
                " x , y\n 1 ,2\n\t3,  4 \n",
                "\"x\",\"y\"\n\"1\",\"2\"\n\"3\" , \"4\"\n",
                "x,\"a \"\"b\"\", \n c\",y\n1,\"\",2\n3,\"p\n\nq\",4",
            })
    void readsAsRfc4180HasIt(String text) throws IOException {
        Table table = read(oneNumber().build(), text);
        assertThat(features(table)).isDeepEqualTo(new float[][] {{1}, {3}});
        assertThat(targets(table)).containsExactly(2, 4);
    }

    @Test
    void readsOtherDelimitersLeadingLinesAndCharacterSets() throws IOException {
        Path file = directory.resolve("latin.tsv");
        Files.write(
                file, "made in 2020 \"\nGröße\tx\ty\nklein\t1\t2\ngroß\t\t4\n".getBytes(StandardCharsets.ISO_8859_1));
        TableSchema schema = oneNumber()
                .category("Größe", "klein", "groß")
                .delimiter('\t')
                .skipLines(1)
                .charset(StandardCharsets.ISO_8859_1)
                .build();
        assertThat(Arrays.deepToString(features(schema.read(file)))).isEqualTo("[[1.0, 1.0, 0.0], [NaN, 0.0, 1.0]]");
    }

    @Test
    void readsGzipByItsSuffix() throws IOException {
        Path file = directory.resolve("data.csv.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write("x,y\n1,2\n".getBytes(StandardCharsets.UTF_8));
        }
        assertThat(targets(oneNumber().build().read(file))).containsExactly(2);
    }

    @Test
    void refusesGzipThatIsCutOffOrIsNone() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(bytes)) {
            out.write("x,y\n1,2\n".getBytes(StandardCharsets.UTF_8));
        }
        Path cut = directory.resolve("cut.csv.gz");
        Files.write(cut, Arrays.copyOf(bytes.toByteArray(), bytes.size() - 9));
        Path none = file("none.csv.gz", "x,y\n1,2\n");
        for (Path file : List.of(cut, none)) {
            assertThatExceptionOfType(TableException.class)
                    .isThrownBy(() -> oneNumber().build().read(file))
                    .withMessageContaining(file.getFileName() + ": the file is not a whole gzip file")
                    .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.UNREADABLE))
                    .withCauseInstanceOf(IOException.class);
        }
    }

    @Test
    void refusesFilesThatCannotBeRead() throws IOException {
        TableSchema schema = oneNumber().build();
        Path absent = directory.resolve("absent.csv");
        assertThatExceptionOfType(TableException.class)
                .isThrownBy(() -> schema.read(absent))
                .withMessage(absent + ": the file does not exist")
                .satisfies(e -> {
                    assertThat(e.problem()).isEqualTo(Problem.UNREADABLE);
                    assertThat(e.file()).isEqualTo(absent);
                    assertThat(e.line()).isEmpty();
                    assertThat(e.column()).isEmpty();
                });
        assertThatThrownBy(() -> schema.read(directory))
                .isInstanceOf(TableException.class)
                .hasMessageContaining("cannot be read");
        Path latin = directory.resolve("latin.csv");
        Files.write(latin, "x,y,größe\n1,2,3\n".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> schema.read(latin))
                .isInstanceOf(TableException.class)
                .hasMessageContaining("latin.csv: the file is not UTF-8 text");
    }

    static Stream<Arguments> badTables() {
        String head = "age,chol,cp,num\n";
        return Stream.of(
                Arguments.of("", Problem.NO_ROWS, 0, ""),
                Arguments.of("\n \n", Problem.NO_ROWS, 0, ""),
                Arguments.of(head, Problem.NO_ROWS, 0, ""),
                Arguments.of("age,cp,num\n1,1,0\n", Problem.MISSING_COLUMN, 1, "chol"),
                Arguments.of("age,chol,cp\n1,1,1\n", Problem.MISSING_COLUMN, 1, "num"),
                Arguments.of("\nage,chol,cp,chol,num\n1,1,1,1,0\n", Problem.DUPLICATE_COLUMN, 2, "chol"),
                Arguments.of(head + "1,2,1,0\n1,2,1\n", Problem.FIELD_COUNT, 3, ""),
                Arguments.of(head + "1,2,1,0,\n", Problem.FIELD_COUNT, 2, ""),
                Arguments.of(head + "1,2,1,0\n\n1,8x8,1,0\n", Problem.BAD_NUMBER, 4, "chol"),
                Arguments.of(head + "0x10,2,1,0\n", Problem.BAD_NUMBER, 2, "age"),
                Arguments.of(head + "1d,2,1,0\n", Problem.BAD_NUMBER, 2, "age"),
                Arguments.of(head + "Infinity,2,1,0\n", Problem.BAD_NUMBER, 2, "age"),
                Arguments.of(head + "1e39,2,1,0\n", Problem.BAD_NUMBER, 2, "age"),
                Arguments.of(head + "1e999,2,1,0\n", Problem.BAD_NUMBER, 2, "age"),
                Arguments.of(head + "--8,2,1,0\n", Problem.BAD_NUMBER, 2, "age"),
                Arguments.of(head + "1,2,88,0\n", Problem.UNKNOWN_CATEGORY, 2, "cp"),
                Arguments.of(head + "1,2,1,many88\n", Problem.BAD_NUMBER, 2, "num"),
                Arguments.of(head + "1,2,1,?\n", Problem.MISSING_LABEL, 2, "num"),
                Arguments.of(head + "1,8\"8\",1,0\n", Problem.MALFORMED, 2, "chol"),
                Arguments.of(head + "1,2,\"1\"88,0\n", Problem.MALFORMED, 2, "cp"),
                Arguments.of(head + "1,2,1,0\n1,2,\"1\n88,0\n", Problem.MALFORMED, 3, "cp"),
                Arguments.of(head + "8".repeat(1 << 17), Problem.MALFORMED, 2, "age"));
    }

    @ParameterizedTest
    @MethodSource("badTables")
    void namesFileLineAndColumnOfWhatIsWrongAndShowsNoData(String text, Problem problem, long line, String column)
            throws IOException {
        Path file = file("bad.csv", text);
        assertThatExceptionOfType(TableException.class)
                .isThrownBy(() -> PATIENTS.read(file))
                .satisfies(e -> {
                    assertThat(e.problem()).isEqualTo(problem);
                    assertThat(e.line().orElse(0)).isEqualTo(line);
                    assertThat(e.column().orElse("")).isEqualTo(column);
                    assertThat(e.getMessage())
                            .startsWith(file + (line == 0 ? "" : ", line " + line)
                                    + (column.isEmpty() ? "" : ", column '" + column + "'") + ": ");
                    assertThat(String.valueOf(e.getMessage())
                                    .substring(file.toString().length()))
                            .doesNotContain("88", "8x8");
                });
    }

    @Test
    void unknownCategoryNamesTheDeclaredOnes() throws IOException {
        Path file = file("a.csv", "age,chol,cp,num\n1,2,3,0\n");
        assertThatThrownBy(() -> PATIENTS.read(file)).hasMessageEndingWith("none of the categories [1, 2, 4]");
    }

    @Test
    void otherCategoriesHaveAFeatureIfDeclared() throws IOException {
        TableSchema schema = TableSchema.builder()
                .column(Column.category("job", "nurse", "cook").withOther().withMissingIndicator())
                .label(Label.value("y"))
                .build();
        Table table = read(schema, "job,y\nnurse,1\npilot,1\n,1\n Cook,1\n");
        assertThat(table.featureNames()).containsExactly("job=nurse", "job=cook", "job=other", "job=missing");
        assertThat(features(table))
                .isDeepEqualTo(new float[][] {{1, 0, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}, {0, 0, 1, 0}});
    }

    @Test
    void aNumberMayMeanMissingInOneColumnAlone() throws IOException {
        TableSchema schema = TableSchema.builder()
                .column(Column.numeric("chol").withMissing("0").withMissingIndicator())
                .numeric("oldpeak")
                .label(Label.value("y"))
                .build();
        Table table = read(schema, "chol,oldpeak,y\n0.0,0,1\n200,0.0,1\n");
        assertThat(features(table)[0][0]).isNaN();
        assertThat(features(table)[0][1]).isEqualTo(1);
        assertThat(features(table)[0][2]).isZero();
        assertThat(features(table)[1]).containsExactly(200, 0, 0);
        assertThat(table.missing()).containsEntry("chol", 1L).containsEntry("oldpeak", 0L);
    }

    @Test
    void rowsWithoutLabelAreDroppedAndCountedIfDeclared() throws IOException {
        TableSchema schema = TableSchema.builder()
                .numeric("x")
                .label(Label.classes("y", "no", "yes", "unsure").droppingMissing())
                .missing("", "-9")
                .build();
        Table table = read(schema, "x,y\n-9.0,no\n2,\n3,unsure\n-9,-9\n");
        assertThat(targets(table)).containsExactly(0, 2);
        assertThat(table.rowsRead()).isEqualTo(4);
        assertThat(table.rowsDropped()).isEqualTo(2);
        assertThat(table.missing()).containsEntry("x", 1L);
        assertThatThrownBy(() -> read(schema, "x,y\n1,\n2,-9\n"))
                .isInstanceOf(TableException.class)
                .hasMessageContaining("none of the file's 2 rows has a label");
        assertThatThrownBy(() -> read(schema, "x,y\n1,maybe\n"))
                .isInstanceOf(TableException.class)
                .hasMessageEndingWith("none of the classes [no, yes, unsure]");
    }

    @Test
    void thresholdComparesTheNumberAsWritten() throws IOException {
        TableSchema schema = TableSchema.builder()
                .numeric("x")
                .label(Label.positiveAbove("y", 0.1))
                .build();
        assertThat(targets(read(schema, "x,y\n0,0.1\n0,0.1000000001\n0,-5\n"))).containsExactly(0, 1, 0);
    }

    @Test
    void growsToManyRows() throws IOException {
        StringBuilder text = new StringBuilder("x,y\n");
        for (int i = 0; i < 5000; i++) {
            text.append(i).append(',').append(2 * i).append('\n');
        }
        Table table = read(oneNumber().build(), text.toString());
        assertThat(table.exampleCount()).isEqualTo(5000);
        assertThat(features(table)[4999]).containsExactly(4999);
        assertThat(FeatureStatistics.of(table).mean(0)).isEqualTo(2499.5);
    }

    @Test
    void splitIsSeededAndComplete() throws IOException {
        StringBuilder text = new StringBuilder("x,y\n");
        for (int i = 0; i < 50; i++) {
            text.append(i).append(i % 5 == 0 ? ",b\n" : ",a\n");
        }
        TableSchema schema = TableSchema.builder()
                .numeric("x")
                .label(Label.classes("y", "a", "b"))
                .build();
        Table table = read(schema, text.toString());
        Table.Split split = table.stratifiedSplit(0.2, 7);
        assertThat(split.test().classes())
                .hasSize(10)
                .satisfies(classes -> assertThat(Arrays.stream(classes).sum()).isEqualTo(2));
        assertThat(Stream.of(split.training(), split.test())
                        .flatMap(part -> Stream.of(features(part)))
                        .map(row -> (int) row[0])
                        .distinct())
                .hasSize(50);
        assertThat(features(table.stratifiedSplit(0.2, 7).test())).isDeepEqualTo(features(split.test()));
        assertThat(features(table.split(0.2, 7).test()))
                .isDeepEqualTo(features(table.split(0.2, 7).test()))
                .hasDimensions(10, 1);
        assertThat(Arrays.deepEquals(
                        features(table.split(0.2, 7).test()),
                        features(table.split(0.2, 8).test())))
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.001, 0.5, 0.999})
    void bothPartsOfATinyTableHaveRows(double share) throws IOException {
        TableSchema schema = TableSchema.builder()
                .numeric("x")
                .label(Label.positiveAbove("y", 0))
                .build();
        Table two = read(schema, "x,y\n1,0\n2,1\n");
        for (Table.Split split : List.of(two.split(share, 1), two.stratifiedSplit(share, 1))) {
            assertThat(split.training().exampleCount()).isEqualTo(1);
            assertThat(split.test().exampleCount()).isEqualTo(1);
            assertThat(features(split.training())[0]).isNotEqualTo(features(split.test())[0]);
        }
        Table.Split one = read(schema, "x,y\n1,0\n").split(share, 1);
        assertThat(one.training().exampleCount() + one.test().exampleCount()).isEqualTo(1);
    }

    @Test
    void refusesToStratifyByAValue() throws IOException {
        Table table = read(oneNumber().build(), "x,y\n1,2\n");
        assertThatThrownBy(() -> table.stratifiedSplit(0.5, 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("'y'");
    }

    @Test
    void refusesSchemasThatContradictThemselves() {
        TableSchema.Builder twice = oneNumber().category("x", "1");
        TableSchema.Builder leaking = oneNumber().numeric("y");
        TableSchema.Builder absent = oneNumber().fields("x", "z");
        TableSchema.Builder doubled = oneNumber().fields("x", "y", "y");
        TableSchema.Builder clash =
                oneNumber().numeric("a=missing").column(Column.numeric("a").withMissingIndicator());
        assertThatIllegalArgumentException().isThrownBy(twice::build).withMessageContaining("'x' is declared twice");
        assertThatIllegalArgumentException().isThrownBy(leaking::build).withMessageContaining("'y'");
        assertThatIllegalArgumentException().isThrownBy(absent::build).withMessageContaining("'y' must be one of");
        assertThatIllegalArgumentException().isThrownBy(doubled::build).withMessageContaining("different names");
        assertThatIllegalArgumentException().isThrownBy(clash::build).withMessageContaining("two features");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TableSchema.builder().numeric("x").build())
                .withMessageContaining("label");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TableSchema.builder().label(Label.value("y")).build())
                .withMessageContaining("column");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Column.category("cp", "4", "4.0"))
                .withMessageContaining("'4.0' is declared twice");
        assertThatIllegalArgumentException().isThrownBy(() -> Column.category("cp"));
        assertThatIllegalArgumentException().isThrownBy(() -> Column.numeric(" "));
        assertThatIllegalArgumentException().isThrownBy(() -> Label.classes("y", "a"));
        assertThatIllegalArgumentException().isThrownBy(() -> Label.positiveAbove("y", Double.NaN));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> oneNumber().delimiter('"').build());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> oneNumber().skipLines(-1).build());
    }
}
