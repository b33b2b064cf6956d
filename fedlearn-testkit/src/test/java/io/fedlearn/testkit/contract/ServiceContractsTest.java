package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.budget.InMemoryPrivacyLedger;
import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.core.task.Config;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The suites for audit logs and privacy budgets and ledgers, on small ones of the test's own. */
class ServiceContractsTest {
    /** Keeps the end alone; open so that tests can break it. */
    private static class Chain implements AuditLog {
        final Set<AuditHead> heads = new HashSet<>(Set.of(AuditHead.empty()));
        AuditHead head = AuditHead.empty();

        @Override
        public synchronized AuditHead append(AuditEvent event) {
            head = new AuditHead(head.sequence() + 1, hash(head.hash() + event));
            heads.add(head);
            return head;
        }

        @Override
        public synchronized boolean contains(AuditHead earlierHead) {
            return heads.contains(earlierHead);
        }

        static String hash(String text) {
            try {
                return HexFormat.of()
                        .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java platform must have SHA-256", e);
            }
        }

        @Override
        public synchronized AuditHead head() {
            return head;
        }

        @Override
        public void close() {}
    }

    @Nested
    class OnAChain extends AuditLogContract {
        private final Chain chain = new Chain();

        @Override
        protected AuditLog open() {
            return chain;
        }
    }

    @FailsOnPurpose
    static class HashesEventsAlone extends AuditLogContract {
        private final Chain chain = new Chain() {
            @Override
            public synchronized AuditHead append(AuditEvent event) {
                head = new AuditHead(head.sequence() + 1, hash(event.toString()));
                heads.add(head);
                return head;
            }
        };

        @Override
        protected AuditLog open() {
            return chain;
        }
    }

    @FailsOnPurpose
    static class StartsAnewWhenOpened extends AuditLogContract {
        @Override
        protected AuditLog open() {
            return new Chain();
        }
    }

    @FailsOnPurpose
    static class ForgetsItsPast extends AuditLogContract {
        private final Chain chain = new Chain() {
            @Override
            public synchronized boolean contains(AuditHead earlierHead) {
                return earlierHead.sequence() <= head.sequence();
            }
        };

        @Override
        protected AuditLog open() {
            return chain;
        }
    }

    @Test
    void findsLogsThatForgetTheirPast() {
        assertThat(SuiteRun.failures(ForgetsItsPast.class)).containsExactly("knowsItsEarlierEnds");
    }

    @Test
    void findsRecordsWithoutAChain() {
        assertThat(SuiteRun.failures(HashesEventsAlone.class)).containsExactly("chainsRecords");
    }

    @Test
    void findsLogsThatStartAnew() {
        assertThat(SuiteRun.failures(StartsAnewWhenOpened.class)).containsExactly("continuesAfterReopening");
    }

    /** A budget of epsilon 1 for each scope, an eighth at a time; open so that tests can break it. */
    private static class Purse implements PrivacyBudget {
        static final int CHARGES = 8;

        final Map<String, Integer> charges = new ConcurrentHashMap<>();

        @Override
        public synchronized PrivacySpent debit(PrivacyCharge charge) {
            if (charges.getOrDefault(charge.scope(), 0) == CHARGES) {
                throw exceeded(charge.scope());
            }
            charges.merge(charge.scope(), 1, Integer::sum);
            return spent(charge.scope());
        }

        @Override
        public PrivacySpent spent(String scope) {
            return new PrivacySpent(charges.getOrDefault(scope, 0) / (double) CHARGES, 0);
        }

        PrivacyBudgetExceededException exceeded(String scope) {
            return new PrivacyBudgetExceededException(scope, new PrivacySpent(1, 0), spent(scope), 1.125, 0);
        }
    }

    abstract static class OfAPurse extends PrivacyBudgetContract {
        @Override
        protected PrivacyCharge charge(String scope) {
            return new PrivacyCharge(scope, "gaussian", Config.empty());
        }

        @Override
        protected int affordableCharges() {
            return Purse.CHARGES;
        }
    }

    @Nested
    class OnAPurse extends OfAPurse {
        private final Purse purse = new Purse();

        @Override
        protected PrivacyBudget open() {
            return purse;
        }
    }

    @FailsOnPurpose
    static class DebitsWhatItRefuses extends OfAPurse {
        private final Purse purse = new Purse() {
            @Override
            public synchronized PrivacySpent debit(PrivacyCharge charge) {
                try {
                    return super.debit(charge);
                } catch (PrivacyBudgetExceededException e) {
                    charges.merge(charge.scope(), 1, Integer::sum);
                    throw e;
                }
            }
        };

