package io.fedlearn.privacy.budget;

import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.core.budget.PrivacyLedgerException;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.privacy.accounting.UnsupportedEventException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A privacy budget over a ledger: a filter, which admits a charge only if all that its scope was ever debited, and the charge,
 * stay within the scope's limit together. What is admitted is in the ledger before {@link #debit} returns, and stays there
 * whatever becomes of the release.
 *
 * <p><b>Scopes.</b> A limit protects the people whose data a scope stands for, such as a table, a client or the population of a run;
 * each charge is debited in one scope. A release that touches several of them is debited in each, one after the other, before it
 * is made: what was debited stays if a later one is refused.
 *
 * <p>Charges are made by {@link PrivacyCharges}, under the neighbouring relation of the {@linkplain Composition composition}.
 * Several budgets, in several processes, can stand over one ledger, with scopes of different compositions, say; each weighs
 * all entries of a scope. Limits are not in the ledger: whoever builds a budget says them.
 *
 * <p>Thread-safe. Debits of one scope wait for each other; those of different scopes only as far as the ledger makes them.
 * Closing the ledger is for whoever opened it.
 */
public final class LedgerBudget implements PrivacyBudget {
    private final PrivacyLedger ledger;
    private final Composition composition;
    private final Map<String, PrivacySpent> limits;
    private final Optional<PrivacySpent> defaultLimit;
    private final Map<String, Account> accounts = new ConcurrentHashMap<>();

    private LedgerBudget(Builder builder) {
        this.ledger = builder.ledger;
        this.composition = builder.composition;
        this.limits = Map.copyOf(builder.limits);
        this.defaultLimit = builder.defaultLimit;
    }

