package io.fedlearn.testkit.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class FaultScheduleTest {
    @Test
    void isTheSameForTheSameSeed() {
        FaultSchedule schedule = FaultSchedule.seeded(7, 15, Duration.ofSeconds(5));

        assertThat(schedule).isEqualTo(FaultSchedule.seeded(7, 15, Duration.ofSeconds(5)));
        assertThat(schedule).isNotEqualTo(FaultSchedule.seeded(8, 15, Duration.ofSeconds(5)));
        assertThat(schedule.faults()).hasSize(15);
    }

    @Test
    void staysWithinTwiceItsSpanAndKnowsEveryKind() {
        FaultSchedule schedule = FaultSchedule.seeded(1, 200, Duration.ofSeconds(10));

        Duration sum = schedule.faults().stream()
                .map(fault -> fault.pause().plus(fault.lasting()))
                .reduce(Duration.ZERO, Duration::plus);
        assertThat(sum).isBetween(Duration.ofSeconds(5), Duration.ofSeconds(20));
        assertThat(schedule.faults())
                .extracting(NetworkFault::kind)
                .containsAll(Arrays.asList(NetworkFault.Kind.values()));
    }

    @Test
    void refusesNoFaults() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FaultSchedule.seeded(1, 0, Duration.ZERO))
                .withMessage("count must be >= 1 and span >= 0, were 0 and PT0S");
    }

    @Test
    void refusesAMomentThatLasts() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new NetworkFault(Duration.ZERO, NetworkFault.Kind.RESET, Duration.ofMillis(1)))
                .withMessage("lasting must be 0 for RESET, was PT0.001S");
    }

    @Test
    void saysWhatHappensWhen() {
        assertThat(new NetworkFault(Duration.ofMillis(5), NetworkFault.Kind.HOLD, Duration.ofMillis(70)))
                .hasToString("+5 ms HOLD for 70 ms");
        assertThat(new NetworkFault(Duration.ofMillis(5), NetworkFault.Kind.REPLAY, Duration.ZERO))
                .hasToString("+5 ms REPLAY");
    }
}
