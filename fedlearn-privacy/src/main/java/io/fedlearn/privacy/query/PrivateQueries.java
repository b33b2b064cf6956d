package io.fedlearn.privacy.query;

import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.task.Config;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.budget.PrivacyCharges;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Answers questions about a table so that hardly anything can be learned about one person in it. Immutable and thread-safe, as
 * far as its source, budget and listener are.
 *
 * <p><b>Adjacency.</b> One person more or less, with all rows ({@link NeighboringRelation#ADD_OR_REMOVE_ONE}).
 * <b>Released.</b> Noisy numbers for declared groups and bins, which of the groups were suppressed by their noisy size, and
 * nothing else. <b>Sensitivity.</b> In each of the {@link Grouping#maxGroupsPerPerson} groups that a person may be in, and with
 * {@code m} = {@link PrivateQuery#maxRowsPerPerson}: a count {@code m}, a count of persons 1, a sum {@code m max(|lower|, |upper|)},
 * a mean that of a count and of a sum of distances from the middle of the bounds, a variance these two and that of squares, a
 * histogram {@code m} (L1 and L2), a quantile's score {@code m max(q, 1 - q)}. <b>Guarantee.</b> That of {@link Noise}, for the
 * whole query; the charge names the event. <b>Randomness.</b> A cryptographic stream of its own for each query, exact samplers.
 * <b>Floating point.</b> Values are rounded to whole numbers ({@link ValueGrid}) before they are summed, and noise is added to
 * whole numbers. What the guarantee does not cover, such as how long an answer takes, is in {@code docs/privacy/queries.md}.
 *
 * <p>The budget is debited before the source is asked. A refused query costs nothing and releases nothing; one that fails later
 * has been paid for.
 */
public final class PrivateQueries {
    /** How many persons a group has at least, by its noisy count, unless it is said: {@value}. */
    public static final int DEFAULT_MINIMUM_GROUP_SIZE = 10;

    /** The most numbers, over all groups, that a source is asked for: {@value}. */
    public static final int MAX_NUMBERS = 1_000_000;

    private final QuerySource source;
    private final PrivacyBudget budget;
    private final String scope;
    private final int minimumGroupSize;
    private final QueryListener listener;
    private final Supplier<NoiseSource> noise;

    private PrivateQueries(Builder builder, Supplier<NoiseSource> noise) {
        source = builder.source;
        budget = builder.budget;
        scope = builder.scope;
        minimumGroupSize = builder.minimumGroupSize;
        listener = builder.listener;
        this.noise = noise;
    }

    /**
     * Queries over this source, paid for from this budget.
     *
     * @param budget under {@link NeighboringRelation#ADD_OR_REMOVE_ONE}, such as a {@link io.fedlearn.privacy.budget.LedgerBudget}
     * @param scope whose budget it is, such as {@code table/visits}
     */
    public static Builder over(QuerySource source, PrivacyBudget budget, String scope) {
        return new Builder(source, budget, scope);
    }

    /**
     * Answers a question.
     *
     * @throws IllegalArgumentException if the question does not fit the source's columns or cannot be protected so; nothing was
     *     debited
     * @throws PrivacyBudgetExceededException if the budget does not allow it; nothing was debited
     * @throws io.fedlearn.core.budget.PrivacyLedgerException if the debit could not be recorded; nothing was released
     * @throws QueryFailedException if the source failed; the debit stays
     */
    public QueryAnswer ask(PrivateQuery query) {
        Plan plan;
        PrivacyCharge charge;
        PrivacySpent spent;
        try {
            plan = plan(query);
            charge = charge(query, plan);
        } catch (IllegalArgumentException e) {
            tell(query, QueryRecord.Outcome.REFUSED, Optional.empty(), e);
            throw e;
        }
        try {
            spent = budget.debit(charge);
        } catch (PrivacyBudgetExceededException | IllegalArgumentException e) {
            tell(query, QueryRecord.Outcome.REFUSED, Optional.empty(), e);
            throw e;
        } catch (RuntimeException e) {
            tell(query, QueryRecord.Outcome.FAILED, Optional.of(charge), e);
            throw e;
        }
        List<GroupAnswer> groups;
        try {
            groups = plan.answer(source.measure(plan.bounded()), noise.get());
        } catch (RuntimeException e) {
            tell(query, QueryRecord.Outcome.FAILED, Optional.of(charge), e);
            throw new QueryFailedException(scope, e.getClass().getName());
        }
        listener.onQuery(new QueryRecord(query, QueryRecord.Outcome.ANSWERED, Optional.of(charge), Optional.empty()));
        return new QueryAnswer(query, groups, charge, spent);
    }

    private void tell(
            PrivateQuery query, QueryRecord.Outcome outcome, Optional<PrivacyCharge> charge, RuntimeException failure) {
        listener.onQuery(new QueryRecord(query, outcome, charge, Optional.of(failure)));
    }

    /**
     * What {@link #ask} would debit; nothing is debited.
     *
     * @throws IllegalArgumentException as {@link #ask} does
     */
    public PrivacyCharge charge(PrivateQuery query) {
        return charge(query, plan(query));
    }

    private PrivacyCharge charge(PrivateQuery query, Plan plan) {
        NeighboringRelation relation = NeighboringRelation.ADD_OR_REMOVE_ONE;
        if (query.noise() instanceof Noise.Gaussian gaussian) {
            return PrivacyCharges.of(scope, plan.event(), relation, query.toString(), gaussian.privacyDelta());
        }
        return PrivacyCharges.of(scope, plan.event(), relation, query.toString());
    }

    private Plan plan(PrivateQuery query) {
        Objects.requireNonNull(query, "query");
        new Schema(source.columns()).require(query);
        return Plan.of(query, minimumGroupSize);
    }

    /** Settings of {@link PrivateQueries}. Confined to one thread at a time. */
    public static final class Builder {
        private final QuerySource source;
        private final PrivacyBudget budget;
        private final String scope;
        private int minimumGroupSize = DEFAULT_MINIMUM_GROUP_SIZE;
        private QueryListener listener = QueryListener.NONE;

        private Builder(QuerySource source, PrivacyBudget budget, String scope) {
            this.source = Objects.requireNonNull(source, "source");
            this.budget = Objects.requireNonNull(budget, "budget");
            // What no charge could name is refused before there is one.
            this.scope = new PrivacyCharge(scope, "query", Config.empty()).scope();
        }

        /**
         * How many persons a group has at least, by its noisy count; of smaller ones nothing else is told. Where a query has no
         * count of persons, a fifth of what it may spend goes into one. {@value #DEFAULT_MINIMUM_GROUP_SIZE} unless it is said.
         *
         * @param persons at least 0, which suppresses nothing and costs nothing
         */
        public Builder minimumGroupSize(int persons) {
            if (persons < 0) {
                throw new IllegalArgumentException("minimumGroupSize must be >= 0, was " + persons);
            }
            this.minimumGroupSize = persons;
            return this;
        }

        /** Who hears of every query. */
        public Builder listener(QueryListener hearer) {
            this.listener = Objects.requireNonNull(hearer, "listener");
            return this;
        }

        /** The engine. */
        public PrivateQueries build() {
            return build(NoiseSource::secure);
        }

        /** The engine with noise that repeats itself: for tests, which alone have such a source. */
        PrivateQueries build(Supplier<NoiseSource> noise) {
            return new PrivateQueries(this, noise);
        }
    }
}
