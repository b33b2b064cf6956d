package io.fedlearn.privacy.query;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.random.SeededRandom;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Tests the rules of {@link QuerySource} on random tables and queries, for sources that take the same rows of a person each time.
 * Numbers in the names of the tests are those of the rules.
 */
public abstract class QuerySourceContract {
    /** For subclasses. */
    protected QuerySourceContract() {}

    /** How many tables and queries a test tries. By default 200. */
    protected int trials() {
        return 200;
    }

    /** A source with this table in it: columns {@code x} and {@code y} of numbers, {@code region} of text. */
    protected abstract QuerySource source(RandomTable table) throws Exception;

    @Test
    @DisplayName("columns: name and type")
    void tellsItsColumns() throws Exception {
        assertThat(source(RandomTable.of(SeededRandom.of(1))).columns())
                .containsEntry("x", ColumnType.NUMBER)
                .containsEntry("y", ColumnType.NUMBER)
                .containsEntry("region", ColumnType.TEXT);
    }

    @ParameterizedTest(name = "{displayName}, seed {0}")
    @ValueSource(longs = {31, 32})
    @DisplayName("1, 4: where nobody has too many rows, sums are those of all rows that count")
    void sumsWhatCounts(long seed) throws Exception {
        SeededRandom random = SeededRandom.of(seed);
        for (int trial = 0; trial < trials(); trial++) {
            RandomTable table = RandomTable.of(random);
            PrivateQuery asked = query(random).withMaxRowsPerPerson(1000);
            BoundedQuery query = Plan.of(
                            asked.grouping()
                                    .map(groups -> asked.groupedBy(new Grouping(groups.column(), groups.keys(), 1000)))
                                    .orElse(asked),
                            1)
                    .bounded();
            assertThat(sums(source(table).measure(query))).as("%s", query).isDeepEqualTo(table.sums(query));
        }
    }

    @ParameterizedTest(name = "{displayName}, seed {0}")
    @ValueSource(longs = {33, 34})
    @DisplayName("2: no person is in more groups, or with more in one, than the query allows")
    void boundsEveryPerson(long seed) throws Exception {
        SeededRandom random = SeededRandom.of(seed);
        for (int trial = 0; trial < trials(); trial++) {
            RandomTable table = RandomTable.of(random);
            BoundedQuery query = Plan.of(query(random), 1).bounded();
            for (long person : table.people()) {
                long[][] sums = sums(source(table.only(person)).measure(query));
                int groups = 0;
                for (long[] group : sums) {
                    groups += assertBounded(query, group) ? 1 : 0;
                }
                assertThat(groups)
                        .as("%s", query)
                        .isLessThanOrEqualTo(query.grouping()
                                .map(Grouping::maxGroupsPerPerson)
                                .orElse(1));
            }
        }
    }

    /** Whether the person is in the group. */
    private static boolean assertBounded(BoundedQuery query, long[] group) {
        int index = 0;
        boolean any = false;
        for (Measure measure : query.measures()) {
            long all = 0;
            for (int i = 0; i < measure.size(); i++, index++) {
                all += Math.abs(group[index]);
            }
            any |= all > 0;
            assertThat(all)
                    .as("%s of %s", measure, query)
                    .isLessThanOrEqualTo(Plan.sensitivity(measure, query.maxRowsPerPerson()));
        }
        return any;
    }

    @ParameterizedTest(name = "{displayName}, seed {0}")
    @ValueSource(longs = {35, 36})
    @DisplayName(
            "2: which rows of a person are left depends on that person alone: a table's sums are those of its persons")
    void addsUpPersonByPerson(long seed) throws Exception {
        SeededRandom random = SeededRandom.of(seed);
        for (int trial = 0; trial < trials(); trial++) {
            RandomTable table = RandomTable.of(random);
            BoundedQuery query = Plan.of(query(random), 1).bounded();
            long[][] byPerson = new long[query.groups()][query.size()];
            for (long person : table.people()) {
                long[][] sums = sums(source(table.only(person)).measure(query));
                for (int group = 0; group < sums.length; group++) {
                    for (int i = 0; i < sums[group].length; i++) {
                        byPerson[group][i] += sums[group][i];
                    }
                }
            }
            assertThat(sums(source(table).measure(query))).as("%s", query).isDeepEqualTo(byPerson);
        }
    }

    @Test
    @DisplayName("1: nobody is nothing")
    void nobodyIsNothing() throws Exception {
        BoundedQuery query = new BoundedQuery(
                Condition.everyRow(),
                Optional.empty(),
                1,
                Optional.empty(),
                List.of(new Measure.Rows(), new Measure.Persons()));

        assertThat(sums(source(RandomTable.empty()).measure(query))).isDeepEqualTo(new long[][] {{0, 0}});
    }

    private static PrivateQuery query(SeededRandom random) {
        return RandomTable.query(random, Noise.laplace(1));
    }

    /** The numbers of each group. */
    public static long[][] sums(BoundedSums sums) {
        long[][] copy = new long[sums.groups()][sums.size()];
        for (int group = 0; group < sums.groups(); group++) {
            for (int i = 0; i < sums.size(); i++) {
                copy[group][i] = sums.get(group, i);
            }
        }
        return copy;
    }
}
