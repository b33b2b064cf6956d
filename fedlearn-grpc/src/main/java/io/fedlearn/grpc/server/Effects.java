package io.fedlearn.grpc.server;

import java.util.ArrayList;
import java.util.List;

/**
 * What is to be done when the task desk's lock is free again: network, listeners and logs must not be used while it is held.
 * Confined to one thread.
 */
final class Effects {
    private static final System.Logger LOG = System.getLogger(Effects.class.getName());

    private final List<Runnable> effects = new ArrayList<>();

    void add(Runnable effect) {
        effects.add(effect);
    }

    /** Sends what the connection has queued. */
    void flush(Connection connection) {
        effects.add(connection::flush);
    }

    /** Does all, in order. */
    void run() {
        for (Runnable effect : effects) {
            try {
                effect.run();
            } catch (RuntimeException | Error e) {
                // One connection that is broken in a new way must not keep the others from being served, nor whoever
                // decided from what else it has to do.
                LOG.log(System.Logger.Level.WARNING, "what follows a decision has failed", e);
            }
        }
    }
}
