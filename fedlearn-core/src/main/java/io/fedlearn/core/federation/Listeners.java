package io.fedlearn.core.federation;

import java.util.List;
import java.util.function.Consumer;

/** Tells all listeners, and keeps what they throw away from the run. */
final class Listeners {
    private static final System.Logger LOG = System.getLogger(Listeners.class.getName());

    private final List<RoundListener> listeners;

    Listeners(List<RoundListener> listeners) {
        this.listeners = List.copyOf(listeners);
    }

    void tell(Consumer<RoundListener> event) {
        for (RoundListener listener : listeners) {
            try {
                event.accept(listener);
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.WARNING, "a round listener failed", e);
            }
        }
    }
}
