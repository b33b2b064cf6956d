package io.fedlearn.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is left when the process, the machine or the disk fails between any two changes of the directory. */
class FileRunStoreCrashTest {
    @TempDir
    private Path directory;

    private Path run() {
        return directory.resolve("run");
    }

    /** The round of the run that a copy holds, after a check that it is exactly that; -1 if it holds none. */
    private static int loadedRound(Path copy, boolean noticesExpected) {
        try (FileRunStore store =
                FileRunStore.builder(copy).disk(Disk.unsynced()).build()) {
            Optional<SavedRun> saved = store.load();
            if (saved.isEmpty()) {
                return -1;
            }
            int round = saved.get().latest().round();
            assertThat(saved.get().header()).isEqualTo(Runs.header());
            assertThat(saved.get().latest()).isEqualTo(Runs.expected(round));
            assertThat(saved.get().records()).isEqualTo(Runs.expectedRecords(round));
            if (!noticesExpected) {
                assertThat(saved.get().notices()).isEmpty();
            }
            assertThat(Runs.files(copy)).noneMatch(path -> path.toString().contains(Disk.PART));
            // And the run goes on from there.
            Runs.commit(store, round + 1);
            assertThat(store.load().orElseThrow().latest()).isEqualTo(Runs.expected(round + 1));
            return round;
        }
    }

    @Test
    void isAsBeforeOrAsAfterWhateverStepWasTheLast() throws IOException {
        // Before each step, the copies' rounds must not be past the round in work; they never fall behind the one
        // committed.
        int[] committed = {-1};
        int[] seen = {-1};
        int[] copies = {0};
        Disk disk = new Disk(
                (what, path) -> {
                    Path copy = directory.resolve("copy-" + copies[0]++);
                    Runs.copy(run(), copy);
                    if (what.equals("write")) {
                        // Not synced yet: the disk may hold any part of it.
                        Path written = copy.resolve(run().relativize(path));
                        try (RandomAccessFile file = new RandomAccessFile(written.toFile(), "rw")) {
                            file.setLength(Math.max(file.length() - 1 - copies[0] % 97, 0));
                        }
                    }
                    int round = loadedRound(copy, false);
                    assertThat(round).isBetween(committed[0], committed[0] + 1).isGreaterThanOrEqualTo(seen[0]);
                    seen[0] = round;
                    Runs.delete(copy);
                },
                false);
        try (FileRunStore store = FileRunStore.builder(run()).disk(disk).build()) {
            store.create(Runs.header(), Runs.initial());
            committed[0] = 0;
            assertThat(seen[0]).isZero();
            for (int round = 1; round <= 4; round++) {
                Runs.commit(store, round);
                committed[0] = round;
                assertThat(seen[0]).isEqualTo(round);
            }
        }
        assertThat(copies[0]).isGreaterThan(80);
    }

