package io.fedlearn.core.federation;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.runtime.TaskRunner;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;

/** Waits until every client of an exchange was asked, and then answers in a seeded random order, from a thread of its own. */
class ReorderingRuntime implements Runtime {
    private final Map<String, Client> clients;
    private final int expected;
    private final SeededRandom random;
    private final TaskRunner runner = TaskRunner.of(InMemoryClientStateStore.create());
    private final List<Runnable> deliveries = new ArrayList<>();

    ReorderingRuntime(Map<String, Client> clients, long seed) {
        this.clients = new TreeMap<>(clients);
        this.expected = clients.size();
        this.random = SeededRandom.of(seed);
    }

    @Override
    public List<ClientInfo> clients() {
        return clients.keySet().stream()
                .map(id -> new ClientInfo(id, Config.empty()))
                .toList();
    }

    @Override
    public Set<Capability> capabilities() {
        return EnumSet.allOf(Capability.class);
    }

    @Override
    public boolean awaitClients(int count, Duration timeout) {
        return clients.size() >= count;
    }

    @Override
    public void submit(Task task, TaskListener listener) {
        deliveries.add(() -> {
            listener.started(task);
            Client client = Objects.requireNonNull(clients.get(task.clientId()));
            ClientOutcome outcome = runner.run(client, task, (done, total) -> {}, () -> false);
            listener.finished(task, outcome);
        });
        if (deliveries.size() == expected) {
            int[] order = new int[expected];
            for (int i = 0; i < expected; i++) {
                order[i] = i;
            }
            random.shuffle(order);
            List<Runnable> batch = new ArrayList<>(deliveries);
            deliveries.clear();
            Thread thread = new Thread(() -> {
                for (int place : order) {
                    batch.get(place).run();
                }
            });
            thread.setDaemon(true);
            thread.start();
        }
    }

    @Override
    public void cancel(Task task) {}

    @Override
    public void close() {}
}
