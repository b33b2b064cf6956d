package io.fedlearn.aggregators;

/** How many local steps {@link FedNova} moves the global model by in a round, {@code tau_eff}. */
public enum EffectiveSteps {
    /**
     * {@code tau_eff = sum_k p_k ||a_k||_1}: what the clients' steps amount to, with their momentum and proximal term. Equal
     * clients give FedAvg's model then.
     */
    NORMALISERS,
    /**
     * {@code tau_eff = sum_k p_k tau_k}: the number of steps as such. With plain SGD the same as {@link #NORMALISERS}; with
     * a proximal term, which makes {@code ||a_k||_1} less than {@code tau_k}, a longer step, with momentum a shorter one.
     */
    STEPS
}
