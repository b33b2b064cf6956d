package io.fedlearn.grpc.flower;

import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import org.junit.jupiter.api.BeforeEach;

/** A server with one client that does what the test says. */
abstract class OneClientScene extends FlowerServerScene {
    FlowerServer server;
    WirePeer peer;

    @BeforeEach
    void joinOne() throws InterruptedException {
        server = start();
        peer = joinSole(server);
    }

    String clientId() {
        return soleId(server);
    }

    Task task(TaskKind kind, int round) {
        return task(server, kind, round);
    }

    Task submit(Task task) {
        return submit(server, task);
    }

    Task submit(TaskKind kind, int round) {
        return submit(task(kind, round));
    }

    /** Submits a task whose instruction the client reads. */
    Task ask(TaskKind kind, int round) throws InterruptedException {
        Task task = submit(kind, round);
        peer.awaitMessage();
        return task;
    }
}
