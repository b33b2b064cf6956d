package io.fedlearn.aggregators;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Invariant 2: a mean round lives in a heap of four models and 64 MiB, an adaptive one in eight, FedDyn's and
 * SCAFFOLD's in what their pages say, however many clients take part.
 * Each case is a process of its own with a heap that would not hold more; what a client holds while it answers is counted apart,
 * and is nothing here or one model.
 */
class BoundedMemoryIT {
    private static final long MIB = 1 << 20;
    private static final int MODEL_MIB = 64;
    /** What the JVM and the classes themselves take, and the young generation. */
    private static final int BASE_MIB = 32;

    @ParameterizedTest
    @CsvSource({"FedAvg,2,4", "FedAvg,32,4", "FedAdam,8,8", "FedDyn,4,6", "SCAFFOLD,4,8"})
    void roundFitsItsHeap(String strategy, int clients, int models) throws Exception {
        assertThat(run(strategy, "generated", clients, models * MODEL_MIB + 64 + BASE_MIB))
                .contains("rounds 2");
    }

    @Test
    void earlyUpdatesOnTheHeapGoToDisk() throws Exception {
        // One thread whose client holds one model; the first client answers last, so eleven updates come early.
        assertThat(run("FedAvg", "heap", 12, 5 * MODEL_MIB + 64 + BASE_MIB)).contains("rounds 2");
    }

    @Test
    void heapOfHalfTheSizeIsTooSmall() throws Exception {
        assertThat(run("FedAvg", "generated", 2, 2 * MODEL_MIB)).contains("OutOfMemoryError");
    }

    private static String run(String strategy, String updates, int clients, int heapMib)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xmn16m",
                "-Xmx" + heapMib + "m",
                "-cp",
                System.getProperty("java.class.path"),
                BoundedMemoryProgram.class.getName(),
                strategy,
                updates,
                Integer.toString(clients),
                Long.toString(MODEL_MIB * MIB / Float.BYTES)));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
        return output;
    }
}
