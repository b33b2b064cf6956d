package io.fedlearn.pg.run;

import io.fedlearn.core.store.Retention;
import io.fedlearn.formats.internal.run.RecordJson;
import io.fedlearn.formats.internal.run.SealedJson;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeSet;

/** A run as its leader knows it, since it was read or created. Guarded by its owner's lock. */
final class OpenRun {
    /**
     * A commit whose outcome is not known.
     *
     * @param round that was committed
     * @param bestNow the best round, if it is there
     * @param line of the round's record
     */
    record Doubt(int round, OptionalInt bestNow, SealedJson line) {}

    private final TreeSet<Integer> checkpoints = new TreeSet<>();
    private int latest;
    private OptionalInt best = OptionalInt.empty();
    // Before the latest round: what the best is again, should the latest checkpoint be damaged.
    private OptionalInt bestBefore = OptionalInt.empty();
    private Optional<Doubt> doubt = Optional.empty();
    private Optional<String> resolved = Optional.empty();

    private OpenRun() {}

    /** A run that has its first checkpoint and nothing else. */
    static OpenRun created() {
        OpenRun run = new OpenRun();
        run.checkpoints.add(0);
        return run;
    }

    /** A run that was read. */
    static OpenRun of(RunReading.Found found) {
        OpenRun run = new OpenRun();
        for (RecordJson.Line line : found.lines()) {
            int round = line.record().round();
            run.committed(round, line.best() ? OptionalInt.of(round) : run.best);
        }
        run.checkpoints.clear();
        run.checkpoints.addAll(found.checkpoints());
        return run;
    }

    /** The last round. */
    int latest() {
        return latest;
    }

    /** The best round; empty if none counts as such. */
    OptionalInt best() {
        return best;
    }

    /** Says that a round is saved, with its checkpoint. */
    void committed(int round, OptionalInt bestNow) {
        latest = round;
        bestBefore = best;
        best = bestNow;
        resolved = Optional.empty();
        checkpoints.add(round);
    }

    /** What is still to be found out; empty if nothing is. */
    Optional<Doubt> doubt() {
        return doubt;
    }

    /** Says that the outcome of a commit is not known. */
    void doubted(Doubt commit) {
        doubt = Optional.of(commit);
    }

    /** Says what became of the commit in doubt. */
    void resolve(boolean isThere) {
        Doubt was = doubt.orElseThrow();
        doubt = Optional.empty();
        if (isThere) {
            committed(was.round, was.bestNow);
            resolved = Optional.of(was.line.sha256());
        }
    }

    /** The checksum of the latest round's record, if that was in doubt and then found. */
    Optional<String> resolved() {
        return resolved;
    }

    /** The checkpoints that need not be kept. */
    List<Integer> unneeded(Retention retention) {
        return checkpoints.stream()
                .filter(round -> !retention.keeps(round, latest, best) && !retention.keeps(round, latest, bestBefore))
                .toList();
    }

    /** Says that checkpoints are deleted. */
    void deleted(List<Integer> rounds) {
        checkpoints.removeAll(rounds);
    }
}
