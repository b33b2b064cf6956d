package io.fedlearn.grpc.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.random.SeededRandom;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class BackoffTest {
    @Test
    void hasTheDefaultsThatItSays() {
        assertThat(Backoff.defaults().initial()).isEqualTo(Duration.ofMillis(Backoff.DEFAULT_INITIAL_MILLIS));
        assertThat(Backoff.defaults().max()).isEqualTo(Duration.ofMillis(Backoff.DEFAULT_MAX_MILLIS));
        assertThat(Backoff.defaults().giveUpAfter()).isEmpty();
    }

    @Test
    void doublesUpToTheMaximumAndStaysWithinHalfOfIt() {
        Backoff backoff = Backoff.of(Duration.ofMillis(100), Duration.ofMillis(450));
        SeededRandom random = SeededRandom.of(1);
        int[] longest = {100, 200, 400, 450, 450};

        for (int repeat = 0; repeat < 100; repeat++) {
            for (int failures = 1; failures <= longest.length; failures++) {
                assertThat(backoff.delay(failures, random))
                        .isBetween(
                                Duration.ofMillis(longest[failures - 1] / 2), Duration.ofMillis(longest[failures - 1]));
            }
        }
    }

    @Test
    void clientsOfOneServerDoNotWaitEquallyLong() {
        Backoff backoff = Backoff.defaults();

        assertThat(backoff.delay(3, SeededRandom.of(1))).isNotEqualTo(backoff.delay(3, SeededRandom.of(2)));
        assertThat(backoff.delay(3, SeededRandom.of(1))).isEqualTo(backoff.delay(3, SeededRandom.of(1)));
    }

    @Test
    void doesNotOverflowAfterYears() {
        Backoff backoff = Backoff.of(Duration.ofDays(1), Duration.ofDays(36_500));

        assertThat(backoff.delay(Integer.MAX_VALUE, SeededRandom.of(1)))
                .isBetween(Duration.ofDays(18_250), Duration.ofDays(36_500));
    }

    @Test
    void refusesTimesThatMakeNoSense() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Backoff.of(Duration.ZERO, Duration.ofSeconds(1)))
                .withMessage("initial must be > 0 and at most 36500 days, was PT0S");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Backoff.of(Duration.ofSeconds(2), Duration.ofSeconds(1)))
                .withMessage("max must be >= initial PT2S, was PT1S");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Backoff.defaults().withGiveUpAfter(Duration.ofSeconds(-1)))
                .withMessageStartingWith("giveUpAfter must be > 0");
    }
}
