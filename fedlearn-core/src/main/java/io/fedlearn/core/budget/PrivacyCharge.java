package io.fedlearn.core.budget;

import io.fedlearn.core.task.Config;
import java.util.Objects;

/**
 * What a release of noisy data costs, before it is made.
 *
 * @param scope whose budget is debited, such as a run or a table
 * @param mechanism which adds the noise, by its published name
 * @param parameters of the mechanism and of the sampling, from which an accountant computes the cost
 */
public record PrivacyCharge(String scope, String mechanism, Config parameters) {
    /** Validates that scope and mechanism are named. */
    public PrivacyCharge {
        if (scope.isEmpty() || mechanism.isEmpty()) {
            throw new IllegalArgumentException("scope and mechanism must not be empty");
        }
        Objects.requireNonNull(parameters, "parameters");
    }
}
