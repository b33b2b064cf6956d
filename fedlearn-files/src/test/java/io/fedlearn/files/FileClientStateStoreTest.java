package io.fedlearn.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileClientStateStoreTest {
    private static final ClientStateStore.Key KEY = new ClientStateStore.Key("run-1", "site-a", "variate");

    @TempDir
    private Path directory;

    private FileClientStateStore open() {
        return FileClientStateStore.at(directory.resolve("state"));
    }

    @Test
    void keepsAValueForEachRound() {
        try (FileClientStateStore store = open()) {
            assertThat(store.load(KEY, 1)).isEmpty();
            store.save(KEY, 1, Runs.model(1, 5));
            store.save(KEY, 2, Runs.model(2, 5));
            store.save(KEY, 2, Runs.model(3, 5));
            store.save(KEY, 1_000_000, Model.empty());
        }
        try (FileClientStateStore store = open()) {
            assertThat(store.load(KEY, 0)).isEmpty();
            assertThat(store.load(KEY, 1)).contains(Runs.model(1, 5));
            assertThat(store.load(KEY, 2)).contains(Runs.model(3, 5));
            assertThat(store.load(KEY, 1_000_000)).contains(Model.empty());
        }
    }

    @Test
    void deletesRoundsOfThisValueOnly() {
        ClientStateStore.Key longer = new ClientStateStore.Key(KEY.runId(), KEY.clientId(), KEY.name() + ".000001");
        try (FileClientStateStore store = open()) {
            store.deleteBefore(KEY, 5);
            for (int round = 0; round < 5; round++) {
                store.save(KEY, round, Runs.model(round, 5));
                store.save(longer, round, Runs.model(round, 5));
            }
            store.deleteBefore(KEY, 3);
            for (int round = 0; round < 5; round++) {
                assertThat(store.load(KEY, round).isPresent()).isEqualTo(round >= 3);
                assertThat(store.load(longer, round)).isPresent();
            }
        }
    }

    @Test
    void keepsIdentifiersOfAnyCharactersApart() throws IOException {
        List<String> identifiers = new ArrayList<>(List.of(
                "",
                ".",
                "..",
                "/",
                "../../x",
                "a/b",
                "a%002fb",
                "a",
                "A",
                "a ",
                "con",
                "\u00e4",
                "a\u0308",
                "\ud800",
                "\udc00",
                "\u0000",
                "a:b*?\"<>|\\",
                "x".repeat(160),
                "x".repeat(161),
                "x".repeat(162),
                "\u30b5".repeat(300)));
        try (FileClientStateStore store = open()) {
            int value = 0;
            for (String identifier : identifiers) {
                store.save(
                        new ClientStateStore.Key(identifier, "c", "n"),
                        1,
                        Model.builder()
                                .trainable("v", Tensor.scalar((double) value++))
                                .build());
                store.save(
                        new ClientStateStore.Key("r", identifier, "n"),
                        1,
                        Model.builder()
                                .trainable("v", Tensor.scalar((double) value++))
                                .build());
                store.save(
                        new ClientStateStore.Key("r", "c", identifier),
                        1,
                        Model.builder()
                                .trainable("v", Tensor.scalar((double) value++))
                                .build());
            }
            value = 0;
            for (String identifier : identifiers) {
                for (ClientStateStore.Key key : List.of(
                        new ClientStateStore.Key(identifier, "c", "n"),
                        new ClientStateStore.Key("r", identifier, "n"),
                        new ClientStateStore.Key("r", "c", identifier))) {
                    assertThat(store.load(key, 1).map(model -> model.tensor("v").get(0)))
                            .contains((double) value++);
                }
            }
        }
        List<Path> files = Runs.files(directory.resolve("state"));
        assertThat(files.stream().filter(file -> file.toString().endsWith(".safetensors")))
                .hasSize(3 * identifiers.size())
                .allMatch(file -> file.getNameCount() == 3);
        // Nothing depends on upper and lower case.
        assertThat(files.stream().map(Path::toString)).allMatch(name -> name.equals(name.toLowerCase(Locale.ROOT)));
    }

    @Test
    void refusesADamagedValue() throws IOException {
        try (FileClientStateStore store = open()) {
            store.save(KEY, 1, Runs.model(1, 5));
            Path file = directory.resolve("state/run-run-1/client-site-a/state-variate.000001.safetensors");
            byte[] bytes = Files.readAllBytes(file);
            bytes[bytes.length - 1] ^= 1;
            Files.write(file, bytes);
            assertThatThrownBy(() -> store.load(KEY, 1))
                    .isInstanceOf(RunStoreException.class)
                    .hasMessageStartingWith("the client state in " + file + " is damaged: ");
        }
    }

    @Test
    void isAsBeforeWhateverStepFails() throws IOException {
        Path state = directory.resolve("state");
        int failures = 0;
        boolean failed = true;
        for (int failing = 1; failed; failing++) {
            int[] left = {-1};
            Disk disk = new Disk(
                    (what, path) -> {
                        if (--left[0] == 0) {
                            throw new FileSystemException(path.toString(), null, "No space left on device");
                        }
                    },
                    false);
            try (FileClientStateStore store = FileClientStateStore.at(state, disk)) {
                store.save(KEY, 1, Runs.model(1, 5));
                left[0] = failing;
                try {
                    store.save(KEY, 1, Runs.model(2, 5));
                } catch (RunStoreException e) {
                    failures++;
                    assertThat(e)
                            .hasMessageContaining(state.toString())
                            .hasMessageEndingWith("No space left on device");
                }
                failed = left[0] <= 0;
                left[0] = -1;
                assertThat(store.load(KEY, 1)).isIn(Optional.of(Runs.model(1, 5)), Optional.of(Runs.model(2, 5)));
                assertThat(Runs.files(state)).noneMatch(file -> file.toString().endsWith(Disk.PART));
            }
            Runs.delete(state);
        }
        assertThat(failures).isEqualTo(5);
    }

    @Test
    void removesWhatAKilledProcessLeftUnfinished() throws IOException {
        try (FileClientStateStore store = open()) {
            store.save(KEY, 1, Runs.model(1, 5));
        }
        Path part = directory.resolve("state/run-run-1/client-site-a/7.part");
        Files.createFile(part);
        try (FileClientStateStore store = open()) {
            assertThat(part).doesNotExist();
            assertThat(store.load(KEY, 1)).isPresent();
        }
    }

    @Test
    void letsOneOwnerAtATimeHaveTheDirectory() {
        try (FileClientStateStore store = open()) {
            assertThatThrownBy(this::open)
                    .isInstanceOf(RunStoreException.class)
                    .hasMessage("the client state in " + directory.resolve("state")
                            + " cannot be used: it is open in this process already");
            store.save(KEY, 1, Runs.model(1, 5));
        }
        FileClientStateStore store = open();
        store.close();
        store.close();
        assertThatIllegalStateException().isThrownBy(() -> store.load(KEY, 1));
        assertThatIllegalStateException().isThrownBy(() -> store.save(KEY, 1, Model.empty()));
    }

    @Test
    void keepsTheNameThatSafetensorsCannotHold() throws IOException {
        Model odd = Model.builder()
                .trainable("__metadata__", Tensor.scalar(1.0))
                .buffer("1", Tensor.scalar(2.0f))
                .build();
        try (FileClientStateStore store = open()) {
            store.save(KEY, 1, odd);
            assertThat(store.load(KEY, 1)).contains(odd);
            Path file = directory.resolve("state/run-run-1/client-site-a/state-variate.000001.safetensors");
            String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
            assertThat(bytes).contains("[\\\"__metadata__\\\"");
            Files.writeString(
                    file, bytes.replace("[\\\"__metadata__", "[\\\"__metadatA__"), StandardCharsets.ISO_8859_1);
            assertThatThrownBy(() -> store.load(KEY, 1))
                    .isInstanceOf(RunStoreException.class)
                    .hasMessageContaining("is damaged");
        }
    }

    @Test
    void rejectsRoundsBelowZero() {
        try (FileClientStateStore store = open()) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> store.save(KEY, -1, Model.empty()))
                    .withMessageContaining("round");
        }
    }
}
