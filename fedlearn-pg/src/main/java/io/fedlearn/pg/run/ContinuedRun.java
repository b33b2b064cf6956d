package io.fedlearn.pg.run;

import io.fedlearn.core.FedLearnException;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.FallbackRunStore;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.tensor.Model;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A run in the database that goes on in a local store while that is away.
 *
 * <p>The local store takes the run over at the first round that the database cannot take, with the records of all before. When the
 * database has confirmed the lease again, the rounds are copied in order, each checkpoint that the local store kept in a transaction
 * with the records of the rounds before it. What the database holds must be the beginning of what the local store holds: so nothing
 * is lost, and a copy that was cut short goes on where it stopped.
 *
 * <p>Thread-safe: one operation at a time.
 */
final class ContinuedRun implements RunInDatabase.Front {
    private static final System.Logger LOGGER = System.getLogger(ContinuedRun.class.getName());

    private final RunInDatabase database;
    private final FallbackRunStore local;

    // Guards what follows and makes operations one at a time, hence is held while they read and write.
    private final ReentrantLock lock = new ReentrantLock();
    private Optional<RunHeader> header = Optional.empty();
    private List<RoundRecord> records = new ArrayList<>();
    /** The last round that the database has, while the local store is ahead. */
    private OptionalInt branch = OptionalInt.empty();

    private boolean isClosed;

    ContinuedRun(RunInDatabase database, FallbackRunStore local) {
        this.database = database;
        this.local = local;
    }

    @Override
    public Optional<SavedRun> load() {
        lock.lock();
        try {
            if (branch.isPresent() && !copyIfBack()) {
                SavedRun saved = local.load().orElseThrow();
                List<String> notices = new ArrayList<>(saved.notices());
                notices.add(rounds(branch.getAsInt() + 1, saved.latest().round()) + " are in " + local
                        + " only, because the database is unreachable");
                return Optional.of(new SavedRun(saved.header(), saved.latest(), saved.records(), notices));
            }
            Optional<SavedRun> there = database.load();
            Optional<SavedRun> here = local.load();
            if (here.isEmpty()) {
                return remember(there);
            }
            if (there.isEmpty()) {
                throw new RunStoreException(
                        local + " holds run '" + here.get().header().runId() + "', of which the database has nothing");
            }
            int copied = copy(there.get(), here.get());
            if (copied == 0) {
                return remember(there);
            }
            SavedRun now = database.load().orElseThrow();
            List<String> notices = new ArrayList<>(now.notices());
            notices.addAll(here.get().notices());
            notices.add(rounds(now.latest().round() - copied + 1, now.latest().round()) + " were saved in " + local
                    + " while the database was unreachable, and have been copied to it");
            return remember(Optional.of(new SavedRun(now.header(), now.latest(), now.records(), notices)));
        } finally {
            lock.unlock();
        }
    }

    private Optional<SavedRun> remember(Optional<SavedRun> saved) {
        header = saved.map(SavedRun::header);
        records = saved.map(run -> new ArrayList<>(run.records())).orElseGet(ArrayList::new);
        return saved;
    }

