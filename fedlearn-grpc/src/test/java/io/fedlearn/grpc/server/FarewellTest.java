package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.runtime.Refusal;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.client.Departure;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** With what words clients are sent away. */
@Timeout(60)
final class FarewellTest {
    private static final Client ECHO = (task, context) -> ClientUpdate.ofModel(task.model(), 1);

    private final Sites sites = new Sites();

    @AfterEach
    void stop() {
        sites.close();
    }

    private static Object result(Future<?> run) throws Exception {
        return run.get(30, TimeUnit.SECONDS);
    }

    @Test
    void clientsHearThatTheRunIsOver() throws Exception {
        FederatedServer server = Sites.newServer().start();
        Future<?> run = sites.start(server, Sites.newClient(server, "a", ECHO));
        Sites.awaitAll(server, 1);
        server.close();
        server.closeFailed("too late to say so");
        assertThat(result(run))
                .isInstanceOfSatisfying(
                        Departure.class,
                        departure -> assertThat(departure.cause()).isEqualTo(Departure.Cause.RUN_OVER));
    }

    @Test
    void clientsHearThatTheRunHasFailed() throws Exception {
        FederatedServer server = Sites.newServer().start();
        Future<?> run = sites.start(server, Sites.newClient(server, "a", ECHO));
        Sites.awaitAll(server, 1);
        server.closeFailed("too few sites");
        assertThat(result(run)).isInstanceOfSatisfying(Departure.class, departure -> {
            assertThat(departure.cause()).isEqualTo(Departure.Cause.RUN_FAILED);
            assertThat(departure.reason()).isEqualTo("too few sites");
        });
    }

    @Test
    void clientThatDoesNotFitIsSentAwayWithTheReason() throws Exception {
        try (FederatedServer server = Sites.newServer()
                .admission(client -> client.properties().getString("schema").equals(Optional.of("one"))
                        ? Optional.empty()
                        : Optional.of("its schema is another"))
                .start()) {
            sites.start(
                    server,
                    Sites.newClient(server, "a", ECHO).properties(Config.empty().with("schema", "one")));
            Sites.awaitAll(server, 1);
            Future<?> other = sites.start(server, Sites.newClient(server, "b", ECHO));
            assertThatThrownBy(() -> result(other))
                    .hasCauseInstanceOf(TransportException.class)
                    .hasMessageContaining("does not admit 'b'")
                    .hasMessageContaining("its schema is another");
            assertThat(server.clients()).extracting(client -> client.id()).containsExactly("a");
            assertThat(server.takeRefusals())
                    .containsExactly(new Refusal(Optional.of("b"), false, "its schema is another", 1));
        }
    }

    @Test
    void ruleThatFailsAdmitsNobody() {
        try (FederatedServer server = Sites.newServer()
                .admission(client -> {
                    throw new IllegalStateException("secret");
                })
                .start()) {
            Future<?> run = sites.start(server, Sites.newClient(server, "a", ECHO));
            assertThatThrownBy(() -> result(run))
                    .hasMessageContaining("could not tell")
                    .message()
                    .doesNotContain("secret");
        }
    }
}