        @Override
        protected PrivacyBudget open() {
            return purse;
        }
    }

    @FailsOnPurpose
    static class OverspendsTogether extends OfAPurse {
        // What a lost race would do, without leaving it to chance that one is lost.
        private final Purse purse = new Purse() {
            private final Set<Thread> debtors = new HashSet<>();

            @Override
            public synchronized PrivacySpent debit(PrivacyCharge charge) {
                debtors.add(Thread.currentThread());
                int limit = debtors.size() > 1 ? CHARGES + 1 : CHARGES;
                if (charges.getOrDefault(charge.scope(), 0) >= limit) {
                    throw exceeded(charge.scope());
                }
                charges.merge(charge.scope(), 1, Integer::sum);
                return spent(charge.scope());
            }
        };

        @Override
        protected PrivacyBudget open() {
            return purse;
        }
    }

    @FailsOnPurpose
    static class ForgetsWhenOpened extends OfAPurse {
        @Override
        protected PrivacyBudget open() {
            return new Purse();
        }
    }

    @FailsOnPurpose
    static class OneBudgetForAll extends OfAPurse {
        private final Purse purse = new Purse() {
            @Override
            public synchronized PrivacySpent debit(PrivacyCharge charge) {
                return super.debit(new PrivacyCharge("all", charge.mechanism(), charge.parameters()));
            }

            @Override
            public PrivacySpent spent(String scope) {
                return super.spent("all");
            }
        };

        @Override
        protected PrivacyBudget open() {
            return purse;
        }
    }

    @Test
    void findsDebitsOfWhatWasRefused() {
        assertThat(SuiteRun.failures(DebitsWhatItRefuses.class)).contains("refusesToOverspend");
    }

    @Test
    void findsDebitsThatOverspendTogether() {
        assertThat(SuiteRun.failures(OverspendsTogether.class)).containsExactly("concurrentDebitsDoNotOverspend");
    }

    @Test
    void findsForgottenDebits() {
        assertThat(SuiteRun.failures(ForgetsWhenOpened.class)).containsExactly("remembersDebits");
    }

    @Test
    void findsScopesThatShareABudget() {
        assertThat(SuiteRun.failures(OneBudgetForAll.class)).contains("keepsScopesApart");
    }

    @Nested
    class OnALedgerInMemory extends PrivacyLedgerContract {
        private final PrivacyLedger ledger = InMemoryPrivacyLedger.create();

        @Override
        protected PrivacyLedger open() {
            return ledger;
        }
    }

    /** A ledger that tests can break. */
    private static class OpenLedger implements PrivacyLedger {
        final PrivacyLedger ledger = InMemoryPrivacyLedger.create();

        @Override
        public synchronized Optional<LedgerEntry> append(PrivacyCharge charge, long known) {
            return ledger.append(charge, known);
        }

        @Override
        public synchronized List<LedgerEntry> entries(String scope, long known) {
            return ledger.entries(scope, known);
        }

        @Override
        public Set<String> scopes() {
            return ledger.scopes();
        }

        @Override
        public void close() {}
    }

    @FailsOnPurpose
    static class ForgetsEntries extends PrivacyLedgerContract {
        @Override
        protected PrivacyLedger open() {
            return new OpenLedger();
        }
    }

    @FailsOnPurpose
    static class AppendsUnasked extends PrivacyLedgerContract {
        private final PrivacyLedger ledger = new OpenLedger() {
            @Override
            public synchronized Optional<LedgerEntry> append(PrivacyCharge charge, long known) {
                return super.append(
                        charge, Math.max(known, entries(charge.scope()).size()));
            }
        };

        @Override
        protected PrivacyLedger open() {
            return ledger;
        }
    }

    @FailsOnPurpose
    static class SaysNothingOfMissingEntries extends PrivacyLedgerContract {
        private final PrivacyLedger ledger = new OpenLedger() {
            @Override
            public synchronized List<LedgerEntry> entries(String scope, long known) {
                return super.entries(
                        scope, Math.min(known, super.entries(scope, 0).size()));
            }
        };

        @Override
        protected PrivacyLedger open() {
            return ledger;
        }
    }

    @Test
    void findsForgottenEntries() {
        assertThat(SuiteRun.failures(ForgetsEntries.class)).containsExactly("remembersEntries");
    }

    @Test
    void findsEntriesBehindUnknownOnes() {
        assertThat(SuiteRun.failures(AppendsUnasked.class)).contains("appendsBehindKnownEntriesOnly");
    }

    @Test
    void findsSilenceAboutMissingEntries() {
        assertThat(SuiteRun.failures(SaysNothingOfMissingEntries.class)).containsExactly("reportsMissingEntries");
    }
}