    @Override
    public void create(RunHeader newHeader, Checkpoint initial) {
        lock.lock();
        try {
            Optional<SavedRun> here = local.load();
            if (here.isPresent()) {
                throw new RunStoreException(local + " holds run '"
                        + here.get().header().runId() + "' already, so it cannot stand in for a new one");
            }
            database.create(newHeader, initial);
            header = Optional.of(newHeader);
            records = new ArrayList<>();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void commit(Checkpoint checkpoint, boolean best) {
        lock.lock();
        try {
            if (branch.isPresent() && !copyIfBack()) {
                local.commit(checkpoint, best);
            } else {
                try {
                    database.commit(List.of(), checkpoint, round -> best);
                } catch (FedLearnException e) {
                    if (!RunInDatabase.isAway(e) || header.isEmpty()) {
                        throw e;
                    }
                    branchOff(checkpoint, best, e);
                }
            }
            records.add(checkpoint.record().orElseThrow());
        } finally {
            lock.unlock();
        }
    }

    private void branchOff(Checkpoint checkpoint, boolean best, FedLearnException failure) {
        if (checkpoint.round() != records.size() + 1) {
            throw failure;
        }
        List<RoundRecord> all = new ArrayList<>(records);
        all.add(checkpoint.record().orElseThrow());
        try {
            local.adopt(new SavedRun(header.orElseThrow(), checkpoint, all, List.of()), best);
        } catch (FedLearnException e) {
            e.addSuppressed(failure);
            throw e;
        }
        branch = OptionalInt.of(checkpoint.round() - 1);
        LOGGER.log(
                Level.WARNING,
                "the database is unreachable: run ''{0}'' goes on in {1} from round {2} on, and is copied when it is back: {3}",
                database.runId(),
                local,
                checkpoint.round(),
                failure.getMessage());
    }

    @Override
    public Optional<Model> model(int round) {
        lock.lock();
        try {
            if (branch.isPresent() && round > branch.getAsInt()) {
                return local.model(round);
            }
            return database.model(round);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public int reconcile() {
        lock.lock();
        try {
            Optional<SavedRun> here = local.load();
            if (here.isEmpty()) {
                return 0;
            }
            return copy(there(), here.get());
        } finally {
            lock.unlock();
        }
    }

    private SavedRun there() {
        return database.load()
                .orElseThrow(() -> new RunStoreException("the database holds no run '" + database.runId() + "'"));
    }

    /** Copies if the database has confirmed the lease again; whether the local store is ahead no more. */
    private boolean copyIfBack() {
        int first = branch.getAsInt() + 1;
        try {
            if (!database.isLed()) {
                return false;
            }
            copy(there(), local.load().orElseThrow());
            return true;
        } catch (LeaseLostException e) {
            throw new DivergedRunException(
                    database.runId(),
                    first,
                    rounds(first, records.size()) + " of run '" + database.runId() + "' were saved in " + local
                            + " while the database was unreachable, and cannot be copied to it: " + e.getMessage()
                            + "; they stay where they are",
                    e);
        } catch (FedLearnException e) {
            if (RunInDatabase.isAway(e)) {
                return false;
            }
            throw e;
        }
    }

    /** Copies the rounds that only the local store has; how many. */
    private int copy(SavedRun there, SavedRun here) {
        requireSame(there, here);
        int from = there.latest().round();
        int last = here.latest().round();
        int done = from;
        for (int round = from + 1; round <= last; round++) {
            Optional<Checkpoint> kept = round == last ? Optional.of(here.latest()) : local.checkpoint(round);
            if (kept.isPresent()) {
                database.commit(here.records().subList(done, round - 1), kept.get(), local::isBest);
                done = round;
            }
        }
        branch = OptionalInt.empty();
        if (last > from) {
            LOGGER.log(
                    Level.WARNING,
                    "the database is back: {0} of run ''{1}'' have been copied from {2}",
                    rounds(from + 1, last),
                    database.runId(),
                    local);
        }
        return Math.max(0, last - from);
    }

    private void requireSame(SavedRun there, SavedRun here) {
        if (!there.header().equals(here.header())) {
            throw new RunStoreException(local + " holds run '" + here.header().runId()
                    + "', so it cannot stand in for run '" + there.header().runId() + "' of the database"
                    + (there.header().runId().equals(here.header().runId()) ? ", another of that name" : ""));
        }
        int common = Math.min(there.records().size(), here.records().size());
        for (int i = 0; i < common; i++) {
            if (!there.records().get(i).equals(here.records().get(i))) {
                throw new DivergedRunException(
                        database.runId(),
                        i + 1,
                        rounds(i + 1, here.records().size()) + " of run '" + database.runId() + "' in " + local
                                + " are not those of the database, which has "
                                + there.records().size()
                                + ": another coordinator led it meanwhile. Both stay as they are; move the local one away"
                                + " to go on with the run of the database");
            }
        }
    }

    private static String rounds(int first, int last) {
        return first >= last ? "round " + first : "rounds " + first + " to " + last;
    }

    /** Copies what can be copied, and closes both. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (isClosed) {
                return;
            }
            isClosed = true;
            if (branch.isPresent()) {
                copyOrWarn();
            }
        } finally {
            lock.unlock();
            try {
                database.close();
            } finally {
                local.close();
            }
        }
    }

    private void copyOrWarn() {
        int first = branch.getAsInt() + 1;
        try {
            copy(there(), local.load().orElseThrow());
        } catch (FedLearnException e) {
            boolean isLater = RunInDatabase.isAway(e);
            LOGGER.log(
                    Level.WARNING,
                    "{0} of run ''{1}'' are in {2} only, {3}: {4}",
                    rounds(first, records.size()),
                    database.runId(),
                    local,
                    isLater ? "and are copied when it is loaded with that again" : "and stay there",
                    e.getMessage());
        }
    }
}
