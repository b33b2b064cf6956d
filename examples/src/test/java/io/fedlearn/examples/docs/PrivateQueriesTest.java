package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.budget.InMemoryPrivacyLedger;
import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.budget.Composition;
import io.fedlearn.privacy.budget.LedgerBudget;
import io.fedlearn.privacy.query.Aggregate;
import io.fedlearn.privacy.query.Comparison;
import io.fedlearn.privacy.query.Condition;
import io.fedlearn.privacy.query.GroupAnswer;
import io.fedlearn.privacy.query.Grouping;
import io.fedlearn.privacy.query.Noise;
import io.fedlearn.privacy.query.PrivateQueries;
import io.fedlearn.privacy.query.PrivateQuery;
import io.fedlearn.privacy.query.QueryAnswer;
import io.fedlearn.privacy.query.QueryRecord;
import io.fedlearn.privacy.query.TableSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Code of {@code docs/privacy/queries.md}. */
final class PrivateQueriesTest {
    private static final int ROWS = 5000;

    private final List<QueryRecord> audit = new ArrayList<>();

    @Test
    void asks() {
        long[] customers = new long[ROWS];
        double[] balance = new double[ROWS];
        long[] age = new long[ROWS];
        List<String> region = new ArrayList<>();
        SeededRandom random = SeededRandom.of(1);
        for (int row = 0; row < ROWS; row++) {
            customers[row] = row / 2;
            balance[row] = 8_000 + 3_000 * random.nextGaussian();
            age[row] = 18 + random.nextInt(60);
            region.add(random.nextInt(3) == 0 ? "north" : "south");
        }
        // tag::engine[]
        TableSource accounts = TableSource.ofPersons(customers) // whose row it is, by row
                .number("balance", balance)
                .number("age", age)
                .text("region", region)
                .build();
        PrivacyBudget budget = LedgerBudget.builder(
                        InMemoryPrivacyLedger.create(), // FilePrivacyLedger where there are real people
                        Composition.basic(NeighboringRelation.ADD_OR_REMOVE_ONE))
                .limit("table/accounts", 2.0, 0)
                .build();
        PrivateQueries queries = PrivateQueries.over(accounts, budget, "table/accounts")
                .minimumGroupSize(20)
                .listener(audit::add)
                .build();
        // end::engine[]

        // tag::ask[]
        PrivateQuery query = PrivateQuery.of(Aggregate.mean("balance", 0, 50_000), Noise.laplace(0.5))
                .where(Condition.compare("age", Comparison.AT_LEAST, 30))
                .groupedBy(new Grouping("region", List.of("north", "south", "islands"), 1))
                .withMaxRowsPerPerson(2);

        QueryAnswer answer = queries.ask(query);
        for (GroupAnswer group : answer.groups()) {
            System.out.println(group.key() + " " + group.estimates());
        }
        System.out.println("too few persons in " + answer.suppressed());
        System.out.println("spent " + answer.spent());
        // end::ask[]

        // Whether the islands are suppressed is up to the noise.
        assertThat(answer.suppressed()).doesNotContain("north", "south");
        assertThat(answer.group("south").estimates().get(0).value()).isBetween(5_000.0, 11_000.0);
        assertThat(audit).hasSize(1);
        assertThat(answer.spent().epsilon()).isBetween(0.49, 0.5);
    }
}
