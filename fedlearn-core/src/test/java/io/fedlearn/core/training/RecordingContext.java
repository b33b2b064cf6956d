package io.fedlearn.core.training;

import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.tensor.Model;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A context that remembers the progress it was told of and the state that was saved, and cancels after so many steps. */
final class RecordingContext implements TaskContext {
    private final List<String> progress = new ArrayList<>();
    private final Map<String, Model> saved = new TreeMap<>();
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

    /** What the client saved, by name. */
    Map<String, Model> saved() {
        return saved;
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
                saved.put(name, value);
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
