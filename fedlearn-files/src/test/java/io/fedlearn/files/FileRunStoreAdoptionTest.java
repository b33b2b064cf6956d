package io.fedlearn.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileRunStoreAdoptionTest {
    @TempDir
    private Path directory;

    private static SavedRun run(int rounds) {
        return new SavedRun(Runs.header(), Runs.expected(rounds), Runs.expectedRecords(rounds), List.of());
    }

    private static void requireAt(FileRunStore store, int round) {
        SavedRun saved = store.load().orElseThrow();
        assertThat(saved.header()).isEqualTo(Runs.header());
        assertThat(saved.latest()).isEqualTo(Runs.expected(round));
        assertThat(saved.records()).isEqualTo(Runs.expectedRecords(round));
        assertThat(saved.notices()).isEmpty();
        assertThat(store.checkpoint(round)).contains(Runs.expected(round));
    }

    @Test
    void goesOnWithARunThatItHadNothingOf() {
        try (FileRunStore store = FileRunStore.at(directory)) {
            store.adopt(run(17), true);
            requireAt(store, 17);
            assertThat(store.checkpoint(16)).isEmpty();
            Runs.commit(store, 18);
        }
        try (FileRunStore again = FileRunStore.at(directory)) {
            requireAt(again, 18);
            assertThat(again.isBest(17)).isTrue();
            assertThat(again.isBest(16)).isFalse();
            assertThat(again.isBest(18)).isFalse();
            assertThat(again.checkpoint(17)).contains(Runs.expected(17));
        }
    }

    @Test
    void goesOnWithARunThatItHasTheBeginningOf() {
        Runs.write(FileRunStore.builder(directory), 4);
        try (FileRunStore store = FileRunStore.at(directory)) {
            assertThat(store.isBest(3)).isTrue();
            store.adopt(run(9), false);
            requireAt(store, 9);
            Runs.commit(store, 10);
            requireAt(store, 10);
            assertThat(store.isBest(3)).isTrue();
        }
    }

    @Test
    void refusesWhatWouldLoseARound() {
        Runs.write(FileRunStore.builder(directory), 4);
        try (FileRunStore store = FileRunStore.at(directory)) {
            for (int rounds : new int[] {3, 4}) {
                assertThatExceptionOfType(RunStoreException.class)
                        .isThrownBy(() -> store.adopt(run(rounds), false))
                        .withMessageContaining("it has 4 rounds, the other " + rounds);
            }
            RunHeader header = Runs.header();
            RunHeader other = new RunHeader(
                    "other",
                    header.seed(),
                    header.strategy(),
                    header.settings(),
                    header.initialDigest(),
                    header.libraryVersion(),
                    header.startedAt());
            assertThatExceptionOfType(RunStoreException.class)
                    .isThrownBy(() -> store.adopt(
                            new SavedRun(other, Runs.expected(9), Runs.expectedRecords(9), List.of()), false))
                    .withMessageContaining("cannot take over other");
            requireAt(store, 4);
        }
    }

    @Test
    void refusesARunWithoutItsRecords() {
        try (FileRunStore store = FileRunStore.at(directory)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> store.adopt(
                            new SavedRun(Runs.header(), Runs.expected(3), Runs.expectedRecords(2), List.of()), false))
                    .withMessageContaining("2 of 3");
            assertThat(store.load()).isEmpty();
        }
    }

    @Test
    void isAsBeforeOrAsAfterWhateverStepWasTheLast() throws IOException {
        for (int before : new int[] {-1, 4}) {
            Path run = directory.resolve("run-" + before);
            int[] copies = {0};
            boolean[] isAdopting = {false};
            Disk disk = new Disk(
                    (what, path) -> {
                        if (!isAdopting[0]) {
                            return;
                        }
                        Path copy = directory.resolve("copy-" + before + "-" + copies[0]++);
                        Runs.copy(run, copy);
                        try (FileRunStore store =
                                FileRunStore.builder(copy).disk(Disk.unsynced()).build()) {
                            int found = store.load()
                                    .map(saved -> saved.latest().round())
                                    .orElse(-1);
                            assertThat(found).isIn(before, 9);
                            if (found >= 0) {
                                requireAt(store, found);
                            }
                            if (found < 9) {
                                store.adopt(run(9), true);
                            }
                            requireAt(store, 9);
                            Runs.commit(store, 10);
                            requireAt(store, 10);
                        }
                        Runs.delete(copy);
                    },
                    false);
            try (FileRunStore store = FileRunStore.builder(run).disk(disk).build()) {
                if (before >= 0) {
                    store.create(Runs.header(), Runs.initial());
                    for (int round = 1; round <= before; round++) {
                        Runs.commit(store, round);
                    }
                }
                isAdopting[0] = true;
                store.adopt(run(9), true);
            }
            assertThat(copies[0]).isGreaterThan(10);
        }
    }

    @Test
    void isAsBeforeWhateverStepFails() throws IOException {
        for (int before : new int[] {-1, 4}) {
            Path run = directory.resolve("run-" + before);
            boolean failed = true;
            int failures = 0;
            for (int failing = 1; failed; failing++) {
                int[] left = {-1};
                Disk disk = new Disk(
                        (what, path) -> {
                            if (--left[0] == 0) {
                                throw new FileSystemException(path.toString(), null, "No space left on device");
                            }
                        },
                        false);
                try (FileRunStore store = FileRunStore.builder(run).disk(disk).build()) {
                    if (before >= 0) {
                        Runs.write(FileRunStore.builder(run).disk(Disk.unsynced()), before);
                    }
                    assertThat(store.load().isPresent()).isEqualTo(before >= 0);
                    left[0] = failing;
                    try {
                        store.adopt(run(9), false);
                    } catch (RunStoreException e) {
                        failures++;
                        left[0] = -1;
                        assertThat(store.load()
                                        .map(saved -> saved.latest().round())
                                        .orElse(-1))
                                .isEqualTo(before);
                        store.adopt(run(9), false);
                    }
                    failed = left[0] <= 0;
                    left[0] = -1;
                    requireAt(store, 9);
                }
                Runs.delete(run);
            }
            assertThat(failures).isGreaterThan(8);
        }
    }
}
