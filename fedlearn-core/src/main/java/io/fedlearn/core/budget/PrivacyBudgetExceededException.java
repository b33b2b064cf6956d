package io.fedlearn.core.budget;

import io.fedlearn.core.FedLearnException;

/** Thrown when a release would cost more than is left of a privacy budget. Nothing was debited or released. */
public final class PrivacyBudgetExceededException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final String scope;
    private final transient PrivacySpent limit;
    private final transient PrivacySpent spent;
    private final double askedEpsilon;
    private final double askedPrivacyDelta;

    /**
     * Reports that the budget of a scope does not allow a charge.
     *
     * @param scope whose budget it is
     * @param limit what may be spent in the scope
     * @param spent what has been spent, without the charge
     * @param askedEpsilon what would be spent with the charge; infinite if no bound can be proven
     * @param askedPrivacyDelta what would be spent with the charge
     */
    public PrivacyBudgetExceededException(
            String scope, PrivacySpent limit, PrivacySpent spent, double askedEpsilon, double askedPrivacyDelta) {
        super("the privacy budget of scope '" + scope + "' is (epsilon " + limit.epsilon() + ", delta "
                + limit.privacyDelta() + "), of which (" + spent.epsilon() + ", " + spent.privacyDelta()
                + ") is spent; with this charge it would be (" + askedEpsilon + ", " + askedPrivacyDelta + ")");
        this.scope = scope;
        this.limit = limit;
        this.spent = spent;
        this.askedEpsilon = askedEpsilon;
        this.askedPrivacyDelta = askedPrivacyDelta;
    }

    /** Whose budget it is. */
    public String scope() {
        return scope;
    }

    /** What may be spent in the scope. */
    public PrivacySpent limit() {
        return limit;
    }

    /** What has been spent in the scope, without the charge. */
    public PrivacySpent spent() {
        return spent;
    }

    /** What epsilon would be with the charge; infinite if no bound can be proven. */
    public double askedEpsilon() {
        return askedEpsilon;
    }

    /** What delta would be with the charge. */
    public double askedPrivacyDelta() {
        return askedPrivacyDelta;
    }
}
