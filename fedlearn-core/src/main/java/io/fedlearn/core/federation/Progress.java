package io.fedlearn.core.federation;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.strategy.Participation;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a run knows of its rounds so far; rebuilt from the records when it is resumed. Confined to the round loop. */
final class Progress {
    private final Optional<Goal> goal;
    private final List<RoundRecord> records = new ArrayList<>();
    private final Map<String, Participation> participations = new HashMap<>();
    private Optional<RoundRecord> best = Optional.empty();
    private Optional<RoundRecord> lastGain = Optional.empty();
    private int roundsWithoutGain;
    private int aborted;
    private final double minimumGain;
    // Records of a private run name who was asked at most, and those were asked.
    private final boolean isWithheld;

    Progress(Optional<Goal> goal, double minimumGain, boolean isWithheld) {
        this.isWithheld = isWithheld;
        this.goal = goal;
        this.minimumGain = minimumGain;
    }

    void replay(SavedRun saved) {
        saved.records().forEach(this::add);
    }

    /** What the goal looks at: the coordinator's own evaluation where it has it, since clients can say what they like. */
    private Metrics judged(RoundRecord record) {
        boolean isCentral = goal.isPresent()
                && record.evaluation().central().get(goal.get().metric()).isPresent();
        return isCentral ? record.evaluation().central() : record.metrics();
    }

    /** Whether the round would be the best so far. */
    boolean isBest(RoundRecord record) {
        if (record.isAborted()) {
            return false;
        }
        if (goal.isEmpty()) {
            return true;
        }
        // As long as nothing was measured, the last model is the best.
        return best.isEmpty()
                || judged(best.get()).get(goal.get().metric()).isEmpty()
                || goal.get().isBetter(judged(record), judged(best.get()), 0);
    }

    void add(RoundRecord record) {
        if (isBest(record)) {
            best = Optional.of(record);
        }
        records.add(record);
        if (isWithheld) {
            for (String clientId : record.cohort()) {
                participations.put(clientId, participation(clientId).selected(record.round()));
            }
        }
        for (OutcomeRecord outcome : record.outcomes()) {
            Participation before = participation(outcome.clientId()).selected(record.round());
            boolean accepted = !record.isAborted() && outcome.isCompleted();
            participations.put(
                    outcome.clientId(),
                    accepted ? before.accepted(record.round(), outcome.exampleCount(), outcome.metrics()) : before);
        }
        if (record.isAborted()) {
            aborted++;
        } else if (goal.isPresent() && judged(record).get(goal.get().metric()).isPresent()) {
            boolean gained =
                    lastGain.isEmpty() || goal.get().isBetter(judged(record), judged(lastGain.get()), minimumGain);
            if (gained) {
                lastGain = Optional.of(record);
            }
            roundsWithoutGain = gained ? 0 : roundsWithoutGain + 1;
        }
    }

    List<RoundRecord> records() {
        return records;
    }

    Participation participation(String clientId) {
        return participations.getOrDefault(clientId, Participation.none());
    }

    Optional<RoundRecord> best() {
        return best;
    }

    int aborted() {
        return aborted;
    }

    int roundsWithoutGain() {
        return roundsWithoutGain;
    }
}
