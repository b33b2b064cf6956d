package io.fedlearn.aggregators;

import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.tensor.Model;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** A client's state of which a test says when it counts. */
final class KeptState implements TaskContext, ClientState {
    private final Map<String, Model> accepted = new HashMap<>();
    private final Map<String, Model> pending = new HashMap<>();

    /** What was saved counts from now on. */
    void accept() {
        accepted.putAll(pending);
        pending.clear();
    }

    /** What was saved under this name and does not count yet. */
    Model pending(String name) {
        return Objects.requireNonNull(pending.get(name), name);
    }

    @Override
    public ClientState state() {
        return this;
    }

    @Override
    public void progress(long done, long total) {}

    @Override
    public boolean isCancelled() {
        return false;
    }

    @Override
    public Optional<Model> load(String name) {
        return Optional.ofNullable(accepted.get(name));
    }

    @Override
    public void save(String name, Model value) {
        pending.put(name, value);
    }
}
