package io.fedlearn.core.update;

import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a part of a strategy (an optimizer, an aggregator, a transform) keeps between rounds: tensors by group, and values.
 * Immutable; saved with every checkpoint.
 *
 * @param tensors by group
 * @param values by name
 */
public record PartState(Map<String, Model> tensors, Config values) {
    private static final PartState EMPTY = new PartState(Map.of(), Config.empty());

    /** Copies the map. */
    public PartState {
        tensors = Collections.unmodifiableMap(new TreeMap<>(tensors));
    }

    /** Nothing kept. */
    public static PartState empty() {
        return EMPTY;
    }

    /** Whether nothing is kept. */
    public boolean isEmpty() {
        return tensors.isEmpty() && values.isEmpty();
    }
}