    @Test
    void isAsBeforeOrAsAfterWhateverStepFails() throws IOException {
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
            try (FileRunStore store = FileRunStore.builder(run()).disk(disk).build()) {
                store.create(Runs.header(), Runs.initial());
                Runs.commit(store, 1);
                left[0] = failing;
                int round = 2;
                try {
                    Runs.commit(store, 2);
                } catch (RunStoreException e) {
                    failures++;
                    round = 1;
                    assertThat(e)
                            .hasMessageStartingWith("round 2 of run run \u00e4 7 cannot be saved: ")
                            .hasMessageContaining(run().toString())
                            .hasMessageEndingWith("No space left on device");
                    assertThat(Runs.files(run()))
                            .noneMatch(path -> path.toString().contains("000002"));
                }
                failed = left[0] <= 0;
                left[0] = -1;
                assertThat(store.load().orElseThrow().latest()).isEqualTo(Runs.expected(round));
                while (++round <= 4) {
                    Runs.commit(store, round);
                }
            }
            try (FileRunStore store = FileRunStore.at(run())) {
                SavedRun saved = store.load().orElseThrow();
                assertThat(saved.latest()).isEqualTo(Runs.expected(4));
                assertThat(saved.records()).isEqualTo(Runs.expectedRecords(4));
                assertThat(saved.notices()).isEmpty();
            }
            Runs.delete(run());
        }
        // All but the very last steps belong to the commit; what comes after must not undo it.
        assertThat(failures).isGreaterThan(12);
    }

    @Test
    void startsNoRunWhateverStepOfItsCreationFails() throws IOException {
        boolean failed = true;
        int failures = 0;
        for (int failing = 1; failed; failing++) {
            int[] left = {failing};
            Disk disk = new Disk(
                    (what, path) -> {
                        if (--left[0] == 0) {
                            throw new FileSystemException(path.toString(), null, "No space left on device");
                        }
                    },
                    false);
            try (FileRunStore store = FileRunStore.builder(run()).disk(disk).build()) {
                boolean created = true;
                try {
                    store.create(Runs.header(), Runs.initial());
                } catch (RunStoreException e) {
                    failures++;
                    created = false;
                }
                failed = left[0] <= 0;
                left[0] = -1;
                assertThat(store.load().isPresent()).isEqualTo(created);
                if (!created) {
                    store.create(Runs.header(), Runs.initial());
                }
                Runs.commit(store, 1);
                assertThat(store.load().orElseThrow().latest()).isEqualTo(Runs.expected(1));
            }
            Runs.delete(run());
        }
        assertThat(failures).isGreaterThan(12);
    }

    @Test
    void syncsEverythingBeforeTheRenameThatCommits() {
        List<String> steps = new ArrayList<>();
        Disk disk = new Disk((what, path) -> steps.add(what + " " + run().relativize(path)), false);
        try (FileRunStore store = FileRunStore.builder(run()).disk(disk).build()) {
            store.create(Runs.header(), Runs.initial());
            steps.clear();
            Runs.commit(store, 1);
        }
        int rename = steps.indexOf("rename rounds/000001");
        assertThat(rename).isPositive();
        assertThat(steps.get(rename + 1)).isEqualTo("sync rounds");
        Set<String> unsynced = new HashSet<>();
        for (String step : steps.subList(0, rename)) {
            String path = step.substring(step.indexOf(' ') + 1);
            if (step.startsWith("create") || step.startsWith("write")) {
                unsynced.add(path);
            } else if (step.startsWith("sync")) {
                unsynced.remove(path);
            }
        }
        assertThat(unsynced).isEmpty();
        assertThat(steps.subList(0, rename)).contains("sync rounds/000001.part", "sync records.jsonl");
    }

    @Test
    void survivesTwentyKills() throws IOException {
        int committed = -1;
        for (int kill = 0; kill < 20; kill++) {
            try (ChildJvm child = ChildJvm.start(CommitLoop.class, Optional.empty(), run().toString())) {
                int last = committed;
                // The kill comes at whatever the child does by the time that its line has arrived here.
                for (int lines = 0; lines <= kill % 5; lines++) {
                    last = Integer.parseInt(child.readLine());
                }
                spin(kill * 150_000L);
                last = Math.max(last, child.kill());
                committed = last;
            }
            try (FileRunStore store = FileRunStore.at(run())) {
                SavedRun saved = store.load().orElseThrow();
                int round = saved.latest().round();
                assertThat(round).isBetween(committed, committed + 1);
                assertThat(saved.latest()).isEqualTo(Runs.expected(round));
                assertThat(saved.records()).isEqualTo(Runs.expectedRecords(round));
                assertThat(saved.notices()).isEmpty();
                committed = round;
            }
        }
        assertThat(committed).isGreaterThan(20);
    }

    private static void spin(long nanos) {
        long end = System.nanoTime() + nanos;
        while (System.nanoTime() < end) {
            Thread.onSpinWait();
        }
    }

    @Test
    void refusesARunThatIsOpenInAnotherProcess() throws IOException {
        try (ChildJvm child = ChildJvm.start(CommitLoop.class, Optional.empty(), run().toString());
                FileRunStore store = FileRunStore.at(run())) {
            child.readLine();
            assertThatThrownBy(store::load)
                    .isInstanceOf(RunStoreException.class)
                    .hasMessage("the run in " + run() + " cannot be used: it is open in another process (process "
                            + child.pid() + ")");
            child.kill();
            assertThat(store.load()).isPresent();
        }
    }

    @Test
    void keepsItsRunAfterAnAttemptInItsOwnProcessToOpenIt() throws IOException {
        // On POSIX, closing any descriptor of the locked file would let the lock go.
        try (FileRunStore store = FileRunStore.at(run());
                FileRunStore other = FileRunStore.at(run())) {
            store.create(Runs.header(), Runs.initial());
            assertThatThrownBy(other::load).isInstanceOf(RunStoreException.class);
            try (ChildJvm child = ChildJvm.start(CommitLoop.class, Optional.empty(), run().toString())) {
                assertThat(child.readLine())
                        .isEqualTo("the run in " + run() + " cannot be used: it is open in another process (process "
                                + ProcessHandle.current().pid() + ")");
            }
        }
    }

    @Test
    void saysSoWhenTheDiskTakesNoMore() throws IOException {
        // A limit on the size of a file fails as a full disk does: in the middle of a write.
        for (String what : List.of("model", "record")) {
            Path run = directory.resolve("full-" + what);
            try (ChildJvm child =
                    ChildJvm.start(FullDisk.class, Optional.of(ChildJvm.MAX_FILE_KILOBYTES), run.toString(), what)) {
                String file = what.equals("model")
                        ? run.resolve("rounds/000002.part/model.safetensors").toString()
                        : run.resolve("records.jsonl").toString();
                assertThat(child.readLine())
                        .startsWith("round 2 of run run \u00e4 7 cannot be saved: " + file + ": ")
                        .containsIgnoringCase("too large");
                assertThat(child.readLine()).isEqualTo("round 1");
            }
            assertThat(Runs.files(run)).noneMatch(path -> path.toString().contains("000002"));
            assertThat(Files.size(run.resolve("records.jsonl"))).isLessThan(ChildJvm.MAX_FILE_KILOBYTES * 1024L);
            assertThat(loadedRound(run, false)).isEqualTo(1);
        }
    }
}
