package io.fedlearn.grpc.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.client.FakeServer.Connection;
import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.security.ClientSecurity;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;

/** What tests of a client share: a server of which the test is the brain, and clients that join it. */
abstract class ClientTestBed {
    static final String ID = "hospital-a";
    static final Duration PATIENCE = Duration.ofSeconds(60);
    static final Model SMALL = model(3, 1);
    static final Model LARGE = model(5000, 2);

    final FakeServer server = FakeServer.start();
    final ExecutorService threads = Executors.newCachedThreadPool();
    final List<FederatedClient> clients = new ArrayList<>();
    final List<CountDownLatch> latches = new ArrayList<>();
    final AtomicInteger calls = new AtomicInteger();

    @AfterEach
    void closeAll() throws InterruptedException {
        latches.forEach(CountDownLatch::countDown);
        clients.forEach(FederatedClient::close);
        server.close();
        threads.shutdownNow();
        assertThat(threads.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .isTrue();
    }

    static Model model(int length, long seed) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = i + seed;
        }
        return Model.builder().trainable("w", Tensor.wrap(values, length)).build();
    }

    CountDownLatch latch() {
        CountDownLatch latch = new CountDownLatch(1);
        latches.add(latch);
        return latch;
    }

    Future<Departure> join(Client client) {
        return join(client, builder -> builder);
    }

    Future<Departure> join(Client client, UnaryOperator<FederatedClient.Builder> settings) {
        FederatedClient joining = settings.apply(FederatedClient.builder()
                        .server("localhost", server.port())
                        .clientId(ID)
                        .security(ClientSecurity.insecure())
                        .client((task, context) -> {
                            calls.incrementAndGet();
                            return client.fit(task, context);
                        })
                        .backoff(Backoff.of(Duration.ofMillis(1), Duration.ofMillis(20)))
                        .jitterSeed(1))
                .build();
        clients.add(joining);
        return threads.submit(joining::run);
    }

    static ClientUpdate echo(Task task) {
        return ClientUpdate.ofModel(task.model(), 7);
    }

    static Task task(int round) {
        return task(round, SMALL);
    }

    static Task task(int round, Model model) {
        return Task.builder(TaskKind.FIT, ID).round(round).model(model).build();
    }

    static TransportException refusal(Future<Departure> run) throws InterruptedException {
        try {
            run.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof TransportException refusal) {
                return refusal;
            }
            throw new AssertionError("failed otherwise", e);
        } catch (TimeoutException e) {
            throw new AssertionError("still runs", e);
        }
        throw new AssertionError("was not refused");
    }

    static Departure end(Future<Departure> run, Connection connection) throws Exception {
        connection.goodbye(Goodbye.newBuilder().setCode(GoodbyeCode.GOODBYE_CODE_RUN_OVER));
        return run.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    static void await(CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }
}
