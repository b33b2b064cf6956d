package io.fedlearn.privacy.query;

import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacySpent;
import java.util.List;
import java.util.Objects;

/**
 * The private answer to a query. There is nothing exact in it: it may be shown to whoever the budget is kept for.
 *
 * @param query that was asked
 * @param groups in the order of the declared keys; a single one if nothing was grouped
 * @param charge that was debited
 * @param spent in the charge's scope, with this charge
 */
public record QueryAnswer(PrivateQuery query, List<GroupAnswer> groups, PrivacyCharge charge, PrivacySpent spent) {
    /** Copies the list. */
    public QueryAnswer {
        Objects.requireNonNull(query, "query");
        groups = List.copyOf(groups);
        Objects.requireNonNull(charge, "charge");
        Objects.requireNonNull(spent, "spent");
    }

    /**
     * The value of an answer that is a single number.
     *
     * @throws IllegalStateException if it was suppressed, or if there are several numbers
     */
    public double value() {
        return estimate().value();
    }

    /**
     * The single number of an answer.
     *
     * @throws IllegalStateException if it was suppressed, or if there are several numbers
     */
    public Estimate estimate() {
        if (groups.size() != 1 || query.aggregate().size() != 1) {
            throw new IllegalStateException("there is no single number: there are " + groups.size() + " groups of "
                    + query.aggregate().size());
        }
        if (groups.get(0).isSuppressed()) {
            throw new IllegalStateException("the answer was suppressed: too few persons");
        }
        return groups.get(0).estimates().get(0);
    }

    /**
     * The answer for the group with this key.
     *
     * @throws IllegalArgumentException if it was not declared
     */
    public GroupAnswer group(String key) {
        return groups.stream()
                .filter(group -> group.key().equals(key))
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException("key must be one of those declared, was '" + key + "'"));
    }

    /** The keys of the groups of which nothing is told because they, by their noisy counts, have too few persons. */
    public List<String> suppressed() {
        return groups.stream()
                .filter(GroupAnswer::isSuppressed)
                .map(GroupAnswer::key)
                .toList();
    }
}
