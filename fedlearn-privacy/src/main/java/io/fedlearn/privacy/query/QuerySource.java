package io.fedlearn.privacy.query;

import java.util.Map;

/**
 * Where the rows are. It computes exact sums of bounded contributions; debits, noise and answers are {@link PrivateQueries}'
 * alone. The guarantee rests on these rules:
 *
 * <ol>
 *   <li>A row counts if the query's condition holds for it, its key is one of the declared groups, if there are any, and it has a
 *       value of the query's column or {@link BoundedColumn#missingAs} gives one.
 *   <li>Of each person's rows that count, those of at most {@link Grouping#maxGroupsPerPerson} groups are left, and in each group
 *       at most {@link BoundedQuery#maxRowsPerPerson}. Which they are depends on that person's own rows and on nothing else: not
 *       on other persons, nor on how many rows the table has. If it is random, then afresh for each query, and independently for
 *       each person.
 *   <li>Every row belongs to one person, and no value of the key stands for several persons or for nobody.
 *   <li>Sums are exact. A value is clamped and rounded, by {@link ValueGrid} or like it, before it is summed.
 *   <li>No noise is added, and nothing about a value is thrown, logged or kept.
 * </ol>
 *
 * <p>Implementations are thread-safe, or say that they are not.
 */
public interface QuerySource {
    /** Name and type of the columns that may be asked about; which they are is public. */
    Map<String, ColumnType> columns();

    /**
     * The sums for this query, over its columns and groups, which exist and have the right type.
     *
     * @return as many groups and numbers as the query has
     */
    BoundedSums measure(BoundedQuery query);
}
