package io.fedlearn.examples.chaos;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.files.FileClientStateStore;
import io.fedlearn.grpc.client.Backoff;
import io.fedlearn.grpc.client.Departure;
import io.fedlearn.grpc.client.FederatedClient;
import io.fedlearn.grpc.security.ClientSecurity;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Some clients of one schedule, as a process that is killed and started again. */
final class ChaosClients {
    /** What a line of the log starts with when a client begins to train; its task's id follows. */
    static final String TRAINS = "TRAINS ";

    private static final Backoff BACKOFF = Backoff.of(Duration.ofMillis(50), Duration.ofMillis(400));

    private ChaosClients() {}

    /**
     * Runs clients until the server says that the run is over.
     *
     * @param arguments method, clients, rounds, seed, the folder of what clients remember, and an id and a port for each client here
     */
    public static void main(String[] arguments) throws InterruptedException {
        ChaosTask task = new ChaosTask(
                ChaosTask.Method.valueOf(arguments[0]),
                Integer.parseInt(arguments[1]),
                Integer.parseInt(arguments[2]),
                Long.parseLong(arguments[3]));
        List<Thread> threads = new ArrayList<>();
        for (int i = 5; i < arguments.length; i += 2) {
            String id = arguments[i];
            int port = Integer.parseInt(arguments[i + 1]);
            Path states = Path.of(arguments[4], id);
            Thread thread = new Thread(() -> run(task, id, port, states), id);
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static void run(ChaosTask task, String id, int port, Path folder) {
        try (FileClientStateStore states = FileClientStateStore.at(folder);
                FederatedClient client = FederatedClient.builder()
                        .server("localhost", port)
                        .clientId(id)
                        .security(ClientSecurity.insecure())
                        .client(new Logged(task.client(id)))
                        .states(states)
                        .backoff(BACKOFF)
                        .build()) {
            Departure departure = client.run();
            System.err.println(id + ": " + departure);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            e.printStackTrace();
            // A client that leaves on its own is a failure of the schedule, and shows at once.
            java.lang.Runtime.getRuntime().halt(1);
        }
    }

    /** Says which tasks it trains for. */
    private record Logged(Client client) implements Client {
        @Override
        public ClientUpdate fit(Task task, TaskContext context) throws Exception {
            System.err.println(TRAINS + task.id());
            return client.fit(task, context);
        }

        @Override
        public ClientUpdate evaluate(Task task, TaskContext context) throws Exception {
            return client.evaluate(task, context);
        }

        @Override
        public ClientUpdate perform(Task task, TaskContext context) throws Exception {
            return client.perform(task, context);
        }
    }
}
