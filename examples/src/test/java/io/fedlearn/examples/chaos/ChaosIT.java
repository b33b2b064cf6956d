package io.fedlearn.examples.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.testkit.network.NetworkFault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One schedule with processes, and one whose outcome is not what was expected: the judge must see it. */
final class ChaosIT {
    private static final int PROCESSES = 2;

    /** Whoever is killed early is needed later. */
    private static final ChaosSchedule SCHEDULE = new ChaosSchedule(
            1,
            ChaosTask.Method.SCAFFOLD,
            List.of(
                    fault(ChaosFault.Kind.CUT_DOWNLOAD, 0, 100_000),
                    fault(ChaosFault.Kind.KILL_SERVER, 0, 0),
                    new ChaosFault(
                            Duration.ofMillis(100),
                            1,
                            ChaosFault.Kind.NETWORK,
                            Optional.of(NetworkFault.Kind.REPLAY),
                            Duration.ZERO,
                            0),
                    fault(ChaosFault.Kind.KILL_CLIENTS, 1, 0)));

    @TempDir
    private Path folder;

    @Test
    void endsWithTheModelOfARunThatWasLeftAlone() throws InterruptedException {
        ChaosTask task = new ChaosTask(ChaosTask.Method.SCAFFOLD, 2, 4, 3);

        ChaosResult result = run(task, task.undisturbed().records());

        assertThat(result.problems()).isEmpty();
        assertThat(result.ending()).isEqualTo(ChaosResult.Ending.SAME);
        assertThat(result.happened()).isPositive();
    }

    @Test
    void isBrokenIfAnythingElseWasExpected() throws InterruptedException {
        ChaosTask task = new ChaosTask(ChaosTask.Method.SCAFFOLD, 2, 2, 3);
        List<RoundRecord> other =
                new ChaosTask(ChaosTask.Method.SCAFFOLD, 2, 2, 4).undisturbed().records();

        ChaosResult result = run(task, other);

        assertThat(result.ending()).isEqualTo(ChaosResult.Ending.BROKEN);
        assertThat(result.problems()).anySatisfy(problem -> assertThat(problem).contains("round 2: model "));
    }

    private ChaosResult run(ChaosTask task, List<RoundRecord> expected) throws InterruptedException {
        try (Children children = new Children()) {
            return new ChaosRun(SCHEDULE, task, expected, folder, PROCESSES, children).run();
        }
    }

    private static ChaosFault fault(ChaosFault.Kind kind, int target, long bytes) {
        return new ChaosFault(Duration.ofMillis(100), target, kind, Optional.empty(), Duration.ZERO, bytes);
    }
}
