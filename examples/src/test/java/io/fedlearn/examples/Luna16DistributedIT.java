package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hospitals in processes of their own train the same model, and end with the process that started them. */
final class Luna16DistributedIT {
    private static final int HOSPITALS = 2;
    private static final int ENDLESS = 10_000;

    @TempDir
    private Path folder;

    private List<Object> arguments(Path out, int rounds, Object... more) {
        List<Object> arguments = new ArrayList<>(List.of(
                "luna16",
                "--scans",
                4,
                "--hospitals",
                HOSPITALS,
                "--patch",
                "16x16x16",
                "--rounds",
                rounds,
                "--progress",
                "plain",
                "--out",
                out));
        arguments.addAll(List.of(more));
        return arguments;
    }

    @Test
    void trainsTheModelOfHospitalsInOneProcess() {
        String together = Outcome.of(arguments(folder.resolve("together"), 2).toArray())
                .done()
                .digest();

        Path run = folder.resolve("apart");
        Outcome apart = Outcome.of(arguments(run, 2, "--distributed").toArray()).done();

        assertThat(apart.digest()).isEqualTo(together);
        for (int i = 1; i <= HOSPITALS; i++) {
            assertThat(run.resolve("network/hospital-" + i + ".log"))
                    .content()
                    .contains("round 2: trained", "The run is over");
        }
    }

    @Test
    void noHospitalOutlivesACommandThatIsKilled()
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        Path run = folder.resolve("killed");
        endsWith(run, Process::destroyForcibly);
        assertThat(run.resolve("network/hospital-1.log"))
                .content()
                .contains("The process that started this one is gone");
    }

    @Test
    void noHospitalOutlivesACommandThatIsToldToEnd()
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        endsWith(folder.resolve("ended"), Process::destroy);
    }

    /** How a process ends. */
    private interface End {
        void of(Process process);
    }

    private void endsWith(Path run, End end)
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        Path log = folder.resolve("log");
        Process process = ChildProcess.start(log, "", List.of(), arguments(run, ENDLESS, "--distributed"));
        List<ProcessHandle> hospitals = List.of();
        try {
            while (process.isAlive() && !Files.readString(log).contains(" 1/" + ENDLESS + " ")) {
                // It starts.
                process.waitFor(20, TimeUnit.MILLISECONDS);
            }
            hospitals = process.children().toList();
            assertThat(hospitals).as(Files.readString(log)).hasSize(HOSPITALS);

            end.of(process);

            assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
            for (ProcessHandle hospital : hospitals) {
                hospital.onExit().get(1, TimeUnit.MINUTES);
            }
        } finally {
            process.destroyForcibly();
            hospitals.forEach(ProcessHandle::destroyForcibly);
        }
    }
}
