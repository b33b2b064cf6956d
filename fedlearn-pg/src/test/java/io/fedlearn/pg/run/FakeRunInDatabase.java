package io.fedlearn.pg.run;

import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.pg.PgException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntPredicate;

/** A run on the heap, as if it were in a database that is away when a test says so. */
final class FakeRunInDatabase implements RunInDatabase {
    private Optional<RunHeader> header = Optional.empty();
    final List<RoundRecord> records = new ArrayList<>();
    final Map<Integer, Checkpoint> checkpoints = new TreeMap<>();
    final Set<Integer> bests = new TreeSet<>();

    /** How many operations fail from now on, because the database is away. */
    int away;

    /** Whether the next commit that fails was committed all the same. */
    boolean isCommittedAllTheSame;

    boolean isLost;
    boolean isClosed;
    int attempts;

    private void reach() {
        attempts++;
        if (away > 0) {
            away--;
            throw failure();
        }
    }

    private static RunStoreException failure() {
        return new RunStoreException("the run", new PgException("no answer", new SQLException("gone", "08006")));
    }

    private void lead() {
        if (isLost) {
            throw new LeaseLostException(TrialRun.ID, "north", 1, "'south' in term 2");
        }
    }

    @Override
    public String runId() {
        return TrialRun.ID;
    }

    @Override
    public Optional<SavedRun> load() {
        reach();
        lead();
        return header.map(known ->
                new SavedRun(known, Objects.requireNonNull(checkpoints.get(records.size())), records, List.of()));
    }

    @Override
    public void create(RunHeader runHeader, Checkpoint initial) {
        reach();
        lead();
        header = Optional.of(runHeader);
        checkpoints.put(0, initial);
    }

    @Override
    public void commit(List<RoundRecord> before, Checkpoint checkpoint, IntPredicate isBest) {
        boolean wasAway = away > 0;
        if (!wasAway || isCommittedAllTheSame) {
            lead();
            isCommittedAllTheSame = false;
            if (checkpoint.round() - before.size() != records.size() + 1) {
                throw new RunStoreException("round " + (records.size() + 1) + " must be committed next");
            }
            records.addAll(before);
            records.add(checkpoint.record().orElseThrow());
            checkpoints.put(checkpoint.round(), checkpoint);
            for (int round = checkpoint.round() - before.size(); round <= checkpoint.round(); round++) {
                if (isBest.test(round)) {
                    bests.add(round);
                }
            }
        }
        reach();
    }

    @Override
    public Optional<Model> model(int round) {
        reach();
        return Optional.ofNullable(checkpoints.get(round)).map(Checkpoint::model);
    }

    @Override
    public boolean isLed() {
        lead();
        return away == 0;
    }

    @Override
    public void close() {
        isClosed = true;
    }
}