    /** Builds a budget over this ledger, whose scopes are added up in this way. */
    public static Builder builder(PrivacyLedger ledger, Composition composition) {
        return new Builder(ledger, composition);
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if the scope has no limit, the charge is not one of {@link PrivacyCharges}, is of another
     *     relation, or is an event for which the composition does not hold
     * @throws UnsupportedEventException if there is no proven bound for the event
     */
    @Override
    public PrivacySpent debit(PrivacyCharge charge) {
        Release release = Release.of(charge, composition.relation());
        return account(charge.scope()).debit(charge, release);
    }

    /**
     * {@inheritDoc} It is an upper bound if the events and their number were fixed beforehand; if they depended on results, the
     * guarantee is the {@linkplain #limit limit} ({@link Composition} says when).
     *
     * @throws IllegalArgumentException if the scope has no limit
     */
    @Override
    public PrivacySpent spent(String scope) {
        return account(scope).spent();
    }

    /**
     * What may be spent in this scope.
     *
     * @throws IllegalArgumentException if the scope has no limit
     */
    public PrivacySpent limit(String scope) {
        return Optional.ofNullable(limits.get(scope))
                .or(() -> defaultLimit)
                .orElseThrow(() -> new IllegalArgumentException(
                        "scope '" + scope + "' has no privacy budget; there are budgets for " + limits.keySet()));
    }

    private Account account(String scope) {
        PrivacySpent limit = limit(scope);
        return accounts.computeIfAbsent(scope, name -> new Account(name, limit));
    }

    /** What is known of a scope: the ledger's first entries, added up. */
    private final class Account {
        private final String scope;
        private final PrivacySpent limit;

        // Guards the tally. Held while the ledger is asked and written to: no debit of a scope can be weighed before
        // the one ahead of it is recorded, and threads that tried would only find that somebody was faster.
        private final ReentrantLock lock = new ReentrantLock();
        private Tally tally = composition.empty();
        private Tally.Weight weight = Tally.Weight.NOTHING;
        private long known;

        Account(String scope, PrivacySpent limit) {
            this.scope = scope;
            this.limit = limit;
        }

        PrivacySpent debit(PrivacyCharge charge, Release release) {
            lock.lock();
            try {
                if (known == 0) {
                    catchUp();
                }
                while (true) {
                    Tally next = withRelease(release);
                    Tally.Weight asked = next.weigh(limit);
                    if (!asked.fits()) {
                        if (catchUp()) {
                            continue; // it stays refused, for others only spend more; but say what is spent now
                        }
                        throw new PrivacyBudgetExceededException(
                                scope, limit, toSpent(weight), asked.epsilon(), asked.privacyDelta());
                    }
                    if (ledger.append(charge, known).isPresent()) {
                        tally = next;
                        weight = asked;
                        known++;
                        return toSpent(weight);
                    }
                    if (!catchUp()) {
                        throw new PrivacyLedgerException("the ledger has " + known + " entries of scope '" + scope
                                + "', and does not take one behind them");
                    }
                }
            } finally {
                lock.unlock();
            }
        }

        private Tally withRelease(Release release) {
            try {
                return tally.add(release, 1);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("scope '" + scope + "': " + e.getMessage(), e);
            }
        }

        PrivacySpent spent() {
            lock.lock();
            try {
                catchUp();
                return toSpent(weight);
            } finally {
                lock.unlock();
            }
        }

        /** Adds up what the ledger got meanwhile; whether there was anything. */
        private boolean catchUp() {
            List<LedgerEntry> entries = ledger.entries(scope, known);
            if (entries.isEmpty()) {
                return false;
            }
            Tally sum = tally;
            int from = 0;
            while (from < entries.size()) {
                PrivacyCharge charge = entries.get(from).charge();
                int to = from + 1;
                while (to < entries.size() && isSameRelease(entries.get(to).charge(), charge)) {
                    to++;
                }
                try {
                    sum = sum.add(Release.of(charge, composition.relation()), to - from);
                } catch (IllegalArgumentException | UnsupportedEventException e) {
                    throw new PrivacyLedgerException(
                            "entry " + entries.get(from).number() + " of scope '" + scope + "' cannot be weighed as "
                                    + composition + ": " + e.getMessage(),
                            e);
                }
                from = to;
            }
            Tally.Weight newWeight = sum.weigh(limit);
            if (Double.isInfinite(newWeight.epsilon())) {
                throw new PrivacyLedgerException("what was debited in scope '" + scope
                        + "' has no proven epsilon at delta " + limit.privacyDelta() + " as " + composition);
            }
            tally = sum;
            weight = newWeight;
            known += entries.size();
            return true;
        }

        private boolean isSameRelease(PrivacyCharge one, PrivacyCharge other) {
            return one.mechanism().equals(other.mechanism())
                    && parameter(one, PrivacyCharges.RELATION).equals(parameter(other, PrivacyCharges.RELATION))
                    && parameter(one, PrivacyCharges.PRIVACY_DELTA)
                            .equals(parameter(other, PrivacyCharges.PRIVACY_DELTA));
        }

        private Optional<Object> parameter(PrivacyCharge charge, String name) {
            return Optional.ofNullable(charge.parameters().asMap().get(name));
        }

        private PrivacySpent toSpent(Tally.Weight of) {
            return new PrivacySpent(of.epsilon(), of.privacyDelta());
        }
    }

    /** Settles the limits. Confined to one thread at a time. */
    public static final class Builder {
        private final PrivacyLedger ledger;
        private final Composition composition;
        private final Map<String, PrivacySpent> limits = new HashMap<>();
        private Optional<PrivacySpent> defaultLimit = Optional.empty();

        private Builder(PrivacyLedger ledger, Composition composition) {
            this.ledger = ledger;
            this.composition = composition;
        }

        /**
         * What may be spent in a scope, ever.
         *
         * @param epsilon {@code > 0} and finite
         * @param privacyDelta in [0, 1)
         * @throws IllegalArgumentException if the scope has a limit already
         */
        public Builder limit(String scope, double epsilon, double privacyDelta) {
            PrivacySpent limit = limit(epsilon, privacyDelta);
            if (limits.putIfAbsent(scope, limit) != null) {
                throw new IllegalArgumentException("scope '" + scope + "' has a limit already");
            }
            return this;
        }

        /**
         * What may be spent, ever, in each scope for which no limit was set; without it such a scope is refused. Fit where scopes
         * are clients or people; where whoever asks can choose the scope's name, it is no limit at all.
         *
         * @param epsilon {@code > 0} and finite
         * @param privacyDelta in [0, 1)
         */
        public Builder limitOfEachOtherScope(double epsilon, double privacyDelta) {
            this.defaultLimit = Optional.of(limit(epsilon, privacyDelta));
            return this;
        }

        private static PrivacySpent limit(double epsilon, double privacyDelta) {
            if (!(epsilon > 0) || Double.isInfinite(epsilon)) {
                throw new IllegalArgumentException("epsilon must be > 0 and finite, was " + epsilon);
            }
            return new PrivacySpent(epsilon, privacyDelta);
        }

        /**
         * The budget.
         *
         * @throws IllegalArgumentException if there is no limit
         */
        public LedgerBudget build() {
            if (limits.isEmpty() && defaultLimit.isEmpty()) {
                throw new IllegalArgumentException("a budget must have a limit for at least one scope");
            }
            return new LedgerBudget(this);
        }
    }
}
