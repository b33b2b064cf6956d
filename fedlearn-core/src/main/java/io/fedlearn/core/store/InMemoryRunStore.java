package io.fedlearn.core.store;

import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.tensor.Model;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/** A run on the heap, for simulations that need not survive their process. Keeps the latest and the best model. Thread-safe. */
public final class InMemoryRunStore implements RunStore {
    // Guards what follows.
    private final ReentrantLock lock = new ReentrantLock();
    private Optional<RunHeader> header = Optional.empty();
    private Optional<Checkpoint> latest = Optional.empty();
    private Optional<Checkpoint> best = Optional.empty();
    private final List<RoundRecord> records = new ArrayList<>();

    private InMemoryRunStore() {}

    /** A store without a run. */
    public static InMemoryRunStore create() {
        return new InMemoryRunStore();
    }

    @Override
    public Optional<SavedRun> load() {
        lock.lock();
        try {
            return header.map(known -> new SavedRun(known, latest.orElseThrow(), records, List.of()));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void create(RunHeader runHeader, Checkpoint initial) {
        lock.lock();
        try {
            if (header.isPresent()) {
                throw new RunStoreException(
                        "the store holds run " + header.get().runId() + " already");
            }
            header = Optional.of(runHeader);
            latest = Optional.of(initial);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void commit(Checkpoint checkpoint, boolean isBest) {
        lock.lock();
        try {
            int expected = latest.orElseThrow(() -> new RunStoreException("the store holds no run"))
                            .round()
                    + 1;
            if (checkpoint.round() != expected) {
                throw new RunStoreException("round " + expected + " must be committed next, was " + checkpoint.round());
            }
            latest = Optional.of(checkpoint);
            records.add(checkpoint.record().orElseThrow());
            if (isBest) {
                best = latest;
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Optional<Model> model(int round) {
        lock.lock();
        try {
            return latest.filter(checkpoint -> checkpoint.round() == round)
                    .or(() -> best.filter(checkpoint -> checkpoint.round() == round))
                    .map(Checkpoint::model);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {}
}
