package io.fedlearn.examples.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class ChaosScheduleTest {
    @Test
    void isTheSameForTheSameSeed() {
        assertThat(ChaosSchedule.seeded(7, 4, 2)).isEqualTo(ChaosSchedule.seeded(7, 4, 2));
        assertThat(ChaosSchedule.seeded(7, 4, 2)).isNotEqualTo(ChaosSchedule.seeded(8, 4, 2));
    }

    @Test
    void holdsEveryFaultAndMethodAmongTwentySeeds() {
        Set<String> words = IntStream.range(0, 20)
                .mapToObj(seed -> ChaosSchedule.seeded(seed, 4, 2))
                .flatMap(schedule -> schedule.faults().stream())
                .map(ChaosFault::word)
                .collect(Collectors.toSet());

        assertThat(words)
                .containsExactlyInAnyOrder(
                        "cut-upload",
                        "cut-download",
                        "kill-clients",
                        "kill-server",
                        "reset",
                        "finish",
                        "replay",
                        "delay",
                        "slow",
                        "hold",
                        "refuse");
        assertThat(IntStream.range(0, 20)
                        .mapToObj(seed -> ChaosSchedule.seeded(seed, 4, 2).method()))
                .contains(ChaosTask.Method.values());
    }

    @Test
    void aimsAtClientsAndProcessesThatThereAre() {
        for (int seed = 0; seed < 50; seed++) {
            assertThat(ChaosSchedule.seeded(seed, 3, 1).faults())
                    .allSatisfy(fault -> assertThat(fault.target())
                            .isBetween(0, fault.kind() == ChaosFault.Kind.KILL_CLIENTS ? 0 : 2));
        }
    }
}
