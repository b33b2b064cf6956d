package io.fedlearn.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.grpc.flower.FlowerFuzz;
import io.fedlearn.grpc.internal.transfer.TransferFuzz;
import io.fedlearn.grpc.server.JoinFuzz;
import io.fedlearn.testkit.fuzz.CoverageRun;
import io.fedlearn.testkit.fuzz.DecoderFuzz;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Hostile messages: the seeded ones always, and with {@code -Dslow} what a coverage-guided fuzzer finds. */
class GrpcFuzzTest {
    private static final int RUNS = 4_000;
    private static final int MAX_LENGTH = 4096;
    /** A share of ten minutes for all decoders of the project. */
    private static final Duration SHARE = Duration.ofSeconds(66);

    @TempDir
    Path folder;

    static Stream<Arguments> targets() {
        return Stream.of(
                Arguments.of(
                        JoinFuzz.ClientMessages.class, JoinFuzz.ClientMessages.FUZZ, JoinFuzz.ClientMessages.seeds()),
                Arguments.of(
                        JoinFuzz.ServerMessages.class, JoinFuzz.ServerMessages.FUZZ, JoinFuzz.ServerMessages.seeds()),
                Arguments.of(TransferFuzz.Upload.class, TransferFuzz.Upload.FUZZ, TransferFuzz.Upload.seeds()),
                Arguments.of(TransferFuzz.Download.class, TransferFuzz.Download.FUZZ, TransferFuzz.Download.seeds()),
                Arguments.of(
                        FlowerFuzz.ServerMessages.class,
                        FlowerFuzz.ServerMessages.FUZZ,
                        FlowerFuzz.ServerMessages.seeds()),
                Arguments.of(
                        FlowerFuzz.ClientMessages.class,
                        FlowerFuzz.ClientMessages.FUZZ,
                        FlowerFuzz.ClientMessages.seeds()));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("targets")
    void keepsItsPromisesOnDamagedMessages(Class<?> target, DecoderFuzz fuzz, List<byte[]> seeds) {
        assertThat(seeds).allMatch(fuzz::check);
        int decoded = fuzz.checkMutations(seeds, 1, RUNS, MAX_LENGTH);
        // Neither everything nor nothing, else the damage says little.
        assertThat(decoded).isBetween(RUNS / 200, RUNS);
    }

    @Test
    void refusesChunksThatAreMoreThanTheySay() {
        byte[] found = HexFormat.of().parseHex("084015ab04f2511a1128b52ffd206045000010000001003b013c205e");
        assertThat(TransferFuzz.Download.FUZZ.check(found)).isFalse();
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
}
