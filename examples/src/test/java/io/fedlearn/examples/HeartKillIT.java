package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that is killed at random moments and resumed ends with the model of one that was left alone. */
final class HeartKillIT {
    private static final int KILLS = 4;
    private static final int ROUNDS = 300;
    private static final long SEED = 20_231;
    private static final String[] SETTINGS = {"--rounds", Integer.toString(ROUNDS), "--strategy", "fedadam"};

    @TempDir
    private Path folder;

    @Test
    void killedRunResumesToTheSameModel() throws IOException, InterruptedException {
        String digest = Outcome.digest(finish(folder.resolve("whole")));

        Random random = new Random(SEED);
        Path run = folder.resolve("run");
        int killed = 0;
        for (int i = 0; i < KILLS; i++) {
            Path log = folder.resolve("log" + i);
            Process process = start(run, log, "--resume");
            // Each time further on, and some moments into a round that is not known before.
            String round =
                    " " + (i * ROUNDS / (KILLS + 1) + random.nextInt(1, ROUNDS / (KILLS + 2))) + "/" + ROUNDS + " ";
            while (process.isAlive() && !Files.readString(log).contains(round)) {
                process.waitFor(5, TimeUnit.MILLISECONDS);
            }
            process.waitFor(random.nextLong(10), TimeUnit.MILLISECONDS);
            if (process.isAlive()) {
                process.destroyForcibly().waitFor();
                killed++;
            }
        }
        assertThat(Outcome.digest(finish(run))).as("after %s kills", killed).isEqualTo(digest);
        assertThat(killed).isPositive();
    }

    @Test
    void interruptedRunClosesItsStoreAndSaysHowToGoOn() throws IOException, InterruptedException {
        Path run = folder.resolve("interrupted");
        Path log = folder.resolve("log");
        Process process = start(run, log, "--rounds=100000");
        while (process.isAlive() && !Files.readString(log).contains("3/100000")) {
            process.waitFor(20, TimeUnit.MILLISECONDS);
        }
        process.destroy();
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(Files.readString(log)).contains("Interrupted", "--resume");
        assertThat(run.resolve("history.json")).content().endsWith("]}\n");
    }

    private String finish(Path run) throws IOException, InterruptedException {
        Path log = folder.resolve("log");
        Process process = start(run, log, "--resume");
        assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(Files.readString(log)).isZero();
        return Files.readString(log);
    }

    private static Process start(Path run, Path log, String option) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                FedLearn.class.getName(),
                "heart",
                "--out",
                run.toString()));
        if (!option.startsWith("--rounds")) {
            command.addAll(List.of(SETTINGS));
        }
        command.add(option);
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
    }
}
