package io.fedlearn.privacy.budget;

import io.fedlearn.core.budget.InMemoryPrivacyLedger;
import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyAccountant;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.accounting.RdpAccountant;
import io.fedlearn.privacy.accounting.ZcdpAccountant;
import io.fedlearn.testkit.contract.PrivacyBudgetContract;
import org.junit.jupiter.api.Nested;

class LedgerBudgetContractTest {
    private static final NeighboringRelation RELATION = NeighboringRelation.ADD_OR_REMOVE_ONE;

    abstract static class OfAComposition extends PrivacyBudgetContract {
        private final PrivacyLedger ledger = InMemoryPrivacyLedger.create();

        abstract Composition composition();

        abstract PrivacyEvent event();

        @Override
        protected PrivacyBudget open() {
            return LedgerBudget.builder(ledger, composition())
                    .limitOfEachOtherScope(1, 1e-5)
                    .build();
        }

        @Override
        protected PrivacyCharge charge(String scope) {
            return PrivacyCharges.of(scope, event(), RELATION, "a test");
        }
    }

    @Nested
    class Basic extends OfAComposition {
        @Override
        Composition composition() {
            return Composition.basic(RELATION);
        }

        @Override
        PrivacyEvent event() {
            return new PrivacyEvent.PureLoss(0.1);
        }

        @Override
        protected int affordableCharges() {
            return 10;
        }
    }

    @Nested
    class SameEvent extends OfAComposition {
        @Override
        Composition composition() {
            return Composition.sameEvent(RdpAccountant.of(RELATION));
        }

        @Override
        PrivacyEvent event() {
            return new PrivacyEvent.Gaussian(20);
        }

        @Override
        protected int affordableCharges() {
            return affordable(RdpAccountant.of(RELATION), event());
        }
    }

    @Nested
    class ZeroConcentrated extends OfAComposition {
        @Override
        Composition composition() {
            return Composition.zeroConcentrated(RELATION);
        }

        @Override
        PrivacyEvent event() {
            return new PrivacyEvent.Gaussian(20);
        }

        @Override
        protected int affordableCharges() {
            return affordable(ZcdpAccountant.of(RELATION), event());
        }
    }

    private static int affordable(PrivacyAccountant accountant, PrivacyEvent event) {
        int count = 0;
        while (accountant.compose(event, count + 1).epsilon(1e-5) <= 1) {
            count++;
        }
        return count;
    }
}
