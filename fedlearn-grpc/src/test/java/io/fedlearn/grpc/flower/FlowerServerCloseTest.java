package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** How the server says goodbye. */
class FlowerServerCloseTest extends FlowerServerScene {
    @Test
    void closingSaysReconnectWithoutSecondsToEveryClient() throws Exception {
        FlowerServer server = start(builder());
        List<WirePeer> peers = List.of(join(server), join(server), join(server));
        assertThat(server.awaitClients(3, PATIENCE)).isTrue();
        CountDownLatch closed = close(server);

        for (WirePeer peer : peers) {
            assertThat(peer.awaitMessage().toByteArray()).isEqualTo(Golden.bytes("sm_reconnect_none"));
        }
        // In all three ways in which clients go then.
        peers.get(0).sayGoodbye();
        peers.get(1).halfClose();
        peers.get(2).close();

        assertThat(closed.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(peers.get(0).awaitEnd().isOk()).isTrue();
        assertThat(peers.get(1).awaitEnd().isOk()).isTrue();
        assertThat(server.clients()).isEmpty();
    }

    private static CountDownLatch close(FlowerServer server) {
        CountDownLatch closed = new CountDownLatch(1);
        Thread thread = new Thread(
                () -> {
                    server.close();
                    closed.countDown();
                },
                "closing");
        thread.setDaemon(true);
        thread.start();
        return closed;
    }

    @Test
    void closingDoesNotWaitForEverForAClientThatIgnoresIt() throws Exception {
        FlowerServer server = start();
        WirePeer deaf = joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));
        deaf.awaitMessage();

        server.close();

        assertThat(deaf.awaitMessage().hasReconnectIns()).isTrue();
        assertThat(deaf.awaitEnd().isOk()).isFalse();
        assertThat(listener.outcomes(task)).isEmpty();
        assertThat(server.clients()).isEmpty();
        server.close();
        assertThatThrownBy(() -> server.submit(task, listener)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void anAnswerAfterTheGoodbyeHarmsNobody() throws Exception {
        FlowerServer server = start(builder());
        WirePeer peer = joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));
        peer.awaitMessage();
        CountDownLatch closed = close(server);
        peer.awaitMessage();

        // As Flower's client does, which reads the goodbye when its training is done.
        peer.send(WirePeer.fitted(MODEL, 1));
        peer.sayGoodbye();

        assertThat(closed.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(peer.awaitEnd().isOk()).isTrue();
        assertThat(listener.outcomes(task)).isEmpty();
    }
}
