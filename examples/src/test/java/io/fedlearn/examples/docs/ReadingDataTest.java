package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.partition.Partition;
import io.fedlearn.core.partition.Partitioner;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.models.LogisticRegression;
import io.fedlearn.models.SoftmaxRegression;
import io.fedlearn.models.idx.IdxImages;
import io.fedlearn.models.table.Column;
import io.fedlearn.models.table.Label;
import io.fedlearn.models.table.Table;
import io.fedlearn.models.table.TableException;
import io.fedlearn.models.table.TableSchema;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Code of {@code docs/reading-data.md}. */
final class ReadingDataTest {
    @TempDir
    Path folder;

    // tag::schema[]
    private static final TableSchema SCHEMA = TableSchema.builder()
            .numeric("age")
            .column(Column.numeric("chol").withMissing("0").withMissingIndicator())
            .category("sex", "0", "1")
            .column(Column.category("pain", "1", "2", "3", "4").withMissingIndicator())
            .label(Label.positiveAbove("disease", 0).droppingMissing())
            .missing("?", "")
            .build();
    // end::schema[]

    private Path file() throws Exception {
        return Files.writeString(folder.resolve("patients.csv"), """
                id,age,sex,pain,chol,disease
                17,63,1,1,233,0
                18,67,1.0,4,286,2
                19,41,0,?,0,1
                20,?,0,3,250,0
                21,55,1,2,199,?
                """);
    }

    @Test
    void readsATable() throws Exception {
        Path file = file();
        // tag::table[]
        Table patients = SCHEMA.read(file);
        System.out.println(patients.rowsRead() + " rows, " + patients.rowsDropped() + " without a label");
        System.out.println(patients.featureNames());
        System.out.println("missing: " + patients.missing());
        // end::table[]
        assertThat(patients.rowsRead()).isEqualTo(5);
        assertThat(patients.rowsDropped()).isEqualTo(1);
        assertThat(patients.featureNames())
                .containsExactly(
                        "age",
                        "chol",
                        "chol=missing",
                        "sex=0",
                        "sex=1",
                        "pain=1",
                        "pain=2",
                        "pain=3",
                        "pain=4",
                        "pain=missing");
        assertThat(patients.missing()).isEqualTo(Map.of("age", 1L, "chol", 1L, "sex", 0L, "pain", 1L));
        // tag::split[]
        Table.Split split = patients.stratifiedSplit(0.2, 1);
        // end::split[]
        assertThat(split.training().exampleCount() + split.test().exampleCount())
                .isEqualTo(4);
    }

    @Test
    void namesThePlaceAndNotTheValue() throws Exception {
        Path file = Files.writeString(
                folder.resolve("north.csv"), "age,sex,pain,chol,disease\n63,1,1,233,0\n49 years,1,2,201,1\n");
        // tag::error[]
        assertThatExceptionOfType(TableException.class)
                .isThrownBy(() -> SCHEMA.read(file))
                .withMessage(file + ", line 3, column 'age': the field is not a number that fits a float")
                .satisfies(e -> assertThat(e.problem()).isEqualTo(TableException.Problem.BAD_NUMBER));
        // end::error[]
    }

    @Test
    void standardisesFederatedly() throws Exception {
        Map<String, Client> hospitals = Hospitals.all();
        // tag::statistics[]
        FeatureStatistics statistics = Federation.of(hospitals).build().featureStatistics(2);
        Model start = LogisticRegression.of(2).standardizing(statistics).initialModel(1);
        // end::statistics[]
        assertThat(start.spec().tensors())
                .extracting(tensor -> tensor.name())
                .containsExactly("input.mean", "input.scale", "weight", "bias");
        assertThat(start.tensor("input.mean").get(0)).isBetween(20.0, 90.0);
    }

    private void writeIdx(String prefix, int count) throws Exception {
        ByteBuffer images = ByteBuffer.allocate(16 + count * 4)
                .putInt(0x803)
                .putInt(count)
                .putInt(2)
                .putInt(2);
        ByteBuffer labels = ByteBuffer.allocate(8 + count).putInt(0x801).putInt(count);
        for (int i = 0; i < count; i++) {
            images.putInt(i % 2 == 0 ? 0xff000000 : 0x000000ff);
            labels.put((byte) (i % 2));
        }
        Files.write(folder.resolve(prefix + "-images-idx3-ubyte"), images.array());
        Files.write(folder.resolve(prefix + "-labels-idx1-ubyte"), labels.array());
    }

    @Test
    void simulatesManyClients() throws Exception {
        writeIdx("train", 60);
        // tag::idx[]
        IdxImages digits =
                IdxImages.read(folder.resolve("train-images-idx3-ubyte"), folder.resolve("train-labels-idx1-ubyte"));
        // end::idx[]
        // tag::partition[]
        Partition partition = Partitioner.dirichlet(0.5).partition(digits.classes(), 10, 1);
        LocalModelPool models = LocalModelPool.of(() -> SoftmaxRegression.of(digits.featureShape(), 10));
        Map<String, Client> clients = new TreeMap<>();
        for (int i = 0; i < partition.clientCount(); i++) {
            clients.put(partition.names().get(i), LocalTrainingClient.of(models, digits.subset(partition.examples(i))));
        }
        // end::partition[]
        Run run = Federation.of(clients)
                .strategy(FedAvg.create())
                .setting("partition", "dirichlet:0.5")
                .rounds(2)
                .run();
        assertThat(run.records()).hasSize(2);
        assertThat(partition.exampleCount()).isEqualTo(60);
    }
}
