package io.fedlearn.core.budget;

import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A privacy ledger that is lost with its process, for tests and for simulations on public data. Privacy of people is kept in a
 * durable one: what is forgotten would be spent again. Thread-safe.
 */
public final class InMemoryPrivacyLedger implements PrivacyLedger {
    private final InstantSource clock;

    // Guards the entries.
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, List<LedgerEntry>> entries = new TreeMap<>();

    private InMemoryPrivacyLedger(InstantSource clock) {
        this.clock = clock;
    }

    /** An empty ledger. */
    public static InMemoryPrivacyLedger create() {
        return new InMemoryPrivacyLedger(InstantSource.system());
    }

    /** An empty ledger that takes its times from this clock. */
    public static InMemoryPrivacyLedger create(InstantSource clock) {
        return new InMemoryPrivacyLedger(clock);
    }

    @Override
    public Optional<LedgerEntry> append(PrivacyCharge charge, long known) {
        Instant now = clock.instant();
        lock.lock();
        try {
            int count = count(charge.scope(), known);
            if (count > known) {
                return Optional.empty();
            }
            LedgerEntry entry = new LedgerEntry(count + 1L, now, charge);
            entries.computeIfAbsent(charge.scope(), scope -> new ArrayList<>()).add(entry);
            return Optional.of(entry);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public List<LedgerEntry> entries(String scope, long known) {
        lock.lock();
        try {
            int count = count(scope, known);
            return List.copyOf(entries.getOrDefault(scope, List.of()).subList((int) known, count));
        } finally {
            lock.unlock();
        }
    }

    private int count(String scope, long known) {
        if (known < 0) {
            throw new IllegalArgumentException("known must be >= 0, was " + known);
        }
        int count = entries.getOrDefault(scope, List.of()).size();
        if (count < known) {
            throw new PrivacyLedgerException(
                    "scope '" + scope + "' has " + count + " entries, of which " + known + " were known");
        }
        return count;
    }

    @Override
    public Set<String> scopes() {
        lock.lock();
        try {
            return new TreeSet<>(entries.keySet());
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {}
}
