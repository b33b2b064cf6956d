package io.fedlearn.examples.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.examples.run.InputException;
import io.fedlearn.models.table.TableException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

final class CsvOptionsTest {
    private static final String CUSTOMERS = """
            id,balance,contact,age,took
            7,100,mail,30,0
            8,300,phone,50,1
            9,100,mail,30,0
            10,300,phone,50,1
            """;

    @TempDir
    private Path folder;

    private CsvOptions options(String text, String... more) throws IOException {
        Path file = Files.writeString(folder.resolve("customers.csv"), text);
        List<String> arguments = new ArrayList<>(List.of("--data", file.toString(), "--label", "took"));
        arguments.addAll(List.of(more));
        CsvOptions options = CommandLine.populateCommand(new CsvOptions(), arguments.toArray(String[]::new));
        options.check(SiteModel.LOGISTIC);
        return options;
    }

    private SiteData read(String text, String... more) throws IOException {
        return options(text, more).read(SiteModel.LOGISTIC);
    }

    @Test
    void featuresAreInTheOrderOfTheirNamesWhateverThatOfTheFile() throws IOException {
        String[] options = {"--ignore", "id", "--category", "contact=phone,mail,none"};
        List<String> features = List.of("age", "balance", "contact=phone", "contact=mail", "contact=none");
        assertThat(read(CUSTOMERS, options).features()).isEqualTo(features);
        String other = "took,age,contact,balance,id\n0,30,none,100,7\n1,50,mail,300,8\n";
        assertThat(read(other, options).features()).isEqualTo(features);
    }

    @Test
    void siteScaleStandardisesNumbersAndLeavesCategories() throws IOException {
        SiteData data = read(CUSTOMERS, "--test-fraction", "0", "--ignore", "id", "--category", "contact=mail,phone");
        assertThat(SiteData.features(data.training()))
                .containsExactly(-1, -1, 1, 0, 1, 1, 0, 1, -1, -1, 1, 0, 1, 1, 0, 1);
        assertThat(data.test().exampleCount()).isZero();
    }

    @Test
    void testRowsAreKeptAsideOfEachClass() throws IOException {
        SiteData data = read(CUSTOMERS, "--test-fraction", "0.5", "--ignore", "id,contact");
        assertThat(data.training().classes()).containsExactlyInAnyOrder(0, 1);
        assertThat(data.test().classes()).containsExactlyInAnyOrder(0, 1);
    }

    @Test
    void fileScalesAllSitesAlike() throws IOException {
        Path scale = Files.writeString(folder.resolve("scale.json"), """
                {"age": {"mean": 20, "scale": 10}, "balance": {"mean": 0, "scale": 100}, "more": 1}""");
        SiteData data =
                read(CUSTOMERS, "--test-fraction", "0", "--features", "balance,age", "--scale", scale.toString());
        assertThat(SiteData.features(data.training())).containsExactly(1, 1, 3, 3, 1, 1, 3, 3);
    }

    @Test
    void scaleThatIsWrittenIsReadAgain() throws IOException {
        Path scale = folder.resolve("deep/scale.json");
        String[] common = {"--ignore", "id,contact", "--test-fraction", "0"};
        SiteData own = read(CUSTOMERS, with(common, "--write-scale", scale.toString()));
        SiteData same = read(CUSTOMERS, with(common, "--scale", scale.toString()));
        assertThat(SiteData.features(same.training())).containsExactly(SiteData.features(own.training()));
    }

