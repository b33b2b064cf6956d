package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class MnistCommandTest {
    private static final int SIDE = 4;

    @TempDir
    private Path data;

    @TempDir
    private Path folder;

    /** Images in which one pixel for each digit is bright: 200 to train on, in gzip, and 50 to test on. */
    @BeforeEach
    void writeImages() throws IOException {
        write("train", 200, ".gz");
        write("t10k", 50, "");
    }

    private void write(String name, int count, String suffix) throws IOException {
        ByteBuffer images = ByteBuffer.allocate(16 + count * SIDE * SIDE);
        ByteBuffer labels = ByteBuffer.allocate(8 + count);
        images.putInt(0x803).putInt(count).putInt(SIDE).putInt(SIDE);
        labels.putInt(0x801).putInt(count);
        Random random = new Random(count);
        for (int i = 0; i < count; i++) {
            byte[] pixels = new byte[SIDE * SIDE];
            random.nextBytes(pixels);
            for (int j = 0; j < pixels.length; j++) {
                pixels[j] = (byte) (pixels[j] & 0x3f);
            }
            pixels[i % 10] = (byte) 255;
            images.put(pixels);
            labels.put((byte) (i % 10));
        }
        write(data.resolve(name + "-images-idx3-ubyte" + suffix), images.array());
        write(data.resolve(name + "-labels-idx1-ubyte" + suffix), labels.array());
    }

    private static void write(Path file, byte[] bytes) throws IOException {
        try (OutputStream out = Files.newOutputStream(file);
                OutputStream packed = file.toString().endsWith(".gz") ? new GZIPOutputStream(out) : out) {
            packed.write(bytes);
        }
    }

    private Outcome mnist(Object... more) {
        return Outcome.of(Stream.concat(
                        Stream.of("mnist", "--data", data, "--out", folder.resolve("run"), "--batch-size", 10),
                        Stream.of(more))
                .toArray());
    }

    private JsonNode history() throws IOException {
        return new ObjectMapper()
                .readTree(folder.resolve("run").resolve("history.json").toFile());
    }

    @ParameterizedTest
    @ValueSource(strings = {"iid", "shards", "shards:3", "dirichlet:0.5"})
    void trainsOnEveryPartition(String partition) throws IOException {
        Outcome outcome =
                mnist("--clients", 5, "--partition", partition, "--rounds", 3).done();
        assertThat(outcome.out())
                .contains("200 training images with 5 clients (" + partition + ")", "3/3")
                .contains("client-5");
        assertThat(history().get("rounds").get(2).get("metrics").get("accuracy").asDouble())
                .isBetween(0.1, 1.0);
        assertThat(folder.resolve("run").resolve("report.html"))
                .content()
                .contains("<svg")
                .doesNotContain("http:", "NaN");
        outcome.digest();
    }

    @Test
    void protectsClientsByASecretSampleOfThem() throws IOException {
        Outcome outcome = mnist("--clients", 20, "--rounds", 3, "--fraction", 0.5, "--dp-epsilon", 8)
                .done();
        assertThat(outcome.out()).contains("PRIVATE: protects each client", "secret-poisson(rate=0.5)", "secret");
        for (JsonNode round : history().get("rounds")) {
            assertThat(round.get("cohort")).isEmpty();
            assertThat(round.get("outcomes")).isEmpty();
            assertThat(round.get("privacySpent").get("epsilon").asDouble()).isBetween(0.1, 8.0);
        }
    }

    @Test
    void protectsImagesAtTheClients() throws IOException {
        Outcome outcome = mnist("--clients", 2, "--rounds", 2, "--dp-epsilon", 8, "--dp-unit", "patient")
                .done();
        assertThat(outcome.out()).contains("PRIVATE: protects each image");
        for (JsonNode client : history().get("rounds").get(1).get("outcomes")) {
            // 100 images, 10 in a step.
            assertThat(client.get("metrics").get("localSteps").asInt()).isEqualTo(10);
            assertThat(client.get("metrics").get("siteEpsilon").asDouble()).isBetween(7.9, 8.0);
        }
    }

    @Test
    void learnsWhatCanBeLearned() throws IOException {
        mnist("--clients", 4, "--model", "mlp", "--rounds", 10, "--momentum", 0.5)
                .done();
        assertThat(history().get("rounds").get(9).get("metrics").get("accuracy").asDouble())
                .isGreaterThan(0.95);
    }

    @ParameterizedTest
    @MethodSource("cohorts")
    void asksThatManyClients(List<String> options, int cohort) throws IOException {
        mnist(Stream.concat(Stream.of("--clients", "20", "--rounds", "2"), options.stream())
                        .toArray())
                .done();
        assertThat(history().get("rounds").get(0).get("cohort")).hasSize(cohort);
    }

    static List<Arguments> cohorts() {
        return List.of(
                Arguments.of(List.of(), 20),
                Arguments.of(List.of("--fraction", "0.25"), 5),
                Arguments.of(List.of("--clients-per-round", "3"), 3));
    }

    @Test
    void sameModelOnAnyNumberOfThreadsAndAfterResume() {
        String digest = mnist("--clients", 8, "--fraction", 0.5, "--rounds", 4, "--threads", 1)
                .done()
                .digest();
        Path other = folder.resolve("other");
        Object[] same = {"mnist", "--data", data, "--out", other, "--batch-size", 10, "--clients", 8, "--fraction", 0.5
        };
        Outcome.of(Stream.concat(Stream.of(same), Stream.of("--threads", 8, "--rounds", 2))
                        .toArray())
                .done();
        Outcome resumed =
                Outcome.of(Stream.concat(Stream.of(same), Stream.of("--threads", 2, "--rounds", 4, "--resume"))
                        .toArray());
        assertThat(resumed.done().digest()).isEqualTo(digest);
    }

    @Test
    void resumeWithAnotherPartitionIsRefusedByName() {
        mnist("--clients", 5, "--rounds", 1).done();
        Outcome outcome = mnist("--clients", 5, "--rounds", 2, "--partition", "shards", "--resume");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("partition was iid, is now shards");
    }

    @Test
    void withoutDataItNamesTheFilesNeeded() {
        Outcome outcome = Outcome.of("mnist");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err())
                .contains("--data")
                .contains("train-images-idx3-ubyte")
                .contains("t10k-labels-idx1-ubyte");
    }

    @Test
    void missingFileIsNamed() throws IOException {
        Files.delete(data.resolve("t10k-images-idx3-ubyte"));
        Outcome outcome = mnist();
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("t10k-images-idx3-ubyte").contains(".gz");
    }

    @Test
    void damagedFileIsNamed() throws IOException {
        Path file = data.resolve("t10k-images-idx3-ubyte");
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length - 1));
        Outcome outcome = mnist();
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains(file.toString()).contains("cut off");
    }

    @ParameterizedTest
    @MethodSource("badOptions")
    void badOptionIsRefusedByName(List<String> options, String word) {
        Outcome outcome = mnist(options.toArray());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).startsWith("fedlearn: ").contains(word).doesNotContain("Error:");
        assertThat(folder.resolve("run").resolve("run.json")).doesNotExist();
    }

    static List<Arguments> badOptions() {
        return List.of(
                Arguments.of(List.of("--partition", "fair"), "'fair'"),
                Arguments.of(List.of("--partition", "dirichlet"), "dirichlet:0.5"),
                Arguments.of(List.of("--clients", "0"), "--clients"),
                Arguments.of(List.of("--fraction", "1.5"), "--fraction"),
                Arguments.of(List.of("--clients-per-round", "11"), "--clients-per-round"),
                Arguments.of(List.of("--fraction", "0.5", "--clients-per-round", "2"), "mutually exclusive"),
                Arguments.of(List.of("--data="), "a path must not be empty"),
                Arguments.of(List.of("--partition", "shards:9", "--clients", "50"), "200 training images are too few"),
                Arguments.of(List.of("--clients-per-round", "2", "--quorum", "3"), "--quorum"));
    }
}
