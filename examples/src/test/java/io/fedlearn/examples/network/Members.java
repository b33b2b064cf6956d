package io.fedlearn.examples.network;

import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** A runtime whose clients come and go as a test says, and do nothing. */
final class Members implements Runtime {
    final TreeSet<String> ids = new TreeSet<>();

    @Override
    public List<ClientInfo> clients() {
        return ids.stream().map(id -> new ClientInfo(id, Config.empty())).toList();
    }

    @Override
    public Set<Capability> capabilities() {
        return Set.of();
    }

    @Override
    public boolean awaitClients(int count, Duration timeout) {
        return ids.size() >= count;
    }

    @Override
    public void submit(Task task, TaskListener listener) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void cancel(Task task) {}

    @Override
    public void close() {}
}
