package io.fedlearn.core.training;

import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.tensor.Model;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A context that remembers the progress it was told of, and cancels after so many steps. */
final class RecordingContext implements TaskContext {
    private final List<String> progress = new ArrayList<>();
    private final int cancelAfter;

    RecordingContext() {
        this(Integer.MAX_VALUE);
    }

    RecordingContext(int cancelAfter) {
        this.cancelAfter = cancelAfter;
    }

    List<String> progress() {
        return progress;
    }

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
    public void progress(long done, long total) {
        progress.add(done + "/" + total);
    }

    @Override
    public boolean isCancelled() {
        return progress.size() >= cancelAfter;
    }
}
