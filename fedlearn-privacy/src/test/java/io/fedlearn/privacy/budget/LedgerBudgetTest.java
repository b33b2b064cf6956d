package io.fedlearn.privacy.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.budget.InMemoryPrivacyLedger;
import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.core.budget.PrivacyLedgerException;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.task.Config;
import io.fedlearn.privacy.accounting.AnalyticGaussian;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.accounting.RdpAccountant;
import io.fedlearn.privacy.accounting.UnsupportedEventException;
import io.fedlearn.privacy.accounting.ZcdpAccountant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LedgerBudgetTest {
    private static final NeighboringRelation RELATION = NeighboringRelation.ADD_OR_REMOVE_ONE;
    private static final PrivacyEvent ROUND = new PrivacyEvent.PoissonSampled(0.01, new PrivacyEvent.Gaussian(1.1));

    private final PrivacyLedger ledger = InMemoryPrivacyLedger.create();

    private static PrivacyCharge charge(String scope, PrivacyEvent event) {
        return PrivacyCharges.of(scope, event, RELATION, "a test");
    }

    private static double rdpEpsilon(long rounds) {
        return RdpAccountant.of(RELATION).compose(ROUND, rounds).epsilon(1e-5);
    }

    private LedgerBudget pure(double epsilon) {
        return LedgerBudget.builder(ledger, Composition.basic(RELATION))
                .limit("table", epsilon, 0)
                .build();
    }

    private LedgerBudget training(double epsilon) {
        return LedgerBudget.builder(ledger, Composition.sameEvent(RdpAccountant.of(RELATION)))
                .limit("run", epsilon, 1e-5)
                .build();
    }

    @Test
    void saysLimitSpentAndAskedWhenItRefuses() {
        LedgerBudget budget = pure(1);
        budget.debit(charge("table", new PrivacyEvent.Laplace(4)));
        budget.debit(charge("table", new PrivacyEvent.DiscreteLaplace(8, 2)));

        assertThatExceptionOfType(PrivacyBudgetExceededException.class)
                .isThrownBy(() -> budget.debit(charge("table", new PrivacyEvent.PureLoss(0.75))))
                .withMessage("the privacy budget of scope 'table' is (epsilon 1.0, delta 0.0), of which (0.5, 0.0) is"
                        + " spent; with this charge it would be (1.25, 0.0)")
                .satisfies(e -> {
                    assertThat(e.limit()).isEqualTo(new PrivacySpent(1, 0));
                    assertThat(e.spent()).isEqualTo(new PrivacySpent(0.5, 0));
                    assertThat(e.askedEpsilon()).isEqualTo(1.25);
                    assertThat(e.askedPrivacyDelta()).isZero();
                });

        assertThat(ledger.entries("table")).hasSize(2);
        budget.debit(charge("table", new PrivacyEvent.PureLoss(0.5)));
        assertThat(budget.spent("table")).isEqualTo(budget.limit("table"));
    }

    @ParameterizedTest
    @CsvSource({"0.1, 10, 1", "0.01, 10, 0.1", "0.003, 100, 0.3", "0.7, 3, 2.1", "1e-5, 7, 7e-5"})
    void addsDecimalsExactly(double epsilon, int count, double limit) {
        LedgerBudget budget = pure(limit);
        for (int i = 0; i < count; i++) {
            budget.debit(charge("table", new PrivacyEvent.PureLoss(epsilon)));
        }
        assertThat(budget.spent("table")).isEqualTo(new PrivacySpent(limit, 0));
        assertThatExceptionOfType(PrivacyBudgetExceededException.class)
                .isThrownBy(() -> budget.debit(charge("table", new PrivacyEvent.PureLoss(1e-25))));
    }

    @Test
    void weighsPureEventsThatAreSampledOrAnswers() {
        LedgerBudget budget = pure(1);
        PrivacyEvent sampled = new PrivacyEvent.PoissonSampled(0.1, new PrivacyEvent.PureLoss(0.5));
        double spent = budget.debit(charge("table", sampled)).epsilon();
        assertThat(spent).isCloseTo(Math.log1p(0.1 * Math.expm1(0.5)), within(1e-12));
        PrivacyEvent several = new PrivacyEvent.Composed(
                List.of(new PrivacyEvent.PureLoss(0.125), new PrivacyEvent.Repeated(3, new PrivacyEvent.Laplace(8))));
        assertThat(budget.debit(charge("table", several)).epsilon()).isCloseTo(spent + 0.5, within(1e-12));

        PrivacyEvent answer = new PrivacyEvent.RandomizedResponse(0.5, 2);
        LedgerBudget answers = LedgerBudget.builder(ledger, Composition.basic(NeighboringRelation.REPLACE_ONE))
                .limit("person", 2, 0)
                .build();
        assertThat(answers.debit(PrivacyCharges.of("person", answer, NeighboringRelation.REPLACE_ONE, "an answer"))
                        .epsilon())
                .isCloseTo(Math.log(3), within(1e-12));
        assertThatExceptionOfType(PrivacyBudgetExceededException.class)
                .isThrownBy(() ->
                        answers.debit(PrivacyCharges.of("person", answer, NeighboringRelation.REPLACE_ONE, "another")));
    }

    @Test
    void roundsUpWhatIsNoDecimal() {
        LedgerBudget budget = pure(1);
        PrivacyEvent third = new PrivacyEvent.Laplace(3);
        budget.debit(charge("table", third));
        assertThat(budget.debit(charge("table", third)).epsilon()).isGreaterThanOrEqualTo(2.0 / 3);
        assertThatExceptionOfType(PrivacyBudgetExceededException.class)
                .isThrownBy(() -> budget.debit(charge("table", third)))
                .satisfies(e -> assertThat(e.askedEpsilon()).isEqualTo(Math.nextUp(1.0)));
    }

    @Test
    void refusesAScopeWithoutLimit() {
        LedgerBudget budget = pure(1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> budget.debit(charge("tabel", new PrivacyEvent.PureLoss(0.1))))
                .withMessage("scope 'tabel' has no privacy budget; there are budgets for [table]");
        assertThatIllegalArgumentException().isThrownBy(() -> budget.spent("tabel"));
        assertThat(ledger.scopes()).isEmpty();
    }

    @Test
    void givesEachOtherScopeTheDefaultLimit() {
        LedgerBudget budget = LedgerBudget.builder(ledger, Composition.basic(RELATION))
                .limit("client/berlin", 1, 0)
                .limitOfEachOtherScope(0.25, 0)
                .build();
        PrivacyEvent event = new PrivacyEvent.PureLoss(0.5);
        assertThat(budget.debit(charge("client/berlin", event)).epsilon()).isEqualTo(0.5);
        assertThatExceptionOfType(PrivacyBudgetExceededException.class)
                .isThrownBy(() -> budget.debit(charge("client/rome", event)));
    }

    @Test
    void refusesAChargeOfAnotherRelation() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> pure(1).debit(PrivacyCharges.of(
                        "table", new PrivacyEvent.PureLoss(0.1), NeighboringRelation.REPLACE_ONE, "x")))
                .withMessage("a charge of scope 'table' must be under add-remove, was under replace");
        assertThat(ledger.scopes()).isEmpty();
    }

    @Test
    void refusesAChargeThatIsNotOfItsForm() {
        LedgerBudget budget = pure(1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> budget.debit(new PrivacyCharge("table", "pure(epsilon=0.1)", Config.empty())))
                .withMessageContaining("must have the parameter 'relation'");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> budget.debit(
                        new PrivacyCharge("table", "gauss", Config.empty().with("relation", "add-remove"))));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> budget.debit(PrivacyCharges.of(
                        "table", new PrivacyEvent.Gaussian(1), RELATION, "a share of delta in a pure scope", 1e-6)));
        assertThatExceptionOfType(UnsupportedEventException.class)
                .isThrownBy(() -> budget.debit(charge("table", new PrivacyEvent.Gaussian(1))))
                .withMessageContaining("the scope takes pure events alone");
        assertThat(ledger.scopes()).isEmpty();
    }

    @Test
    void takesOneKindOfEventWhereTheBoundHoldsForNoMore() {
        LedgerBudget budget = training(8);
        budget.debit(charge("run", ROUND));
        PrivacyEvent other = new PrivacyEvent.PoissonSampled(0.01, new PrivacyEvent.Gaussian(1.2));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> budget.debit(charge("run", other)))
                .withMessageContaining("composed as repetitions of its first, " + ROUND);
        // Another budget over the same ledger knows as well.
        assertThatIllegalArgumentException().isThrownBy(() -> training(8).debit(charge("run", other)));

        PrivacySpent spent = budget.debit(charge("run", new PrivacyEvent.Repeated(9, ROUND)));
        double ten = rdpEpsilon(10);
        assertThat(spent.epsilon()).isCloseTo(ten, within(1e-12));
        assertThat(spent.privacyDelta()).isEqualTo(1e-5);
    }

    @Test
    void admitsExactlyAsManyRoundsAsTheAccountantDoes() {
        LedgerBudget budget = training(1.5);
        int rounds = 0;
        try {
            while (true) {
                budget.debit(charge("run", ROUND));
                rounds++;
            }
        } catch (PrivacyBudgetExceededException e) {
            assertThat(e.askedEpsilon())
                    .isCloseTo(
                            RdpAccountant.of(RELATION)
                                    .compose(ROUND, rounds + 1)
                                    .epsilon(1e-5),
                            within(1e-12))
                    .isGreaterThan(1.5);
        }
        assertThat(rounds).isGreaterThan(10);
        assertThat(rdpEpsilon(rounds)).isLessThanOrEqualTo(1.5);
        assertThat(training(1.5).spent("run")).isEqualTo(budget.spent("run"));
    }

    @Test
    void admitsWhatReachesTheLimitAndNothingBeyond() {
        double three = 0;
        for (int i = 0; i < 3; i++) {
            three = training(100).debit(charge("run", ROUND)).epsilon();
        }
        InMemoryPrivacyLedger fresh = InMemoryPrivacyLedger.create();
        fresh.append(charge("run", ROUND), 0);
        fresh.append(charge("run", ROUND), 1);
        LedgerBudget.Builder exact = LedgerBudget.builder(fresh, Composition.sameEvent(RdpAccountant.of(RELATION)));
        LedgerBudget less = LedgerBudget.builder(fresh, Composition.sameEvent(RdpAccountant.of(RELATION)))
                .limit("run", Math.nextDown(three), 1e-5)
                .build();

        assertThatExceptionOfType(PrivacyBudgetExceededException.class)
                .isThrownBy(() -> less.debit(charge("run", ROUND)));
        assertThat(exact.limit("run", three, 1e-5)
                        .build()
                        .debit(charge("run", ROUND))
                        .epsilon())
                .isEqualTo(three);
    }

    @Test
    void addsDeltasUpWhereChargesNameTheirShare() {
        LedgerBudget budget = LedgerBudget.builder(ledger, Composition.basic(RdpAccountant.of(RELATION)))
                .limit("table", 3, 2.5e-6)
                .build();
        PrivacyEvent event = new PrivacyEvent.Gaussian(AnalyticGaussian.noiseMultiplier(0.75, 1e-6));
        PrivacyCharge charge = PrivacyCharges.of("table", event, RELATION, "a test", 1e-6);
        budget.debit(charge);
        PrivacySpent two = budget.debit(charge);
        assertThat(two.epsilon()).isBetween(1.5 - 1e-9, 1.5);
        assertThat(two.privacyDelta()).isEqualTo(2e-6);
        assertThat(budget.debit(charge("table", new PrivacyEvent.PureLoss(0.5))).privacyDelta())
                .isEqualTo(2e-6);
        assertThatExceptionOfType(PrivacyBudgetExceededException.class)
                .isThrownBy(() -> budget.debit(charge))
                .satisfies(e -> assertThat(e.askedPrivacyDelta()).isEqualTo(3e-6));
    }

    @Test
    void takesSeveralGaussiansOfOneReleaseForOne() {
        LedgerBudget budget = LedgerBudget.builder(ledger, Composition.basic(RdpAccountant.of(RELATION)))
                .limitOfEachOtherScope(10, 1e-5)
                .build();
        PrivacyEvent event = new PrivacyEvent.Gaussian(5);
        PrivacyEvent several = new PrivacyEvent.Composed(List.of(event, new PrivacyEvent.Repeated(3, event)));
        double spent = budget.debit(PrivacyCharges.of("a", several, RELATION, "four sums", 1e-6))
                .epsilon();
        double exact = AnalyticGaussian.epsilon(2.5, 1e-6);
        assertThat(spent).isBetween(exact, exact * (1 + 1e-12));
        PrivacyEvent mixed = new PrivacyEvent.Composed(List.of(event, new PrivacyEvent.Laplace(5)));
        assertThat(budget.debit(PrivacyCharges.of("b", mixed, RELATION, "a sum and a count", 1e-6))
                        .epsilon())
                .isEqualTo(RdpAccountant.of(RELATION).compose(mixed).epsilon(1e-6));
    }

    @Test
    void addsRhoUpForFreelyChosenEvents() {
        double rho = 0.05;
        double limit = ZcdpAccountant.of(RELATION)
                .compose(new PrivacyEvent.ZeroConcentrated(rho))
                .epsilon(1e-6);
        LedgerBudget budget = LedgerBudget.builder(ledger, Composition.zeroConcentrated(RELATION))
                .limit("table", limit, 1e-6)
                .build();
        budget.debit(charge("table", new PrivacyEvent.Gaussian(5)));
        budget.debit(charge("table", new PrivacyEvent.DiscreteGaussian(50, 10)));
        PrivacySpent spent = budget.debit(charge("table", new PrivacyEvent.ZeroConcentrated(0.0099)));
        assertThat(spent.epsilon()).isLessThan(limit);
        assertThat(spent.privacyDelta()).isEqualTo(1e-6);
        assertThatExceptionOfType(PrivacyBudgetExceededException.class)
                .isThrownBy(() -> budget.debit(charge("table", new PrivacyEvent.ZeroConcentrated(0.0002))));
        assertThatExceptionOfType(UnsupportedEventException.class)
                .isThrownBy(() -> budget.debit(charge("table", ROUND)));
        assertThat(ledger.entries("table")).hasSize(3);
    }

    @Test
    void refusesALimitAtWhichNothingCanBeProven() {
        LedgerBudget budget = LedgerBudget.builder(ledger, Composition.zeroConcentrated(RELATION))
                .limit("table", 1, 0)
                .build();
        assertThatExceptionOfType(PrivacyBudgetExceededException.class)
                .isThrownBy(() -> budget.debit(charge("table", new PrivacyEvent.Gaussian(100))))
                .satisfies(e -> assertThat(e.askedEpsilon()).isInfinite());
        ledger.append(charge("table", new PrivacyEvent.Gaussian(100)), 0);
        assertThatExceptionOfType(PrivacyLedgerException.class)
                .isThrownBy(() -> budget.spent("table"))
                .withMessageContaining("has no proven epsilon at delta 0.0 as sums of rho under add-remove");
    }

    @Test
    void weighsWhatOthersDebited() {
        LedgerBudget one = pure(1);
        LedgerBudget other = pure(1);
        PrivacyEvent event = new PrivacyEvent.PureLoss(0.3);
        one.debit(charge("table", event));
        other.debit(charge("table", event));
        assertThat(one.debit(charge("table", event)).epsilon()).isEqualTo(0.9);
        assertThatExceptionOfType(PrivacyBudgetExceededException.class)
                .isThrownBy(() -> other.debit(charge("table", event)))
                .satisfies(e -> assertThat(e.spent().epsilon()).isEqualTo(0.9));
        assertThat(other.spent("table").epsilon()).isEqualTo(0.9);
    }

    @Test
    void refusesALedgerWhoseEntriesItCannotWeigh() {
        ledger.append(new PrivacyCharge("table", "pure(epsilon=0.1)", Config.empty()), 0);
        assertThatExceptionOfType(PrivacyLedgerException.class)
                .isThrownBy(() -> pure(1).debit(charge("table", new PrivacyEvent.PureLoss(0.1))))
                .withMessageStartingWith(
                        "entry 1 of scope 'table' cannot be weighed as sums of epsilon under add-remove");
        assertThat(ledger.entries("table")).hasSize(1);
    }

    @Test
    void countsADebitThatMayHaveBeenRecorded() {
        // Durable, but the ledger fails before it can say so, as when a disk fills up.
        boolean[] fails = {false};
        PrivacyLedger failing = new PrivacyLedger() {
            @Override
            public Optional<LedgerEntry> append(PrivacyCharge charge, long known) {
                Optional<LedgerEntry> entry = ledger.append(charge, known);
                if (fails[0]) {
                    throw new PrivacyLedgerException("the disk is full");
                }
                return entry;
            }

            @Override
            public List<LedgerEntry> entries(String scope, long known) {
                return ledger.entries(scope, known);
            }

            @Override
            public Set<String> scopes() {
                return ledger.scopes();
            }

            @Override
            public void close() {}
        };
        LedgerBudget budget = LedgerBudget.builder(failing, Composition.basic(RELATION))
                .limit("table", 1, 0)
                .build();
        PrivacyCharge charge = charge("table", new PrivacyEvent.PureLoss(0.25));
        budget.debit(charge);
        fails[0] = true;
        assertThatExceptionOfType(PrivacyLedgerException.class).isThrownBy(() -> budget.debit(charge));
        fails[0] = false;
        assertThat(budget.debit(charge).epsilon()).isEqualTo(0.75);
    }

    @Test
    void neverOverspendsUnder64ThreadsOfSeveralBudgets() throws Exception {
        List<LedgerBudget> budgets = List.of(pure(10), pure(10), pure(10));
        ExecutorService threads = Executors.newFixedThreadPool(64);
        try {
            List<Callable<Integer>> debtors = new ArrayList<>();
            for (int thread = 0; thread < 64; thread++) {
                LedgerBudget budget = budgets.get(thread % budgets.size());
                debtors.add(() -> {
                    int admitted = 0;
                    while (true) {
                        try {
                            budget.debit(charge("table", new PrivacyEvent.PureLoss(0.01)));
                            admitted++;
                        } catch (PrivacyBudgetExceededException e) {
                            return admitted;
                        }
                    }
                });
            }
            int admitted = 0;
            for (Future<Integer> debtor : threads.invokeAll(debtors)) {
                admitted += debtor.get();
            }
            assertThat(admitted).isEqualTo(1000);
        } finally {
            threads.shutdownNow();
        }
        assertThat(ledger.entries("table")).hasSize(1000);
        for (LedgerBudget budget : budgets) {
            assertThat(budget.spent("table")).isEqualTo(new PrivacySpent(10, 0));
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
    void refusesAnEpsilonThatIsNone(double epsilon) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> pure(epsilon))
                .withMessage("epsilon must be > 0 and finite, was " + epsilon);
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, -1e-9, Double.NaN})
    void refusesADeltaThatIsNone(double privacyDelta) {
        LedgerBudget.Builder builder = LedgerBudget.builder(ledger, Composition.basic(RELATION));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.limit("a", 1, privacyDelta))
                .withMessage("privacyDelta must be in [0, 1), was " + privacyDelta);
        assertThatIllegalArgumentException().isThrownBy(() -> builder.limitOfEachOtherScope(1, privacyDelta));
    }

    @Test
    void refusesABudgetWithoutOrWithTwoLimits() {
        LedgerBudget.Builder builder = LedgerBudget.builder(ledger, Composition.basic(RELATION));
        assertThatIllegalArgumentException().isThrownBy(builder::build);
        builder.limit("a", 1, 0);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.limit("a", 2, 0))
                .withMessage("scope 'a' has a limit already");
    }
}
