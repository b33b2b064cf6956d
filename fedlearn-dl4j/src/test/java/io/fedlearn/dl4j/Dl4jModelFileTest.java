package io.fedlearn.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Objective;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Dl4jModelFileTest {
    @TempDir
    private Path folder;

    private Path file;
    private final Dl4jModel dense = Dl4jModel.of(Networks.dense(), Networks.FEATURES, Objective.MULTICLASS);

    @BeforeEach
    void nameFile() {
        file = folder.resolve("model.zip");
    }

    @Test
    void writesWhatDl4jReads() throws IOException {
        Dl4jModelFile.write(dense, file);

        MultiLayerNetwork network = ModelSerializer.restoreMultiLayerNetwork(file.toFile());

        assertThat(Dl4jModel.of(network, Networks.FEATURES, Objective.MULTICLASS)
                        .snapshot())
                .isEqualTo(dense.snapshot());
    }

    @Test
    void writesGraphsThatDl4jReads() throws IOException {
        Dl4jModel graph = Dl4jModel.of(Networks.residual(), Networks.FEATURES, Objective.BINARY);
        Dl4jModelFile.write(graph, file);

        ComputationGraph network = ModelSerializer.restoreComputationGraph(file.toFile());

        assertThat(Dl4jModel.of(network, Networks.FEATURES, Objective.BINARY).snapshot())
                .isEqualTo(graph.snapshot());
    }

    @Test
    void readsWhatDl4jWrites() throws IOException {
        MultiLayerNetwork network = new MultiLayerNetwork(Networks.convolutional());
        network.init();
        ModelSerializer.writeModel(network, file.toFile(), true);
        Model expected =
                Dl4jModel.of(network, Networks.VOLUME, Objective.BINARY).snapshot();

        Dl4jModelFile read = Dl4jModelFile.read(file);

        assertThat(read.model()).isEqualTo(expected);
        Dl4jModel model = read.builder(Networks.VOLUME, Objective.BINARY).build();
        assertThat(model.snapshot()).isEqualTo(expected).isEqualTo(model.initialModel(1));
    }

    @Test
    void readsWhatItWrites() throws IOException {
        for (Dl4jModel model : new Dl4jModel[] {
            Dl4jModel.of(Networks.normalized(true), Networks.FEATURES, Objective.MULTICLASS),
            Dl4jModel.of(Networks.residual(), Networks.FEATURES, Objective.BINARY)
        }) {
            Dl4jModelFile.write(model, file);

            assertThat(Dl4jModelFile.read(file).model()).isEqualTo(model.snapshot());
            assertThat(Dl4jModelFile.read(file, model)).isEqualTo(model.snapshot());
        }
    }

    @Test
    void writesTheSameBytesForTheSameModel() throws IOException {
        Dl4jModelFile.write(dense, file);
        byte[] first = Files.readAllBytes(file);
        Dl4jModelFile.write(dense, file);

        assertThat(Files.readAllBytes(file)).isEqualTo(first);
    }

    @Test
    void leavesWhatWasThereWhenItCannotWrite() throws IOException {
        Path occupied = Files.createDirectory(folder.resolve("occupied"));
        Files.writeString(occupied.resolve("note"), "here");

        assertThatExceptionOfType(IOException.class).isThrownBy(() -> Dl4jModelFile.write(dense, occupied));

        assertThat(occupied.resolve("note")).hasContent("here");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(occupied);
        }
    }

    private void refuses(String... messages) {
        assertThatExceptionOfType(InvalidModelFileException.class)
                .isThrownBy(() -> Dl4jModelFile.read(file))
                .satisfies(
                        e -> assertThat(e.getMessage()).startsWith(file + ": ").contains(messages))
                .satisfies(e -> assertThat(e.file()).isEqualTo(file));
    }

    @Test
    void refusesWhatIsNoZipFile() throws IOException {
        Files.writeString(file, "no zip file at all, and longer than the end of one must be");
        refuses("it must be a zip file");
        Files.write(file, new byte[0]);
        refuses("it must be a zip file");
    }

    @Test
    void refusesAFileCutShort() throws IOException {
        Dl4jModelFile.write(dense, file);
        byte[] bytes = Files.readAllBytes(file);
        for (int length = 1; length < bytes.length; length += 97) {
            Files.write(file, Arrays.copyOf(bytes, length));
            refuses("it must be a zip file, and is not or is cut short");
        }
    }

    private interface Content {
        void writeTo(DataOutputStream out) throws IOException;
    }

    private static byte[] bytes(Content content) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        content.writeTo(new DataOutputStream(bytes));
        return bytes.toByteArray();
    }

    /** Writes the model's file again with other entries. */
    private void change(Map<String, byte[]> changes) throws IOException {
        Dl4jModelFile.write(dense, file);
        Map<String, byte[]> entries = new LinkedHashMap<>();
        try (ZipFile zip = new ZipFile(file.toFile())) {
            for (String name : new String[] {"configuration.json", "coefficients.bin"}) {
                entries.put(name, zip.getInputStream(zip.getEntry(name)).readAllBytes());
            }
        }
        entries.putAll(changes);
        try (OutputStream out = Files.newOutputStream(file);
                ZipOutputStream zip = new ZipOutputStream(out)) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                if (entry.getValue().length > 0) {
                    zip.putNextEntry(new ZipEntry(entry.getKey()));
                    zip.write(entry.getValue());
                }
            }
        }
    }

    @Test
    void refusesAZipFileOfOtherThings() throws IOException {
        change(Map.of("configuration.json", new byte[0]));
        refuses("without configuration.json, so no model of DL4J");
        change(Map.of("coefficients.bin", new byte[0]));
        refuses("without coefficients.bin, so no model of DL4J");
    }

    @Test
    void refusesAConfigurationThatIsNone() throws IOException {
        for (String json : new String[] {"{", "[]", "{\"confs\": 5}", "{\"vertices\": 1}", "nothing"}) {
            change(Map.of("configuration.json", json.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
            refuses("its configuration is not one that DL4J understands");
        }
        change(Map.of("configuration.json", new byte[(16 << 20) + 1]));
        refuses("its configuration must take at most 16777216 bytes");
    }

    private static byte[] array(String shapeType, long count, String type, int values) throws IOException {
        return bytes(out -> {
            out.writeUTF("LONG_SHAPE");
            out.writeLong(1);
            out.writeUTF(shapeType);
            out.writeLong(0);
            out.writeUTF("MIXED_DATA_TYPES");
            out.writeLong(count);
            out.writeUTF(type);
            for (int i = 0; i < values; i++) {
                out.writeFloat(i);
            }
        });
    }

    @Test
    void refusesParametersThatDoNotFitTheConfiguration() throws IOException {
        change(Map.of("coefficients.bin", array("LONG", 52, "FLOAT", 52)));
        refuses("its network has 53 parameters, it holds 52");
        change(Map.of("coefficients.bin", array("LONG", 1L << 40, "FLOAT", 52)));
        refuses("its network has 53 parameters, it holds 1099511627776");
        change(Map.of("coefficients.bin", array("LONG", 53, "DOUBLE", 53)));
        refuses("its parameters must be of type FLOAT, are of DOUBLE");
        change(Map.of("coefficients.bin", array("FLOAT", 53, "FLOAT", 53)));
        refuses("its parameters have no shape");
        change(Map.of("coefficients.bin", array("LONG", 53, "FLOAT", 52)));
        refuses("its parameters are cut short");
        change(Map.of("coefficients.bin", bytes(out -> out.writeUTF("COMPRESSED"))));
        refuses("its parameters are not an array of ND4J");
        change(Map.of("coefficients.bin", array("LONG", 53, "FLOAT", 53)));
        assertThat(Dl4jModelFile.read(file).model().tensor("layer0.weight").get(29))
                .isEqualTo(29);
    }

    @Test
    void refusesTheFileOfAnotherNetwork() throws IOException {
        Dl4jModelFile.write(Dl4jModel.of(Networks.residual(), Networks.FEATURES, Objective.BINARY), file);

        assertThatExceptionOfType(InvalidModelFileException.class)
                .isThrownBy(() -> Dl4jModelFile.read(file, dense))
                .withMessageStartingWith(file + ": it holds another network: tensor 0 must be 'layer0.weight")
                .withMessageContaining("was 'first.weight");
    }

    @Test
    void tellsAMissingFile() {
        assertThatExceptionOfType(NoSuchFileException.class).isThrownBy(() -> Dl4jModelFile.read(file));
    }

    private static final class Explosive implements Serializable {
        private static final long serialVersionUID = 1L;
        private static final AtomicBoolean READ = new AtomicBoolean();

        private Object readResolve() {
            READ.set(true);
            return this;
        }
    }

    @Test
    void neverReadsSerialisedObjects() throws IOException {
        ByteArrayOutputStream object = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(object)) {
            out.writeObject(new Explosive());
        }
        change(Map.of("preprocessor.bin", object.toByteArray(), "normalizer.bin", object.toByteArray()));

        assertThat(Dl4jModelFile.read(file).model()).isEqualTo(dense.snapshot());
        assertThat(Explosive.READ).isFalse();
    }
}
