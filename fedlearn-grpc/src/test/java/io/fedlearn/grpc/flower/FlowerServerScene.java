package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientOutcome.Completed;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.testkit.runtime.RecordingListener;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;

/** What tests of {@link FlowerServer} share: servers and clients that are closed at the end, and what a listener hears. */
abstract class FlowerServerScene {
    static final Duration PATIENCE = Duration.ofSeconds(20);
    static final String ID = "client_id";
    static final Tensor WEIGHTS = Tensor.copyOf(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
    static final Model MODEL = Model.builder()
            .trainable("w", WEIGHTS)
            .counter("steps", Tensor.scalar(7L))
            .build();

    final List<AutoCloseable> open = new ArrayList<>();
    final RecordingListener listener = RecordingListener.create();

    @AfterEach
    void closeAll() throws Exception {
        Collections.reverse(open);
        for (AutoCloseable one : open) {
            one.close();
        }
    }

    static FlowerServer.Builder builder() {
        return FlowerServer.builder().security(ServerSecurity.insecure());
    }

    FlowerServer start(FlowerServer.Builder builder) {
        FlowerServer server = builder.start();
        open.add(server);
        return server;
    }

    FlowerServer start() {
        return start(quick());
    }

    /** Does not wait long for peers that the test does not let go. */
    static FlowerServer.Builder quick() {
        return builder().limits(FlowerLimits.defaults().withTimeouts(Duration.ofSeconds(30), Duration.ofMillis(100)));
    }

    WirePeer join(FlowerServer server) {
        WirePeer peer = WirePeer.join(server.address());
        open.add(peer);
        return peer;
    }

    WirePeer joinSole(FlowerServer server) throws InterruptedException {
        WirePeer peer = join(server);
        assertThat(server.awaitClients(1, PATIENCE)).isTrue();
        return peer;
    }

    /** Joins a server that asks for the property {@link #ID}. */
    WirePeer joinAs(FlowerServer server, Object id) throws InterruptedException {
        WirePeer peer = join(server);
        introduce(peer, id);
        return peer;
    }

    static void introduce(WirePeer peer, Object id) throws InterruptedException {
        assertThat(peer.awaitMessage().hasGetPropertiesIns()).isTrue();
        peer.sayProperties(Map.of(ID, id));
    }

    static String soleId(FlowerServer server) {
        return server.clients().get(0).id();
    }

    static Task task(FlowerServer server, TaskKind kind, int round) {
        return Task.builder(kind, soleId(server)).round(round).model(MODEL).build();
    }

    Task submit(FlowerServer server, Task task) {
        server.submit(task, listener);
        return task;
    }

    ClientOutcome finished(Task task) throws InterruptedException {
        return listener.awaitFinished(task, PATIENCE);
    }

    static ClientUpdate update(ClientOutcome outcome) {
        assertThat(outcome).as(outcome.reason()).isInstanceOf(Completed.class);
        return ((Completed) outcome).update();
    }
}
