package io.fedlearn.privacy.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.budget.InMemoryPrivacyLedger;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PldAccountant;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.accounting.RdpAccountant;
import io.fedlearn.privacy.budget.Composition;
import io.fedlearn.privacy.budget.LedgerBudget;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Queries on a budget over a ledger. */
final class QueryBudgetTest {
    private static final NeighboringRelation RELATION = NeighboringRelation.ADD_OR_REMOVE_ONE;
    private static final String SCOPE = "table/visits";

    private static final TableSource TABLE = TableSource.ofPersons(new long[] {1, 2, 2, 3})
            .number("x", new double[] {1, 2, 3, 4})
            .text("g", List.of("a", "b", "a", "b"))
            .build();

    private final InMemoryPrivacyLedger ledger = InMemoryPrivacyLedger.create();

    private PrivateQueries queries(Composition composition, double epsilon, double privacyDelta) {
        return PrivateQueries.over(
                        TABLE,
                        LedgerBudget.builder(ledger, composition)
                                .limit(SCOPE, epsilon, privacyDelta)
                                .build(),
                        SCOPE)
                .build();
    }

    @Test
    void tenTenthsFitAndNoMore() {
        PrivateQueries queries = queries(Composition.basic(RELATION), 1, 0);
        PrivateQuery query = PrivateQuery.of(Aggregate.variance("x", 0, 4), Noise.laplace(0.1))
                .groupedBy(new Grouping("g", List.of("a", "b", "c"), 2))
                .withMaxRowsPerPerson(2);
        for (int i = 1; i <= 10; i++) {
            assertThat(queries.ask(query).spent().epsilon()).isCloseTo(i / 10.0, within(1e-9));
        }

        assertThatExceptionOfType(PrivacyBudgetExceededException.class).isThrownBy(() -> queries.ask(query));
        assertThat(ledger.entries(SCOPE)).hasSize(10);
    }

    @Test
    void analystsDoNotOverspendTogether() throws Exception {
        PrivateQueries queries = queries(Composition.basic(RELATION), 1, 0);
        PrivateQuery query = PrivateQuery.of(Aggregate.mean("x", 0, 4), Noise.laplace(0.1));
        List<Callable<Boolean>> analysts = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            analysts.add(() -> {
                try {
                    queries.ask(query);
                    return true;
                } catch (PrivacyBudgetExceededException e) {
                    return false;
                }
            });
        }
        ExecutorService executor = Executors.newFixedThreadPool(8);
        try {
            int answered = 0;
            for (Future<Boolean> answer : executor.invokeAll(analysts)) {
                answered += answer.get() ? 1 : 0;
            }
            assertThat(answered).isEqualTo(10);
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void gaussianQueriesCostTheirEpsilonAndDelta() {
        PrivateQueries queries = queries(Composition.basic(PldAccountant.of(RELATION)), 1.01, 1e-5);
        PrivateQuery query = PrivateQuery.of(Aggregate.mean("x", 0, 4), Noise.gaussian(0.5, 5e-6));

        queries.ask(query);
        assertThat(queries.ask(query).spent().epsilon()).isBetween(0.99, 1.01);
        assertThatExceptionOfType(PrivacyBudgetExceededException.class).isThrownBy(() -> queries.ask(query));
    }

    /** What a query names, an accountant that knows nothing of queries finds, from the text in the ledger. */
    @Test
    void accountantsFindNoMoreThanTheQueryNames() {
        SeededRandom random = SeededRandom.of(21);
        for (int trial = 0; trial < 200; trial++) {
            PrivateQuery query = RandomTable.query(random, Noise.laplace(0.7));
            String text = Plan.of(query, trial % 2).event().toString();
            PrivacyEvent event = PrivacyEvent.parse(text);
            assertThat(RdpAccountant.of(RELATION).compose(event).epsilon(0))
                    .as(text)
                    .isBetween(0.7 * (1 - 0x1p-19), 0.7 * (1 + 1e-9));
        }
    }
}
