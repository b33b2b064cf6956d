package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.dl4j.Dl4jBackend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What a run does that has no room on the disk or in memory. */
final class Luna16LimitsIT {
    private static final int MAX_FILE_KILOBYTES = 512;

    @TempDir
    private Path folder;

    private ScanFolder scans;

    @BeforeEach
    void writeScans() throws IOException {
        scans = ScanFolder.write(folder.resolve("scans"), 4);
    }

    private List<Object> arguments(String out) {
        List<Object> arguments = new ArrayList<>(List.of(
                "luna16", "--data", scans.folder(), "--hospitals", 2, "--rounds", 1, "--out", folder.resolve(out)));
        arguments.addAll(List.of("--negatives-per-scan", 1000, "--threads", 1));
        arguments.addAll(ScanFolder.OPTIONS);
        return arguments;
    }

    /** The last line that a failing command printed. */
    private String fail(String shell, List<String> options) throws IOException, InterruptedException {
        Path log = folder.resolve("log");
        Process process = ChildProcess.start(log, shell, options, arguments("run"));
        try {
            assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        List<String> lines = Files.readAllLines(log);
        assertThat(process.exitValue()).as("%s", lines).isEqualTo(1);
        assertThat(lines).noneMatch(line -> line.startsWith("\tat "));
        return lines.get(lines.size() - 1);
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void diskThatIsFullLeavesACacheThatTheNextRunUses() throws IOException, InterruptedException {
        // The native library must be unpacked already: it is larger than a file may be.
        Dl4jBackend.present();
        List<String> candidates = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            candidates.add(ScanFolder.name(3) + ",13," + (4 + i * 0.1) + ",12,0");
        }
        Files.write(scans.file(ScanFolder.CANDIDATES), candidates, StandardOpenOption.APPEND);

        String message = fail("ulimit -f " + MAX_FILE_KILOBYTES, List.of());

        Path cache = folder.resolve("run/patches");
        assertThat(message)
                .startsWith("fedlearn: " + cache + ": cannot write the patches of scan " + ScanFolder.name(3))
                .contains("bytes", "what was finished before is kept");
        assertThat(cache).isDirectoryNotContaining("glob:**.part");
        assertThat(cache.toFile().list((directory, name) -> name.endsWith(".patches")))
                .hasSize(3);
        assertThat(folder.resolve("run/run.json")).doesNotExist();

        String digest = Outcome.of(arguments("run").toArray()).done().digest();
        assertThat(Outcome.of(arguments("undisturbed").toArray()).done().digest())
                .isEqualTo(digest);
    }

    @Test
    void tooLittleNativeMemorySaysWhichOptionToRaise() throws IOException, InterruptedException {
        String message = fail("", List.of("-Xmx64m", "-Dorg.bytedeco.javacpp.maxphysicalbytes=40m"));

        assertThat(message)
                .startsWith("fedlearn: ")
                .contains("too little native memory to load ND4J", "of at most 40 MiB")
                .contains("raise -Dorg.bytedeco.javacpp.maxphysicalbytes");
    }
}
