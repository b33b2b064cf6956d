package io.fedlearn.core.task;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.metric.Metrics;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClientOutcomeTest {
    @Test
    void saysItsWordAndReason() {
        ClientOutcome completed = new ClientOutcome.Completed(ClientUpdate.ofMetrics(Metrics.none(), 1));
        ClientOutcome timedOut = new ClientOutcome.TimedOut(Duration.ofMillis(1500));

        assertThat(completed.word()).isEqualTo("completed");
        assertThat(completed.reason()).isEmpty();
        assertThat(timedOut.word()).isEqualTo("timed-out");
        assertThat(timedOut.reason()).isEqualTo("no answer within 1500 ms");
        assertThat(List.of(
                                new ClientOutcome.Declined("x"),
                                new ClientOutcome.Rejected("x"),
                                new ClientOutcome.Failed("x"),
                                new ClientOutcome.Cancelled("x"))
                        .stream()
                        .map(outcome -> outcome.word() + ": " + outcome.reason()))
                .containsExactly("declined: x", "rejected: x", "failed: x", "cancelled: x");
    }

    @Test
    void failureSaysTypeAndPlaceButNotWhatOthersQuote() {
        assertThat(ClientOutcome.Failed.of(new NumberFormatException("For input string: \"63 y\""))
                        .reason())
                .startsWith("java.lang.NumberFormatException at io.fedlearn.core.task.ClientOutcomeTest.")
                .doesNotContain("63");
        Error traceless = new Error("63");
        traceless.setStackTrace(new StackTraceElement[0]);
        assertThat(ClientOutcome.Failed.of(traceless).reason()).isEqualTo("java.lang.Error");
    }

    @Test
    void failureSaysTheMessageThatIsOurs() {
        assertThat(ClientOutcome.Failed.of(new TaskDeclinedException("not today"))
                        .reason())
                .isEqualTo("io.fedlearn.core.client.TaskDeclinedException: not today");
    }

    @Test
    void keepsAReasonOfTheGreatestLengthAndShortensALongerOne() {
        String longest = "x".repeat(ClientOutcome.MAX_TEXT_LENGTH);
        String shortened = "x".repeat(ClientOutcome.MAX_TEXT_LENGTH - 1) + "…";

        for (String text : List.of(longest + "x", "x".repeat(100_000))) {
            assertThat(List.of(
                                    new ClientOutcome.Declined(text),
                                    new ClientOutcome.Rejected(text),
                                    new ClientOutcome.Failed(text),
                                    new ClientOutcome.Cancelled(text))
                            .stream()
                            .map(ClientOutcome::reason))
                    .containsOnly(shortened);
        }
        assertThat(new ClientOutcome.Declined(longest).reason()).isEqualTo(longest);
        assertThat(new ClientOutcome.Declined(shortened).reason()).isEqualTo(shortened);
    }

    @Test
    void doesNotCutACharacterInTwo() {
        // The pair would be at 498 and 499 of 0 to 499, and the ellipsis takes 499.
        String text = "x".repeat(ClientOutcome.MAX_TEXT_LENGTH - 2) + "\ud83d\ude00 and more";

        assertThat(new ClientOutcome.Failed(text).reason())
                .isEqualTo("x".repeat(ClientOutcome.MAX_TEXT_LENGTH - 2) + "…");
    }

    @Test
    void makesControlCharactersOfAReasonSpaces() {
        String hostile = "no\u001b[2J\r\nINFO: all is well\u009b";
        assertThat(new ClientOutcome.Declined(hostile).reason()).isEqualTo("no [2J  INFO: all is well ");
        assertThat(new ClientOutcome.Failed(hostile).reason()).isEqualTo("no [2J  INFO: all is well ");
    }
}
