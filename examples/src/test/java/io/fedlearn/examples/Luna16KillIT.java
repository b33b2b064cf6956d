package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that is killed while it makes scans, cuts patches, trains and saves ends with the model of one that was left alone. */
final class Luna16KillIT {
    private static final int ROUNDS = 6;

    @TempDir
    private Path folder;

    private Path run = Path.of("");
    private Path log = Path.of("");

    private List<Object> arguments(Path out) {
        return List.of(
                "luna16",
                "--scans",
                4,
                "--hospitals",
                2,
                "--patch",
                "16x16x16",
                "--rounds",
                ROUNDS,
                "--progress",
                "plain",
                "--resume",
                "--out",
                out);
    }

    /** Whether the moment has come. */
    private interface Moment {
        boolean hasCome() throws IOException;
    }

    private static boolean has(Path folder, String ending) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.anyMatch(file -> file.toString().endsWith(ending));
        } catch (NoSuchFileException | UncheckedIOException e) {
            // Not there yet, or gone while it was looked at.
            return false;
        }
    }

    private void killWhen(Moment moment) throws IOException, InterruptedException {
        Process process = ChildProcess.start(log, "", List.of(), arguments(run));
        try {
            while (process.isAlive() && !moment.hasCome()) {
                Thread.onSpinWait();
            }
            assertThat(process.isAlive()).as(Files.readString(log)).isTrue();
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    private boolean isPrinted(String text) throws IOException {
        return Files.readString(log).contains(text);
    }

    @Test
    void killedRunResumesToTheSameModel() throws IOException, InterruptedException {
        run = folder.resolve("run");
        log = folder.resolve("log");
        String digest =
                Outcome.of(arguments(folder.resolve("whole")).toArray()).done().digest();

        killWhen(() -> has(run.resolve("data"), ".raw"));
        assertThat(run.resolve("data/candidates_V2.csv")).doesNotExist();
        killWhen(() -> has(run.resolve("patches"), ".patches"));
        assertThat(run.resolve("run.json")).doesNotExist();
        killWhen(() -> isPrinted(" 2/" + ROUNDS + " "));
        assertThat(run.resolve("rounds")).isDirectory();
        Path fourth = run.resolve("rounds/000004");
        assertThat(fourth).doesNotExist();
        killWhen(() -> has(run.resolve("rounds"), ".part")
                && (isPrinted(" 3/" + ROUNDS + " ") || isPrinted("after round 3 of ")));

        Process last = ChildProcess.start(log, "", List.of(), arguments(run));
        assertThat(last.waitFor(5, TimeUnit.MINUTES)).isTrue();
        assertThat(last.exitValue()).as(Files.readString(log)).isZero();
        assertThat(Outcome.digest(Files.readString(log))).isEqualTo(digest);
        for (Path place : List.of(run.resolve("data"), run.resolve("patches"), run.resolve("rounds"))) {
            assertThat(has(place, ".part"))
                    .as("what was left unfinished in %s", place)
                    .isFalse();
        }
    }
}
