package io.fedlearn.privacy.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.random.SeededRandom;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class TableSourceTest {
    private static final List<Measure> COUNTS = List.of(new Measure.Rows(), new Measure.Persons());

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void addsUpWhatBruteForceAddsUp(long seed) {
        SeededRandom random = SeededRandom.of(seed);
        for (int trial = 0; trial < 1000; trial++) {
            RandomTable table = RandomTable.of(random);
            BoundedQuery query = Plan.of(RandomTable.query(random, Noise.laplace(1)), trial % 2)
                    .bounded();
            assertThat(QuerySourceContract.sums(table.source().measure(query)))
                    .as("%s over %s", query, table)
                    .isDeepEqualTo(table.sums(query));
        }
    }

    @Test
    void leavesTheFirstRowsOfAPersonThatCount() {
        TableSource table = TableSource.ofPersons(List.of("ann", "bob", "ann", "ann"))
                .number("x", new double[] {1, 2, 4, 8})
                .build();
        ValueGrid grid = ValueGrid.fromZero(BoundedColumn.of("x", 0, 8));
        BoundedQuery query = new BoundedQuery(
                Condition.compare("x", Comparison.GREATER, 1),
                Optional.empty(),
                1,
                Optional.of(BoundedColumn.of("x", 0, 8)),
                List.of(new Measure.Values(grid), new Measure.Rows()));

        BoundedSums sums = table.measure(query);

        assertThat(sums.get(0, 0) * grid.step()).isEqualTo(2 + 4);
        assertThat(sums.get(0, 1)).isEqualTo(2);
    }

    @Test
    void leavesARowWithoutAValueOutBeforeItIsCounted() {
        TableSource table = TableSource.ofPersons(new long[] {7, 7})
                .number("x", new double[] {Double.NaN, 3})
                .build();
        BoundedQuery query = new BoundedQuery(
                Condition.everyRow(), Optional.empty(), 1, Optional.of(BoundedColumn.of("x", 0, 8)), COUNTS);

        assertThat(QuerySourceContract.sums(table.measure(query))).isDeepEqualTo(new long[][] {{1, 1}});
    }

    @Test
    void holdsComparisonsWithMissingValuesForFalse() {
        TableSource table = TableSource.ofPersons(new long[] {1, 2, 3})
                .number("x", new double[] {Double.NaN, 3, 5})
                .text("t", List.of("", "a", "b"))
                .build();
        Condition above = Condition.compare("x", Comparison.GREATER, 4);

        assertThat(rows(table, above)).isEqualTo(1);
        assertThat(rows(table, Condition.not(above))).isEqualTo(2);
        assertThat(rows(table, Condition.compare("x", Comparison.NOT_EQUAL, 3))).isEqualTo(1);
        assertThat(rows(table, Condition.isMissing("x").or(Condition.in("t", "b"))))
                .isEqualTo(2);
        assertThat(rows(table, Condition.not(Condition.in("t", "a")))).isEqualTo(2);
    }

    private static long rows(TableSource table, Condition where) {
        return table.measure(new BoundedQuery(where, Optional.empty(), 1, Optional.empty(), COUNTS))
                .get(0, 0);
    }

    @Test
    void rejectsColumnsOfOtherLengthOrTwice() {
        TableSource.Builder table = TableSource.ofPersons(new long[] {1, 2}).number("x", new double[] {1, 2});
        assertThatIllegalArgumentException()
                .isThrownBy(() -> table.number("y", new double[1]))
                .withMessage("column 'y' must have 2 rows, has 1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> table.text("x", List.of("a", "b")))
                .withMessage("columns must be named, each once, was 'x'");
    }

    @Test
    void rejectsARowOfNobody() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TableSource.ofPersons(List.of("ann", "")))
                .withMessage("persons must not be empty, was '' in row 1");
    }

    @Test
    void rejectsWholeNumbersThatNumbersCannotHoldWithoutTellingThem() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TableSource.ofPersons(new long[] {1}).number("id", new long[] {(1L << 53) + 1}))
                .withMessage("values of column 'id' must be within 2^53 of 0, one is not in row 0");
    }
}
