package io.fedlearn.testkit.clock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class ManualClockTest {
    @Test
    void movesOnlyWhenItIsTold() {
        ManualClock clock = ManualClock.at(Instant.EPOCH);
        assertThat(clock.instant()).isEqualTo(Instant.EPOCH);

        assertThat(clock.advance(Duration.ofMillis(1500))).isEqualTo(Instant.ofEpochMilli(1500));

        assertThat(clock.instant()).isEqualTo(Instant.ofEpochMilli(1500));
        assertThat(clock.millis()).isEqualTo(1500);
    }

    @Test
    void refusesToRunBackwards() {
        ManualClock clock = ManualClock.create();

        assertThatIllegalArgumentException().isThrownBy(() -> clock.advance(Duration.ofNanos(-1)));
        assertThat(clock.instant()).isEqualTo(ManualClock.create().instant());
    }
}
