package io.fedlearn.formats.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.formats.numpy.Npy;
import io.fedlearn.testkit.fuzz.CoverageRun;
import io.fedlearn.testkit.fuzz.DecoderFuzz;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Hostile files: the seeded ones always, and with {@code -Dslow} what a coverage-guided fuzzer finds. */
class FormatsFuzzTest {
    private static final int RUNS = 4_000;
    private static final int MAX_LENGTH = 4096;
    /** A share of ten minutes for all decoders of the project. */
    private static final Duration SHARE = Duration.ofSeconds(66);

    @TempDir
    Path folder;

    static Stream<Arguments> targets() {
        return Stream.of(
                Arguments.of(FormatsFuzz.NpyTarget.class, FormatsFuzz.NpyTarget.FUZZ, seeds(".npy", "numpy")),
                Arguments.of(FormatsFuzz.NpzTarget.class, FormatsFuzz.NpzTarget.FUZZ, seeds(".npz", "numpy")),
                Arguments.of(
                        FormatsFuzz.SafetensorsTarget.class,
                        FormatsFuzz.SafetensorsTarget.FUZZ,
                        seeds(".safetensors", "safetensors")));
    }

    /** The files that others wrote, and inputs that once broke a reader. */
    private static List<byte[]> seeds(String suffix, String format) {
        try (Stream<Path> golden = Files.list(resource(Npy.class, "../" + format));
                Stream<Path> found = Files.list(resource(FormatsFuzzTest.class, "found"))) {
            return Stream.concat(golden, found)
                    .filter(file -> file.toString().endsWith(suffix))
                    .sorted()
                    .map(FormatsFuzzTest::read)
                    .filter(bytes -> bytes.length <= MAX_LENGTH)
                    .toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static Path resource(Class<?> beside, String name) {
        try {
            return Path.of(
                    Objects.requireNonNull(beside.getResource(name), name).toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("targets")
    void keepsItsPromisesOnDamagedFiles(Class<?> target, DecoderFuzz fuzz, List<byte[]> seeds) {
        int decoded = fuzz.checkMutations(seeds, 1, RUNS, MAX_LENGTH);
        // Neither everything nor nothing, else the damage says little.
        assertThat(decoded).isBetween(RUNS / 200, RUNS);
    }

    @Tag("slow")
    @ParameterizedTest(name = "{0}")
    @MethodSource("targets")
    void keepsItsPromisesOnWhatReachesNewCode(Class<?> target, DecoderFuzz fuzz, List<byte[]> seeds) throws Exception {
        CoverageRun run = CoverageRun.of(target, seeds, MAX_LENGTH, SHARE, folder);
        System.out.printf("%s: %d inputs, a corpus of %d%n", run.target(), run.executions(), run.corpus());
        assertThat(run.isSound()).as(run.log()).isTrue();
        assertThat(run.executions()).isGreaterThan(RUNS);
    }

    @Test
    void readsTheSeedsThatOthersWrote() {
        assertThat(seeds(".npy", "numpy")).hasSizeGreaterThan(30);
        assertThat(seeds(".safetensors", "safetensors")).isNotEmpty();
        assertThat(seeds(".npz", "numpy")).isNotEmpty();
    }
}
