package io.fedlearn.grpc.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.grpc.metrics.TransportMetrics.Content;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.URL;
import java.net.URLClassLoader;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class MicrometerMetricsTest {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final MicrometerMetrics metrics = MicrometerMetrics.of(registry);

    @Test
    void countsSessions() {
        metrics.sessionJoined();
        metrics.sessionJoined();
        metrics.sessionEnded("lost");
        metrics.sessionRefused("identity");
        metrics.reconnected();

        assertThat(registry.get("fedlearn.sessions.joined").counter().count()).isEqualTo(2);
        assertThat(registry.get("fedlearn.sessions.ended")
                        .tag("reason", "lost")
                        .counter()
                        .count())
                .isEqualTo(1);
        assertThat(registry.get("fedlearn.sessions.refused")
                        .tag("reason", "identity")
                        .counter()
                        .count())
                .isEqualTo(1);
        assertThat(registry.get("fedlearn.sessions.reconnected").counter().count())
                .isEqualTo(1);
    }

    @Test
    void showsHowManyClientsThereAreNow() {
        metrics.clients(10, 8);
        metrics.clients(9, 9);

        assertThat(registry.get("fedlearn.clients")
                        .tag("state", "member")
                        .gauge()
                        .value())
                .isEqualTo(9);
        assertThat(registry.get("fedlearn.clients")
                        .tag("state", "connected")
                        .gauge()
                        .value())
                .isEqualTo(9);
    }

    @Test
    void addsBytesByDirectionAndContent() {
        metrics.bytesSent(Content.MODEL, 100);
        metrics.bytesSent(Content.MODEL, 5);
        metrics.bytesSent(Content.CONTROL, 7);
        metrics.bytesReceived(Content.ANSWER, 3_000_000_000L);

        assertThat(bytes("sent", "model")).isEqualTo(105);
        assertThat(bytes("sent", "control")).isEqualTo(7);
        assertThat(bytes("received", "answer")).isEqualTo(3e9);
    }

    @Test
    void timesTransfersAndTasks() {
        metrics.transferred(Content.MODEL, Duration.ofMillis(1500));
        metrics.transferResumed(Content.MODEL);
        metrics.taskFinished("completed", Duration.ofSeconds(3));
        metrics.taskFinished("completed", Duration.ofSeconds(4));

        assertThat(registry.get("fedlearn.transfers")
                        .tag("content", "model")
                        .timer()
                        .totalTime(TimeUnit.MILLISECONDS))
                .isEqualTo(1500);
        assertThat(registry.get("fedlearn.transfers.resumed").counter().count()).isEqualTo(1);
        assertThat(registry.get("fedlearn.tasks")
                        .tag("outcome", "completed")
                        .timer()
                        .count())
                .isEqualTo(2);
    }

    @Test
    void countsRefusedAnswersByVerdict() {
        metrics.answerRefused("late");
        metrics.answerRefused("late");
        metrics.answerRefused("corrupt");

        assertThat(registry.get("fedlearn.answers.refused")
                        .tag("verdict", "late")
                        .counter()
                        .count())
                .isEqualTo(2);
    }

    @Test
    void tagsEveryMeterWithWhatTheApplicationSays() {
        MicrometerMetrics.of(registry, Tags.of("server", "north")).sessionJoined();

        assertThat(registry.get("fedlearn.sessions.joined")
                        .tag("server", "north")
                        .counter()
                        .count())
                .isEqualTo(1);
    }

    @Test
    void isAllThatNeedsMicrometer() throws Exception {
        URL classes =
                TransportMetrics.class.getProtectionDomain().getCodeSource().getLocation();
        try (URLClassLoader without = new URLClassLoader(new URL[] {classes}, ClassLoader.getPlatformClassLoader())) {
            Class<?> metricsThere = Class.forName(TransportMetrics.class.getName(), true, without);

            assertThat(metricsThere.getMethod("none").invoke(null)).isInstanceOf(metricsThere);
            assertThatThrownBy(() -> Class.forName(MicrometerMetrics.class.getName(), true, without)
                            .getMethods())
                    .isInstanceOf(NoClassDefFoundError.class)
                    .hasMessageContaining("micrometer");
        }
    }

    private double bytes(String direction, String content) {
        return registry.get("fedlearn.network.bytes")
                .tags("direction", direction, "content", content)
                .counter()
                .count();
    }
}
