package io.fedlearn.aggregators;

/** How {@link FedAdam} makes up for moment estimates that start from nothing. */
public enum BiasCorrection {
    /** Not at all, as in the paper: {@code v} starts at {@code tau^2}. */
    NONE,
    /**
     * As in Adam itself: {@code m} and {@code v} start at 0, and the step of round {@code t = 1, 2, ...} is made of
     * {@code m / (1 - beta1^t)} and {@code v / (1 - beta2^t)} (Kingma and Ba, "Adam: A Method for Stochastic
     * Optimization", ICLR 2015, arXiv:1412.6980, Algorithm 1).
     */
    KINGMA_BA,
    /**
     * As Flower 1.29 does, for runs that must agree with it: {@code m} and {@code v} start at 0, and the
     * server learning rate is multiplied by {@code sqrt(1 - beta2^(t+1)) / (1 - beta1^(t+1))}, whose exponent is one
     * ahead of {@link #KINGMA_BA}'s. In round 1, with the default betas, that is 0.742 instead of 1.
     */
    FLOWER_COMPAT
}
