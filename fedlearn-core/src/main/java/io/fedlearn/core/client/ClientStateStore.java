package io.fedlearn.core.client;

import io.fedlearn.core.tensor.Model;
import java.util.Optional;

/**
 * Where a site keeps the state of its clients. Rules for implementers, tested by {@code ClientStateStoreContract}: (1) a saved
 * value survives a restart and is whole or absent; (2) saving again replaces; (3) the store is thread-safe.
 */
public interface ClientStateStore extends AutoCloseable {
    /**
     * Which value is meant.
     *
     * @param runId of the run that it belongs to
     * @param clientId of the client that it belongs to
     * @param name as the method calls it
     */
    record Key(String runId, String clientId, String name) {}

    /** The value that was saved for exactly this round. */
    Optional<Model> load(Key key, int round);

    /** Saves the value for this round, durably. */
    void save(Key key, int round, Model value);

    /** Deletes the values of rounds before this one, which no task asks for any more. */
    void deleteBefore(Key key, int round);

    /** Releases what the store holds. */
    @Override
    void close();
}
