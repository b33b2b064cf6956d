package io.fedlearn.privacy.query;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A question about a table, typed: there is no text to paste anything into. Immutable; what is wrong in itself cannot be made.
 *
 * @param aggregate what is computed
 * @param noise how the answer is protected
 * @param where over which rows
 * @param grouping into which groups, if any
 * @param maxRowsPerPerson how many rows of a person count, in each group; further ones are left out. More of them are more
 *     noise, fewer are more rows left out
 */
public record PrivateQuery(
        Aggregate aggregate, Noise noise, Condition where, Optional<Grouping> grouping, int maxRowsPerPerson) {
    /** How many rows of a person count unless it is said: {@value}. */
    public static final int DEFAULT_MAX_ROWS_PER_PERSON = 1;

    /** The most rows of a person that may count: {@value}. */
    public static final int LARGEST_MAX_ROWS_PER_PERSON = 1_000_000;

    /** Validates the bound. */
    public PrivateQuery {
        Objects.requireNonNull(aggregate, "aggregate");
        Objects.requireNonNull(noise, "noise");
        Objects.requireNonNull(where, "where");
        Objects.requireNonNull(grouping, "grouping");
        if (maxRowsPerPerson < 1 || maxRowsPerPerson > LARGEST_MAX_ROWS_PER_PERSON) {
            throw new IllegalArgumentException(
                    "maxRowsPerPerson must be in [1, " + LARGEST_MAX_ROWS_PER_PERSON + "], was " + maxRowsPerPerson);
        }
    }

    /** A question about all rows, of which one counts for each person. */
    public static PrivateQuery of(Aggregate aggregate, Noise noise) {
        return new PrivateQuery(aggregate, noise, Condition.everyRow(), Optional.empty(), DEFAULT_MAX_ROWS_PER_PERSON);
    }

    /** This question about the rows for which the condition holds. */
    public PrivateQuery where(Condition condition) {
        return new PrivateQuery(aggregate, noise, condition, grouping, maxRowsPerPerson);
    }

    /** This question for each group, of which one counts for each person. */
    public PrivateQuery groupedBy(String column, String... keys) {
        return groupedBy(new Grouping(column, List.of(keys), 1));
    }

    /** This question for each group. */
    public PrivateQuery groupedBy(Grouping groups) {
        return new PrivateQuery(aggregate, noise, where, Optional.of(groups), maxRowsPerPerson);
    }

    /** This question with so many rows of a person counted in each group. */
    public PrivateQuery withMaxRowsPerPerson(int rows) {
        return new PrivateQuery(aggregate, noise, where, grouping, rows);
    }

    /** The question in words, for ledgers and logs. */
    @Override
    public String toString() {
        return aggregate + " where " + where
                + grouping.map(groups -> " by " + groups).orElse("") + ", at most " + maxRowsPerPerson
                + " rows a person, " + noise;
    }
}
