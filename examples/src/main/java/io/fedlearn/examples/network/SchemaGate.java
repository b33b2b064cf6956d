package io.fedlearn.examples.network;

import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.strategy.ClientInfo;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Admits clients of one schema: that which the server was started with, else that of the client that came first. As long as no round
 * has started, a first client that has gone again binds nobody. Clients that tell no schema are admitted. Thread-safe.
 */
final class SchemaGate implements RoundListener, Function<ClientInfo, Optional<String>> {
    private final Optional<String> demanded;
    private Optional<Runtime> runtime = Optional.empty();
    private Optional<Schema> agreed = Optional.empty();
    private final Set<String> holders = new HashSet<>();
    private boolean hasBegun;

    /**
     * @param demanded the code that the server was started with
     */
    SchemaGate(Optional<String> demanded) {
        this.demanded = demanded;
    }

    /** Where it is seen who is still there. */
    synchronized void watch(Runtime clients) {
        runtime = Optional.of(clients);
    }

    /** Why a client does not fit the run; empty if it does. */
    @Override
    public Optional<String> apply(ClientInfo client) {
        Optional<Schema> own = Schema.of(client);
        if (own.isEmpty()) {
            return Optional.empty();
        }
        if (demanded.isPresent()) {
            return demanded.get().equals(own.get().code())
                    ? Optional.empty()
                    : Optional.of("its columns, classes, model or scale are not those of the run: its schema is "
                            + own.get().code() + ", the run's " + demanded.get());
        }
        // Whoever is there is asked before, as the server has a lock of its own.
        Set<String> there = present();
        return decide(client.id(), own.get(), there);
    }

    private Set<String> present() {
        Optional<Runtime> clients;
        synchronized (this) {
            clients = runtime;
        }
        Set<String> ids = new HashSet<>();
        clients.ifPresent(all -> all.clients().forEach(client -> ids.add(client.id())));
        return ids;
    }

    private synchronized Optional<String> decide(String id, Schema own, Set<String> there) {
        boolean isHeld = hasBegun || holders.stream().anyMatch(holder -> !holder.equals(id) && there.contains(holder));
        Optional<String> differences = agreed.flatMap(schema -> schema.differences(own));
        if (differences.isPresent() && isHeld) {
            holders.remove(id);
            return Optional.of("its data does not fit that of the run: " + differences.get());
        }
        if (differences.isPresent()) {
            holders.clear();
        }
        agreed = Optional.of(own);
        holders.add(id);
        return Optional.empty();
    }

    @Override
    public synchronized void roundStarted(int round, List<String> cohort) {
        hasBegun = true;
    }
}
