package io.fedlearn.core.budget;

import io.fedlearn.core.FedLearnException;

/** Thrown when a release would cost more than is left of a privacy budget. Nothing was debited or released. */
public final class PrivacyBudgetExceededException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final String scope;

    /** Reports that the budget of this scope does not allow a charge. */
    public PrivacyBudgetExceededException(String scope, String message) {
        super(message);
        this.scope = scope;
    }

    /** Whose budget it is. */
    public String scope() {
        return scope;
    }
}
