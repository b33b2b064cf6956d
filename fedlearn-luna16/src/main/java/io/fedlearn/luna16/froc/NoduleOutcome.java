package io.fedlearn.luna16.froc;

import io.fedlearn.luna16.dataset.Mark;
import io.fedlearn.luna16.dataset.Nodule;
import java.util.Optional;

/**
 * What became of a nodule.
 *
 * @param seriesUid its scan
 * @param nodule as the list has it
 * @param foundBy the most probable of the marks on it, of equally probable ones the first; empty if it was missed
 * @param marks how many marks are on it, of those that count
 */
public record NoduleOutcome(String seriesUid, Nodule nodule, Optional<Mark> foundBy, int marks) {
    /** Whether no mark is on it. */
    public boolean isMissed() {
        return foundBy.isEmpty();
    }
}
