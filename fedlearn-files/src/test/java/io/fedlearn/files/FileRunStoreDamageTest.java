package io.fedlearn.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.formats.internal.run.RecordJson;
import io.fedlearn.formats.internal.run.SealedJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is loaded from a directory whose files are not what they were. */
class FileRunStoreDamageTest {
    private static final int ROUNDS = 5;

    @TempDir
    private Path directory;

    private Path run() {
        return directory.resolve("run");
    }

    private Path file(String name) {
        return run().resolve(name);
    }

    private FileRunStore store(Path path) {
        return FileRunStore.builder(path).disk(Disk.unsynced()).build();
    }

    @BeforeEach
    void writeRun() {
        Runs.write(FileRunStore.builder(run()).disk(Disk.unsynced()), ROUNDS);
    }

    private static void flip(Path file, long position, int bit) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[(int) position] ^= (byte) (1 << bit);
        Files.write(file, bytes);
    }

    private static void truncate(Path file, long length) throws IOException {
        Files.write(file, Arrays.copyOf(Files.readAllBytes(file), (int) length));
    }

    /** Loads and checks that all that comes out is what was once put in. */
    private void requireNothingWrong(Path path, String what) {
        try (FileRunStore store = store(path)) {
            Optional<SavedRun> saved;
            try {
                saved = store.load();
            } catch (RunStoreException e) {
                assertThat(e.getMessage()).as(what).contains(path.toString());
                return;
            }
            int round = saved.orElseThrow().latest().round();
            assertThat(round).as(what).isBetween(3, ROUNDS);
            assertThat(saved.get().header()).as(what).isEqualTo(Runs.header());
            assertThat(saved.get().latest()).as(what).isEqualTo(Runs.expected(round));
            assertThat(saved.get().records()).as(what).isEqualTo(Runs.expectedRecords(round));
            if (round < ROUNDS) {
                assertThat(saved.get().notices()).as(what).isNotEmpty();
            }
            for (int kept = 0; kept <= round; kept++) {
                try {
                    Optional<Model> model = store.model(kept);
                    if (model.isPresent()) {
                        assertThat(model.get()).as(what).isEqualTo(Runs.model(kept, 7));
                    }
                } catch (RunStoreException e) {
                    assertThat(e.getMessage()).as(what).contains("round " + kept);
                }
            }
            Runs.commit(store, round + 1);
            assertThat(store.load().orElseThrow().latest()).as(what).isEqualTo(Runs.expected(round + 1));
        }
    }

    @Test
    void neverLoadsWhatWasCutOff() throws IOException {
        for (Path name : Runs.files(run())) {
            long length = Files.size(run().resolve(name));
            for (long cut : new long[] {0, 1, length / 3, length / 2, length - 70, length - 2, length - 1}) {
                Path copy = directory.resolve("copy");
                Runs.copy(run(), copy);
                truncate(copy.resolve(name), Math.max(cut, 0));
                requireNothingWrong(copy, name + " cut to " + cut + " of " + length + " bytes");
                Runs.delete(copy);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void neverLoadsWhatWasChanged(long seed) throws IOException {
        Random random = new Random(seed);
        for (Path name : Runs.files(run())) {
            Path copy = directory.resolve("copy");
            Runs.copy(run(), copy);
            long position = (long) (random.nextDouble() * Files.size(copy.resolve(name)));
            int bit = random.nextInt(8);
            flip(copy.resolve(name), position, bit);
            requireNothingWrong(
                    copy, "seed " + seed + ": " + name + " with bit " + bit + " of byte " + position + " flipped");
            Runs.delete(copy);
        }
    }

    @Test
    void neverLoadsWhatIsMissing() throws IOException {
        for (Path name : Runs.files(run())) {
            Path copy = directory.resolve("copy");
            Runs.copy(run(), copy);
            Files.delete(copy.resolve(name));
            requireNothingWrong(copy, "without " + name);
            Runs.delete(copy);
        }
    }

    @Test
    void takesTheCheckpointBeforeADamagedOneAndSaysSo() throws IOException {
        Path model = file("rounds/000005/model.safetensors");
        flip(model, Files.size(model) - 1, 0);
        try (FileRunStore store = store(run())) {
            SavedRun saved = store.load().orElseThrow();
            assertThat(saved.latest()).isEqualTo(Runs.expected(4));
            assertThat(saved.records()).isEqualTo(Runs.expectedRecords(4));
            assertThat(saved.notices()).hasSize(1);
            assertThat(saved.notices().get(0))
                    .startsWith("the checkpoint of round 5 in " + file("rounds/000005")
                            + " is damaged, the one before is used: model.safetensors must have the digest ")
                    .endsWith("it was set aside as 000005.damaged");
            assertThat(file("rounds/000005.damaged")).isDirectory();
            assertThat(store.model(5)).isEmpty();
            assertThat(store.load().orElseThrow().notices()).isEmpty();
            Runs.commit(store, 5);
            Runs.commit(store, 6);
        }
        Path manifest = file("rounds/000006/checkpoint.json");
        truncate(manifest, 10);
        try (FileRunStore store = store(run())) {
            assertThat(store.load().orElseThrow().latest()).isEqualTo(Runs.expected(5));
            Runs.commit(store, 6);
            truncate(manifest, 10);
            assertThat(store.load().orElseThrow().notices().get(0))
                    .contains("checkpoint.json is cut off")
                    .endsWith("it was set aside as 000006.damaged-2");
        }
    }

    @Test
    void namesEveryReasonWhenNoCheckpointIsWhole() throws IOException {
        truncate(file("rounds/000005/state-2.safetensors"), 9);
        Files.delete(file("rounds/000004/model.safetensors"));
        flip(file("rounds/000003/checkpoint.json"), 20, 3);
        List<Path> before = Runs.files(run());
        try (FileRunStore store = store(run())) {
            assertThatThrownBy(store::load)
                    .isInstanceOf(RunStoreException.class)
                    .hasMessageStartingWith("no checkpoint of the run in " + run() + " is whole: ")
                    .hasMessageContaining(file("rounds/000005") + ": state-2.safetensors ")
                    .hasMessageContaining(file("rounds/000004") + ": model.safetensors is missing")
                    .hasMessageContaining(file("rounds/000003")
                            + ": checkpoint.json does not have the checksum that it was written with");
        }
        assertThat(Runs.files(run())).isEqualTo(before);
    }

    @Test
    void mendsTheRecordsFromTheHistory() throws IOException {
        byte[] records = Files.readAllBytes(file("records.jsonl"));
        for (int position : new int[] {0, records.length / 2, records.length - 1}) {
            flip(file("records.jsonl"), position, 0);
            try (FileRunStore store = store(run())) {
                SavedRun saved = store.load().orElseThrow();
                assertThat(saved.latest()).isEqualTo(Runs.expected(ROUNDS));
                assertThat(saved.records()).isEqualTo(Runs.expectedRecords(ROUNDS));
                assertThat(saved.notices())
                        .containsExactly(file("records.jsonl") + " was damaged; it was mended from history.json");
            }
            assertThat(file("records.jsonl")).hasBinaryContent(records);
        }
    }

    @Test
    void passesOverCheckpointsWhoseRecordsAreLost() throws IOException {
        Files.delete(file("history.json"));
        byte[] records = Files.readAllBytes(file("records.jsonl"));
        flip(file("records.jsonl"), records.length - 100, 0);
        try (FileRunStore store = store(run())) {
            SavedRun saved = store.load().orElseThrow();
            assertThat(saved.latest()).isEqualTo(Runs.expected(4));
            assertThat(saved.notices().get(0)).contains("the record of round 5 is missing or damaged");
        }
        flip(file("records.jsonl"), 10, 0);
        Files.delete(file("history.json"));
        try (FileRunStore store = store(run())) {
            assertThatThrownBy(store::load)
                    .isInstanceOf(RunStoreException.class)
                    .hasMessageContaining("round 1 is missing");
        }
    }

    @Test
    void restoresTheHeaderFromTheHistory() throws IOException {
        byte[] header = Files.readAllBytes(file("run.json"));
        truncate(file("run.json"), 30);
        try (FileRunStore store = store(run())) {
            SavedRun saved = store.load().orElseThrow();
            assertThat(saved.header()).isEqualTo(Runs.header());
            assertThat(saved.notices())
                    .containsExactly(file("run.json") + " is cut off; it was restored from history.json");
        }
        assertThat(file("run.json")).hasBinaryContent(header);
        Files.delete(file("run.json"));
        Files.delete(file("history.json"));
        try (FileRunStore store = store(run())) {
            assertThatThrownBy(store::load)
                    .isInstanceOf(RunStoreException.class)
                    .hasMessageStartingWith(file("run.json") + " is missing or damaged");
        }
    }

    @Test
    void fallsBackToTheBestOfBefore() throws IOException {
        try (FileRunStore store = store(run())) {
            store.load();
            store.commit(Runs.checkpoint(6), true);
        }
        Files.delete(file("rounds/000006/model.safetensors"));
        try (FileRunStore store = store(run())) {
            assertThat(store.load().orElseThrow().latest()).isEqualTo(Runs.expected(5));
            assertThat(store.model(3)).contains(Runs.model(3, 7));
        }
        assertThat(Files.isSameFile(file("best.safetensors"), file("rounds/000003/model.safetensors")))
                .isTrue();
        assertThat(Files.isSameFile(file("model.safetensors"), file("rounds/000005/model.safetensors")))
                .isTrue();
    }

    @Test
    void saysThatAKeptModelIsDamaged() throws IOException {
        Path best = file("rounds/000003/model.safetensors");
        flip(best, Files.size(best) - 1, 0);
        try (FileRunStore store = store(run())) {
            assertThat(store.load().orElseThrow().notices()).isEmpty();
            assertThatThrownBy(() -> store.model(3))
                    .isInstanceOf(RunStoreException.class)
                    .hasMessageContaining("the checkpoint of round 3 in " + file("rounds/000003") + " is damaged");
        }
    }

    @Test
    void refusesACheckpointOfAnotherRun() throws IOException {
        Path other = directory.resolve("other");
        Runs.copy(run(), other);
        String header = Files.readString(other.resolve("run.json"));
        String content = header.substring(1, header.indexOf(",\"sha256\"")).replace("\u00e4 7", "8");
        Files.write(other.resolve("run.json"), sealed(content));
        try (FileRunStore store = store(other)) {
            assertThatThrownBy(store::load)
                    .isInstanceOf(RunStoreException.class)
                    .hasMessageContaining("belongs to round 5 of run run \u00e4 7");
        }
    }

    @Test
    void refusesANewerSchemaWithoutTouchingAnything() throws IOException {
        for (String name : List.of("run.json", "rounds/000005/checkpoint.json")) {
            String text = Files.readString(file(name));
            String content = text.substring(1, text.indexOf(",\"sha256\"")).replaceFirst("/1\"", "/2\"");
            Files.write(file(name), sealed(content));
            List<Path> before = Runs.files(run());
            try (FileRunStore store = store(run())) {
                assertThatThrownBy(store::load)
                        .isInstanceOf(RunStoreException.class)
                        .hasMessageMatching(
                                Pattern.quote(file(name).toString()) + " has the schema 'fedlearn-[a-z]+/2', .*");
            }
            assertThat(Runs.files(run())).isEqualTo(before);
            Files.writeString(file(name), text);
        }
    }

    /** The members of an object with a right checksum behind them. */
    private static byte[] sealed(String members) {
        return SealedJson.write(out -> out.writeRaw(members)).toLine();
    }

    @Test
    void readsSealedLinesStrictly() {
        for (String members : List.of(
                "\"schema\":\"fedlearn-run/1\",\"schema\":\"fedlearn-run/1\"",
                "\"runId\":7",
                "\"runId\":\"a\"} {\"b\":1",
                "\"nested\":" + "[".repeat(40) + "]".repeat(40))) {
            assertThatThrownBy(() -> RecordJson.readHeader(SealedJson.ofFile(sealed(members))))
                    .isInstanceOf(DamagedException.class);
        }
        assertThatThrownBy(() -> SealedJson.of("{}".getBytes(StandardCharsets.US_ASCII)))
                .isInstanceOf(DamagedException.class);
    }
}
