package io.fedlearn.luna16.froc;

import io.fedlearn.luna16.dataset.Mark;

/**
 * What became of a mark.
 *
 * @param seriesUid its scan
 * @param mark as it was submitted
 * @param kind how it counts
 */
public record MarkOutcome(String seriesUid, Mark mark, Kind kind) {
    /** How a mark counts. */
    public enum Kind {
        /** Of the marks on a nodule it is the most probable one, so the nodule is found with its probability. */
        TRUE_POSITIVE,
        /** It is on nothing. */
        FALSE_POSITIVE,
        /** It is on a nodule that a more probable mark is on, too; it counts neither way. */
        DOUBLE,
        /** It is on an excluded finding and on no nodule; it counts neither way. */
        IGNORED,
        /** It is not among the scan's most probable marks that count. */
        SURPLUS
    }
}
