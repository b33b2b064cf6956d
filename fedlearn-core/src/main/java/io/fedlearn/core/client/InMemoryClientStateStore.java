package io.fedlearn.core.client;

import io.fedlearn.core.tensor.Model;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;

/** Client state on the heap: for simulations that need not survive a restart. Thread-safe. */
public final class InMemoryClientStateStore implements ClientStateStore {
    private final Map<Key, NavigableMap<Integer, Model>> values = new ConcurrentHashMap<>();

    private InMemoryClientStateStore() {}

    /** A store without values. */
    public static InMemoryClientStateStore create() {
        return new InMemoryClientStateStore();
    }

    @Override
    public Optional<Model> load(Key key, int round) {
        NavigableMap<Integer, Model> rounds = values.get(key);
        return rounds == null ? Optional.empty() : Optional.ofNullable(rounds.get(round));
    }

    @Override
    public void save(Key key, int round, Model value) {
        values.computeIfAbsent(key, unused -> new ConcurrentSkipListMap<>()).put(round, value);
    }

    @Override
    public void deleteBefore(Key key, int round) {
        NavigableMap<Integer, Model> rounds = values.get(key);
        if (rounds != null) {
            rounds.headMap(round).clear();
        }
    }

    @Override
    public void close() {
        values.clear();
    }
}