    private static String[] with(String[] some, String... more) {
        List<String> all = new ArrayList<>(List.of(some));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    @Test
    void scaleFileMustNameEveryColumnOfNumbers() throws IOException {
        Path scale = Files.writeString(folder.resolve("scale.json"), "{\"age\": {\"mean\": 20, \"scale\": 10}}");
        CsvOptions options = options(CUSTOMERS, "--ignore", "id,contact", "--scale", scale.toString());
        assertThatThrownBy(() -> options.read(SiteModel.LOGISTIC))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("scale.json must have {\"balance\": {\"mean\": M, \"scale\": S}}");
    }

    @Test
    void refusesWordsInAColumnThatIsNoDeclaredCategory() throws IOException {
        CsvOptions options = options(CUSTOMERS, "--ignore", "id");
        assertThatThrownBy(() -> options.read(SiteModel.LOGISTIC))
                .isInstanceOf(InputException.class)
                .hasMessageContainingAll("line 2, column 'contact'", "--category contact=A,B,...", "--ignore contact")
                .message()
                .doesNotContain("mail");
    }

    @Test
    void refusesACategoryThatWasNotDeclared() throws IOException {
        CsvOptions options = options(CUSTOMERS, "--ignore", "id", "--category", "contact=mail,none");
        assertThatThrownBy(() -> options.read(SiteModel.LOGISTIC))
                .isInstanceOf(InputException.class)
                .hasMessageContainingAll("line 3, column 'contact'", "--category must name it");
    }

    @Test
    void refusesALabelThatIsNoDeclaredClass() throws IOException {
        CsvOptions options = options("age,took\n1,yes\n2,no\n");
        assertThatThrownBy(() -> options.read(SiteModel.LOGISTIC))
                .isInstanceOf(InputException.class)
                .hasMessageContainingAll("column 'took'", "[0, 1]", "--classes must name it");
        assertThat(read("age,took\n1,yes\n2,no\n", "--classes", "no,yes", "--test-fraction", "0")
                        .training()
                        .classes())
                .containsExactly(1, 0);
    }

    @Test
    void refusesColumnsThatAreNotThere() throws IOException {
        for (String[] wrong :
                List.of(new String[] {"--features", "age,income"}, new String[] {"--ignore", "income"}, new String[] {
                    "--category", "income=low,high"
                })) {
            CsvOptions options = options(CUSTOMERS, wrong);
            assertThatThrownBy(() -> options.read(SiteModel.LOGISTIC))
                    .isInstanceOf(InputException.class)
                    .hasMessageContainingAll(
                            wrong[0] + " names column 'income'", "has only id, balance, contact, age, took");
        }
    }

    @Test
    void refusesMissingFieldsUnlessARuleIsGiven() throws IOException {
        String gaps = "age,contact,took\n30,mail,0\n,phone,1\n50,?,0\n40,mail,1\n";
        String[] common = {"--category", "contact=mail,phone", "--missing-text", "?", "--test-fraction", "0"};
        CsvOptions refusing = options(gaps, common);
        assertThatThrownBy(() -> refusing.read(SiteModel.LOGISTIC))
                .isInstanceOf(InputException.class)
                .hasMessageContainingAll(
                        "column 'age' (1 of 4 rows), column 'contact' (1 of 4 rows)", "--missing drop");

        SiteData dropping = read(gaps, with(common, "--missing", "drop", "--scale", "none"));
        assertThat(SiteData.features(dropping.training())).containsExactly(30, 1, 0, 40, 1, 0);
        assertThat(dropping.rows()).isEqualTo(4);
        assertThat(dropping.dropped()).isEqualTo(2);

        SiteData filling = read(gaps, with(common, "--missing", "mean", "--scale", "none"));
        assertThat(SiteData.features(filling.training())).containsExactly(30, 1, 0, 40, 0, 1, 50, 0, 0, 40, 1, 0);
    }

    @Test
    void missingLabelIsRefusedOrItsRowDropped() throws IOException {
        String gap = "age,took\n30,0\n40,\n50,1\n";
        CsvOptions refusing = options(gap);
        assertThatThrownBy(() -> refusing.read(SiteModel.LOGISTIC))
                .isInstanceOf(InputException.class)
                .hasMessageContainingAll("line 3, column 'took'", "--missing drop");
        assertThat(read(gap, "--missing", "drop", "--test-fraction", "0")
                        .training()
                        .exampleCount())
                .isEqualTo(2);
    }

    @Test
    void softmaxNeedsItsClassesAndLogisticTwo() throws IOException {
        CsvOptions options = options(CUSTOMERS, "--ignore", "id,contact");
        assertThatThrownBy(() -> options.check(SiteModel.SOFTMAX)).hasMessageContaining("needs --classes");
        assertThat(options.classes(SiteModel.MLP)).containsExactly("0", "1");
        assertThatThrownBy(() -> options(CUSTOMERS, "--classes", "0,1,2")).hasMessageContaining("names 3");
    }

    @Test
    void rowsThatAreNotATableAreRefusedByLine() throws IOException {
        CsvOptions options = options("age,took\n30,0\n40,1,9\n");
        assertThatThrownBy(() -> options.read(SiteModel.LOGISTIC))
                .isInstanceOf(TableException.class)
                .hasMessageContaining("line 3");
    }

    @Test
    void otherDelimitersAndAByteOrderMarkAreRead() throws IOException {
        assertThat(read("\ufeffage;took\n30;0\n40;1\n", "--delimiter", ";").features())
                .containsExactly("age");
        assertThat(read("age\ttook\n30\t0\n40\t1\n", "--delimiter", "tab").features())
                .containsExactly("age");
    }
}
