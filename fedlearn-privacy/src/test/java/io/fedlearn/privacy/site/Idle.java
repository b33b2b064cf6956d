package io.fedlearn.privacy.site;

import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.tensor.Model;
import java.util.Optional;

/** A context without state. */
record Idle(boolean isCancelled) implements TaskContext, ClientState {
    static Idle context() {
        return new Idle(false);
    }

    @Override
    public ClientState state() {
        return this;
    }

    @Override
    public void progress(long done, long total) {}

    @Override
    public Optional<Model> load(String name) {
        return Optional.empty();
    }

    @Override
    public void save(String name, Model value) {}
}
