package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.testkit.client.DriftClient;
import io.fedlearn.testkit.runtime.RecordingListener;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a server's settings mean for its clients. */
class FederatedServerTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Sites sites = new Sites();

    @AfterEach
    void closeSites() {
        sites.close();
    }

    @Test
    void takesHeartbeatsThatItsClientsCanKeepOnly() {
        for (Duration wrong : new Duration[] {
            Duration.ZERO, Duration.ofNanos(999_999), Duration.ofHours(1).plusNanos(1)
        }) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> FederatedServer.builder().heartbeat(wrong))
                    .withMessage("interval must be in [PT0.001S, PT1H], was " + wrong);
        }
    }

    @Test
    void takesNoGraceThatItCannotCount() {
        Duration forEver = ChronoUnit.FOREVER.getDuration();

        for (Duration wrong : new Duration[] {Duration.ofNanos(-1), forEver}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> FederatedServer.builder().reconnectGrace(wrong))
                    .withMessage("grace must be >= 0 and at most 36500 days, was " + wrong);
        }
    }

    @Test
    void takesAnswersAsLargeAsItsWelcomeAllows() throws Exception {
        Model model =
                Model.builder().trainable("w", Tensor.copyOf(new float[50_000])).build();
        Task task = Task.builder(TaskKind.FIT, "a").round(1).model(model).build();
        RecordingListener listener = RecordingListener.create();
        try (FederatedServer server = Sites.newServer()
                .limits(ServerLimits.builder().maxMessageBytes(1 << 16).build())
                .inlineBytes(1 << 20)
                .start()) {
            sites.start(server, Sites.newClient(server, "a", DriftClient.withExamples(1)));
            Sites.awaitAll(server, 1);

            server.submit(task, listener);

            assertThat(listener.awaitFinished(task, PATIENCE)).isInstanceOf(ClientOutcome.Completed.class);
        }
    }
}
