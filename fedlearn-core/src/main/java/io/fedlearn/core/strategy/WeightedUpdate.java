package io.fedlearn.core.strategy;

import io.fedlearn.core.task.ClientUpdate;

/**
 * An update as an aggregator sees it.
 *
 * @param clientId whose update it is
 * @param update checked, decoded and transformed
 * @param weight {@code > 0} and finite
 */
public record WeightedUpdate(String clientId, ClientUpdate update, double weight) {
    /** Validates the weight. */
    public WeightedUpdate {
        if (!(weight > 0) || Double.isInfinite(weight)) {
            throw new IllegalArgumentException("weight must be > 0 and finite, was " + weight);
        }
    }
}
