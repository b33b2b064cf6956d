package io.fedlearn.core.federation;

/** Why a run ended. */
public enum StopReason {
    /** All rounds are done. */
    ROUNDS_DONE,
    /** The goal was not bettered for as long as the run's patience. */
    EARLY_STOPPED,
    /** The next round would have overspent the privacy budget. */
    PRIVACY_BUDGET_SPENT
}
