package io.fedlearn.core.record;

import io.fedlearn.core.task.Config;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

/**
 * What is fixed when a run starts.
 *
 * @param runId which names the run everywhere
 * @param seed of all its randomness
 * @param strategy the published name of the algorithm
 * @param settings everything that decides what the run computes, by name; a run is resumed with the same only
 * @param initialDigest of the model that it starts from
 * @param libraryVersion that started it
 * @param startedAt by the coordinator's clock
 */
public record RunHeader(
        String runId,
        long seed,
        String strategy,
        Config settings,
        String initialDigest,
        String libraryVersion,
        Instant startedAt) {
    /**
     * In what a run of these settings differs from this one, a line for each; empty if it may be resumed by it. The digest
     * of the initial model counts as a setting.
     */
    public List<String> differences(RunHeader other) {
        Map<String, Object> mine = comparable();
        Map<String, Object> theirs = other.comparable();
        Set<String> names = new TreeSet<>(mine.keySet());
        names.addAll(theirs.keySet());
        List<String> differences = new ArrayList<>();
        for (String name : names) {
            Object ours = mine.getOrDefault(name, "absent");
            Object yours = theirs.getOrDefault(name, "absent");
            if (!Objects.equals(ours, yours)) {
                differences.add(name + " was " + ours + ", is now " + yours);
            }
        }
        // Another seed or other data mean another initial model; named beside them, its digest explains nothing.
        if (differences.isEmpty() && !initialDigest.equals(other.initialDigest)) {
            differences.add("initialModel was " + initialDigest + ", is now " + other.initialDigest);
        }
        return differences;
    }

    private Map<String, Object> comparable() {
        return settings.with("seed", seed).with("strategy", strategy).asMap();
    }
}
