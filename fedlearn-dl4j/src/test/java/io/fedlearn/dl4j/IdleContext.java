package io.fedlearn.dl4j;

import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.tensor.Model;
import java.util.Optional;

/** A context of a task that is never cancelled and keeps nothing. */
final class IdleContext implements TaskContext {
    @Override
    public ClientState state() {
        return new ClientState() {
            @Override
            public Optional<Model> load(String name) {
                return Optional.empty();
            }

            @Override
            public void save(String name, Model value) {
                throw new UnsupportedOperationException("no test keeps state");
            }
        };
    }

    @Override
    public void progress(long done, long total) {}

    @Override
    public boolean isCancelled() {
        return false;
    }
}
