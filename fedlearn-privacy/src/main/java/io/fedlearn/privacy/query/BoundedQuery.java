package io.fedlearn.privacy.query;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a {@link QuerySource} computes for a {@link PrivateQuery}: exact sums over rows of which no person has too many. Immutable.
 *
 * @param where over which rows
 * @param grouping into which groups, if any
 * @param maxRowsPerPerson how many rows of a person are left in each group
 * @param column whose values are measured, if any
 * @param measures what is added up for each group
 */
public record BoundedQuery(
        Condition where,
        Optional<Grouping> grouping,
        int maxRowsPerPerson,
        Optional<BoundedColumn> column,
        List<Measure> measures) {
    /** Copies the list. */
    public BoundedQuery {
        Objects.requireNonNull(where, "where");
        Objects.requireNonNull(grouping, "grouping");
        Objects.requireNonNull(column, "column");
        measures = List.copyOf(measures);
        if (maxRowsPerPerson < 1) {
            throw new IllegalArgumentException("maxRowsPerPerson must be >= 1, was " + maxRowsPerPerson);
        }
        if (column.isEmpty()
                && !measures.stream().allMatch(m -> m instanceof Measure.Rows || m instanceof Measure.Persons)) {
            throw new IllegalArgumentException("measures of values need a column, were " + measures);
        }
    }

    /** How many groups there are; one if nothing is grouped. */
    public int groups() {
        return grouping.map(declared -> declared.keys().size()).orElse(1);
    }

    /** How many whole numbers there are for each group. */
    public int size() {
        return measures.stream().mapToInt(Measure::size).sum();
    }
}
