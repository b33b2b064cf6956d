package io.fedlearn.privacy.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacyLedgerException;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.privacy.internal.SeededNoise;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class PrivateQueriesTest {
    private static final Noise STRONG = Noise.laplace(0.5);
    /** So little noise that answers can be told from it. */
    private static final Noise WEAK = Noise.laplace(500);

    private static final PrivateQuery COUNT = PrivateQuery.of(Aggregate.count(), WEAK);

    /** Of 100 persons one has a row in the north, the others in the south. */
    private static final TableSource TABLE = TableSource.ofPersons(
                    LongStream.range(0, 100).toArray())
            .number("age", IntStream.range(0, 100).asDoubleStream().toArray())
            .text(
                    "region",
                    IntStream.range(0, 100)
                            .mapToObj(i -> i == 0 ? "north" : "south")
                            .toList())
            .build();

    private final SpyBudget budget = SpyBudget.unlimited();
    private final List<QueryRecord> records = new ArrayList<>();
    private final PrivateQueries queries = queries(TABLE, budget);

    private PrivateQueries queries(QuerySource source, SpyBudget of) {
        return PrivateQueries.over(source, of, "table/visits")
                .minimumGroupSize(5)
                .listener(records::add)
                .build(() -> SeededNoise.of(1));
    }

    @Test
    void answersAndCharges() {
        QueryAnswer answer = queries.ask(COUNT.where(Condition.compare("age", Comparison.AT_LEAST, 40)));

        assertThat(answer.value()).isBetween(59.0, 61.0);
        assertThat(answer.charge()).isEqualTo(budget.charges.get(0));
        assertThat(answer.charge().scope()).isEqualTo("table/visits");
        assertThat(answer.charge().mechanism())
                .startsWith("discrete-laplace(scale=0.002")
                .contains("sensitivity=1");
        assertThat(answer.charge().parameters().asMap())
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "relation",
                        "add-remove",
                        "purpose",
                        "count where age >= 40.0, at most 1 rows a person, laplace(epsilon=500.0)"));
        assertThat(answer.spent()).isEqualTo(new PrivacySpent(1, 0));
        assertThat(answer.suppressed()).isEmpty();
    }

    @Test
    void chargesTheDeltaOfGaussianNoise() {
        PrivacyCharge charge = queries.charge(PrivateQuery.of(Aggregate.count(), Noise.gaussian(1, 1e-6)));

        assertThat(charge.mechanism()).startsWith("gaussian(noiseMultiplier=");
        assertThat(charge.parameters().getDouble("privacyDelta")).contains(1e-6);
        assertThat(budget.charges).isEmpty();
    }

    @Test
    void defaultEngineDrawsFreshNoise() {
        PrivateQueries fresh =
                PrivateQueries.over(TABLE, budget, "table/visits").build();
        PrivateQuery query = PrivateQuery.of(Aggregate.sum("age", 0, 100), STRONG);

        // Two draws of this noise are equal with a probability below 1e-8.
        assertThat(fresh.ask(query).value()).isNotEqualTo(fresh.ask(query).value());
    }

    @ParameterizedTest
    @MethodSource("aggregates")
    void suppressesGroupsThatAreTooSmall(Aggregate aggregate) {
        QueryAnswer answer = queries.ask(PrivateQuery.of(aggregate, WEAK)
                .groupedBy("region", "north", "south", "atlantis")
                .withMaxRowsPerPerson(2));

        assertThat(answer.suppressed()).containsExactly("north", "atlantis");
        assertThat(answer.group("north").estimates()).isEmpty();
        assertThat(answer.group("south").estimates()).hasSize(aggregate.size());
        assertThat(answer.groups()).extracting(GroupAnswer::key).containsExactly("north", "south", "atlantis");
    }

    private static Stream<Aggregate> aggregates() {
        return Stream.of(
                Aggregate.count(),
                Aggregate.persons(),
                Aggregate.sum("age", 0, 100),
                Aggregate.mean("age", 0, 100),
                Aggregate.variance("age", 0, 100),
                Aggregate.histogram("age", 0, 50, 100),
                Aggregate.quantiles("age", 0, 100, 0.5, 0.9));
    }

    @Test
    void suppressesAnAnswerWithoutGroupsToo() {
        QueryAnswer answer = queries.ask(COUNT.where(Condition.in("region", "north")));

        assertThat(answer.suppressed()).containsExactly("");
        assertThatIllegalStateException()
                .isThrownBy(answer::value)
                .withMessage("the answer was suppressed: too few persons");
    }

    @Test
    void hasNoSingleNumberForSeveral() {
        QueryAnswer answer = queries.ask(COUNT.groupedBy("region", "north", "south"));

        assertThatIllegalStateException()
                .isThrownBy(answer::value)
                .withMessage("there is no single number: there are 2 groups of 1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> answer.group("west"))
                .withMessage("key must be one of those declared, was 'west'");
    }

    @Test
    void quantilesAscend() {
        PrivateQuery query = PrivateQuery.of(Aggregate.quantiles("age", 0, 100, 0.49, 0.5, 0.51), Noise.laplace(0.01));
        for (int i = 0; i < 50; i++) {
            int seed = i;
            PrivateQueries engine = PrivateQueries.over(TABLE, budget, "t").build(() -> SeededNoise.of(seed));
            assertThat(engine.ask(query).groups().get(0).estimates())
                    .extracting(Estimate::value)
                    .isSorted();
        }
    }

    @Test
    void refusesWhatTheBudgetDoesNotAllowAndAsksNothing() {
        List<BoundedQuery> asked = new ArrayList<>();
        PrivateQueries engine = queries(spy(asked), new SpyBudget(1));
        engine.ask(COUNT);

        assertThatExceptionOfType(PrivacyBudgetExceededException.class).isThrownBy(() -> engine.ask(COUNT));

        assertThat(asked).hasSize(1);
        assertThat(records)
                .extracting(QueryRecord::outcome)
                .containsExactly(QueryRecord.Outcome.ANSWERED, QueryRecord.Outcome.REFUSED);
        assertThat(records.get(0).charge()).isPresent();
        assertThat(records.get(1).charge()).isEmpty();
        assertThat(records.get(1).failure()).containsInstanceOf(PrivacyBudgetExceededException.class);
    }

    private static QuerySource spy(List<BoundedQuery> asked) {
        return new QuerySource() {
            @Override
            public Map<String, ColumnType> columns() {
                return TABLE.columns();
            }

            @Override
            public BoundedSums measure(BoundedQuery query) {
                asked.add(query);
                return TABLE.measure(query);
            }
        };
    }

    private static Stream<Arguments> misfits() {
        Condition tooDeep =
                Condition.not(Condition.compare("age", Comparison.LESS, 3).or(Condition.in("x", 3)));
        return Stream.of(
                Arguments.of(
                        PrivateQuery.of(Aggregate.mean("wage", 0, 1), WEAK),
                        "column must be one of [age, region], was 'wage'"),
                Arguments.of(
                        PrivateQuery.of(Aggregate.mean("region", 0, 1), WEAK),
                        "column 'region' must be NUMBER, is TEXT"),
                Arguments.of(COUNT.where(tooDeep), "column must be one of [age, region], was 'x'"),
                Arguments.of(
                        COUNT.where(Condition.in("age", "old").and(Condition.everyRow())),
                        "column 'age' must be TEXT, is NUMBER"),
                Arguments.of(COUNT.where(Condition.between("region", 1, 2)), "column 'region' must be NUMBER, is TEXT"),
                Arguments.of(
                        COUNT.where(Condition.isMissing("wage")), "column must be one of [age, region], was 'wage'"),
                Arguments.of(COUNT.groupedBy("sex", "f"), "column must be one of [age, region], was 'sex'"),
                Arguments.of(
                        COUNT.groupedBy("age", "1", "1.0"),
                        "keys of the groups by column 'age' must be different numbers, was '1.0'"),
                Arguments.of(
                        COUNT.groupedBy("age", "old"),
                        "keys of the groups by column 'age' must be different numbers, was 'old'"),
                Arguments.of(
                        PrivateQuery.of(Aggregate.quantiles("age", 0, 1, 0.5), Noise.gaussian(1, 1e-6)),
                        "noise for quantiles must be laplace: they are chosen with pure privacy, was "
                                + "gaussian(epsilon=1.0, privacyDelta=1.0E-6)"),
                Arguments.of(
                        PrivateQuery.of(Aggregate.quantiles("age", 1, Math.nextUp(1.0), 0.5), WEAK),
                        "resolution for column 'age' must leave steps between 1.0 and 1.0000000000000002, was 1000"),
                Arguments.of(
                        PrivateQuery.of(Aggregate.quantiles("age", 0, 1, 0.5), Noise.laplace(1e-100)),
                        "epsilon must leave at least 1.0E-100 for each quantile of a group, was 1.0E-100"),
                Arguments.of(
                        PrivateQuery.of(Aggregate.mean("age", 0, 1e-200), WEAK),
                        "bounds of column 'age' must be at least 1.0E-120 apart, were 0.0 and 1.0E-200"),
                Arguments.of(
                        PrivateQuery.of(Aggregate.sum("age", 0, 1), Noise.laplace(1e-12)),
                        "epsilon must be large enough for noise of at most 1.125899906842624E15 steps, was 1.0E-12, "
                                + "which asks for 6.55360000000002"));
    }

    @ParameterizedTest
    @MethodSource("misfits")
    void refusesWhatDoesNotFitBeforeAnyDebit(PrivateQuery query, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> queries.ask(query))
                .withMessageStartingWith(message);
        assertThatIllegalArgumentException().isThrownBy(() -> queries.charge(query));

        assertThat(budget.charges).isEmpty();
        assertThat(records).hasSize(1);
        assertThat(records.get(0).query()).isEqualTo(query);
        assertThat(records.get(0).outcome()).isEqualTo(QueryRecord.Outcome.REFUSED);
        assertThat(records.get(0).charge()).isEmpty();
    }

    @Test
    void refusesMoreNumbersThanItHolds() {
        double[] edges = IntStream.rangeClosed(0, 100_000).asDoubleStream().toArray();
        String[] keys = IntStream.range(0, 11).mapToObj(String::valueOf).toArray(String[]::new);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> queries.ask(
                        PrivateQuery.of(Aggregate.histogram("age", edges), WEAK).groupedBy("age", keys)))
                .withMessage("groups times bins must be at most 1000000, were 1100011");
        assertThat(budget.charges).isEmpty();
    }

    @Test
    void keepsTheDebitOfASourceThatFailsAndTellsNothingOfIt() {
        IllegalStateException cause = new IllegalStateException("value 47 of patient ann is odd");
        QuerySource failing = new QuerySource() {
            @Override
            public Map<String, ColumnType> columns() {
                return TABLE.columns();
            }

            @Override
            public BoundedSums measure(BoundedQuery query) {
                throw cause;
            }
        };

        assertThatExceptionOfType(QueryFailedException.class)
                .isThrownBy(() -> queries(failing, budget).ask(COUNT))
                .withNoCause()
                .withMessage("the source of 'table/visits' failed with java.lang.IllegalStateException; "
                        + "nothing was released, the debit stays")
                .matches(failure -> failure.scope().equals("table/visits") && failure.getSuppressed().length == 0);
        assertThat(budget.charges).hasSize(1);
        assertThat(records).hasSize(1);
        assertThat(records.get(0).outcome()).isEqualTo(QueryRecord.Outcome.FAILED);
        assertThat(records.get(0).charge()).contains(budget.charges.get(0));
        assertThat(records.get(0).failure()).containsSame(cause);
    }

    @Test
    void refusesSumsOfAnotherForm() {
        QuerySource wrong = new QuerySource() {
            @Override
            public Map<String, ColumnType> columns() {
                return TABLE.columns();
            }

            @Override
            public BoundedSums measure(BoundedQuery query) {
                return BoundedSums.zeros(new BoundedQuery(
                        query.where(),
                        query.grouping(),
                        1,
                        query.column(),
                        Collections.nCopies(2, new Measure.Rows())));
            }
        };

        assertThatExceptionOfType(QueryFailedException.class)
                .isThrownBy(() -> queries(wrong, budget).ask(COUNT));
        assertThat(records.get(0).failure().orElseThrow())
                .hasMessage("a source must give 1 groups of 1 numbers, gave 1 of 2");
    }

    @Test
    void countsADebitThatMayHaveBeenRecorded() {
        SpyBudget broken = new SpyBudget(0) {
            @Override
            public PrivacySpent debit(PrivacyCharge charge) {
                throw new PrivacyLedgerException("the disk is full");
            }
        };

        assertThatExceptionOfType(PrivacyLedgerException.class)
                .isThrownBy(() -> queries(TABLE, broken).ask(COUNT));
        assertThat(records.get(0).outcome()).isEqualTo(QueryRecord.Outcome.FAILED);
        assertThat(records.get(0).charge()).isPresent();
    }

    @Test
    void doesNotReleaseWhatCouldNotBeLogged() {
        PrivateQueries unlogged = PrivateQueries.over(TABLE, budget, "t")
                .listener(record -> {
                    throw new IllegalStateException("the log is full");
                })
                .build();

        assertThatIllegalStateException().isThrownBy(() -> unlogged.ask(COUNT)).withMessage("the log is full");
        assertThat(budget.charges).hasSize(1);
    }

    @Test
    void answersForAGroupOfTheMinimumSizeAndNoSmaller() {
        // Noise of scale 0.002 is 0 but with probability e^-500.
        QueryAnswer five = queries.ask(COUNT.where(Condition.compare("age", Comparison.AT_LEAST, 95)));
        QueryAnswer four = queries.ask(COUNT.where(Condition.compare("age", Comparison.AT_LEAST, 96)));

        assertThat(five.value()).isEqualTo(5);
        assertThat(four.suppressed()).containsExactly("");
    }

    @Test
    void asksForACountOfPersonsOnlyWhereThereIsNone() {
        assertThat(measures(PrivateQuery.of(Aggregate.mean("age", 0, 1), STRONG), 10))
                .hasSize(2);
        assertThat(measures(PrivateQuery.of(Aggregate.mean("age", 0, 1), STRONG).withMaxRowsPerPerson(2), 10))
                .hasSize(3)
                .endsWith(new Measure.Persons());
        assertThat(measures(PrivateQuery.of(Aggregate.sum("age", 0, 1), STRONG), 10))
                .endsWith(new Measure.Persons());
        assertThat(measures(PrivateQuery.of(Aggregate.sum("age", 0, 1), STRONG), 0))
                .hasSize(1);
    }

    private static List<Measure> measures(PrivateQuery query, int minimumGroupSize) {
        return Plan.of(query, minimumGroupSize).bounded().measures();
    }

    @Test
    void rejectsSettingsOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PrivateQueries.over(TABLE, budget, "t").minimumGroupSize(-1))
                .withMessage("minimumGroupSize must be >= 0, was -1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PrivateQueries.over(TABLE, budget, ""))
                .withMessage("scope must not be empty");
    }

    private static Stream<Arguments> malformed() {
        return Stream.of(
                row(() -> Noise.laplace(0), "epsilon must be > 0 and finite, was 0.0"),
                row(() -> Noise.laplace(Double.NaN), "epsilon must be > 0 and finite, was NaN"),
                row(
                        () -> Noise.gaussian(Double.POSITIVE_INFINITY, 0.1),
                        "epsilon must be > 0 and finite, was Infinity"),
                row(() -> Noise.gaussian(1, 0), "privacyDelta must be in (0, 1), was 0.0"),
                row(() -> Noise.gaussian(1, 1), "privacyDelta must be in (0, 1), was 1.0"),
                row(() -> Noise.gaussian(1, Double.NaN), "privacyDelta must be in (0, 1), was NaN"),
                row(() -> Aggregate.mean("a", 2, 2), "lower must be < upper = 2.0 for column 'a', was 2.0"),
                row(
                        () -> Aggregate.sum("a", Double.NaN, 2),
                        "lower for column 'a' must be within 1.0E150 of 0, was NaN"),
                row(
                        () -> Aggregate.sum("a", 0, Double.POSITIVE_INFINITY),
                        "upper for column 'a' must be within 1.0E150 of 0, was Infinity"),
                row(() -> Aggregate.sum("", 0, 1), "column must be named, was ''"),
                row(
                        () -> BoundedColumn.of("a", 0, 1).withMissingAs(Double.NaN),
                        "missingAs must be in [0.0, 1.0] for column 'a', was NaN"),
                row(() -> Aggregate.histogram("a", 1), "edges for column 'a' must be at least 2, were 1"),
                row(
                        () -> Aggregate.histogram("a", 0, 2, 1, 3),
                        "edges for column 'a' must be ascending and finite, was 1.0 after 2.0"),
                row(
                        () -> Aggregate.histogram("a", 0, Double.NaN, 3),
                        "edges for column 'a' must be ascending and finite, was NaN after 0.0"),
                row(
                        () -> Aggregate.quantiles("a", 0, 1),
                        "probabilities for column 'a' must be at least one, were none"),
                row(() -> Aggregate.quantiles("a", 0, 1, 1), "a probability for column 'a' must be in (0, 1), was 1.0"),
                row(
                        () -> new Aggregate.Quantiles(BoundedColumn.of("a", 0, 1), List.of(0.5), 1),
                        "resolution for column 'a' must be in [2, 100000], was 1"),
                row(() -> COUNT.withMaxRowsPerPerson(0), "maxRowsPerPerson must be in [1, 1000000], was 0"),
                row(() -> new Grouping("g", List.of("a"), 0), "maxGroupsPerPerson must be >= 1, was 0"),
                row(() -> COUNT.groupedBy("g"), "keys of the groups by column 'g' must be at least one, were none"),
                row(
                        () -> COUNT.groupedBy("g", "a", "a"),
                        "keys of the groups by column 'g' must be different and not empty, was 'a' twice"),
                row(
                        () -> COUNT.groupedBy("g", ""),
                        "keys of the groups by column 'g' must be different and not empty, was ''"),
                row(
                        () -> Condition.compare("a", Comparison.LESS, Double.NaN),
                        "constant for column 'a' must be finite, was NaN"),
                row(() -> Condition.between("a", 2, 1), "lower must be <= upper = 1.0 for column 'a', was 2.0"),
                row(() -> Condition.in("a", new double[0]), "constants must be at least one, were none"),
                row(
                        () -> Condition.in("a", ""),
                        "a constant for column 'a' must not be empty, was '': that is a missing value, ask with isMissing"),
                row(() -> new Condition.Or(List.of()), "conditions must be at least one, were none"));
    }

    private static Arguments row(Runnable maker, String message) {
        return Arguments.of(maker, message);
    }

    @ParameterizedTest
    @MethodSource("malformed")
    void cannotBeMadeOfNonsense(Runnable maker, String message) {
        assertThatThrownBy(maker::run)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void readsAsAQuestion() {
        assertThat(PrivateQuery.of(Aggregate.quantiles("age", 0, 100, 0.5), STRONG)
                        .where(Condition.between("age", 18, 65).and(Condition.not(Condition.in("region", "it's"))))
                        .groupedBy("region", "north"))
                .hasToString("quantiles [0.5] of age in [0.0, 100.0] where (age between 18.0 and 65.0) and "
                        + "(not (region in ('it''s'))) by region [north], at most 1 a person, at most 1 rows a person, "
                        + "laplace(epsilon=0.5)");
    }
}
