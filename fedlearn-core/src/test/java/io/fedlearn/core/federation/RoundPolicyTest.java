package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import org.junit.jupiter.api.Test;

class RoundPolicyTest {
    @Test
    void refusesDeadlinesThatNoClockReaches() {
        Duration forever = ChronoUnit.FOREVER.getDuration();
        assertThatThrownBy(() -> RoundPolicy.defaults().withClientDeadline(forever))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("clientDeadline must be > 0 and <= PT876000H, was");
        assertThatThrownBy(() -> RoundPolicy.defaults().withRoundDeadline(forever))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("roundDeadline must be > 0");
        assertThatThrownBy(() -> RoundPolicy.defaults().withClientDeadline(Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void runsWithTheLongestDeadline() throws Exception {
        Run run = Federation.of(DriftClient.several(2))
                .strategy(PlainMean.strategy())
                .initialModel(DriftClient.model(3))
                .rounds(1)
                .policy(RoundPolicy.defaults()
                        .withClientDeadline(RoundPolicy.MAX_DEADLINE)
                        .withRoundDeadline(RoundPolicy.MAX_DEADLINE))
                .run();
        assertThat(run.records().get(0).isAborted()).isFalse();
    }
}
