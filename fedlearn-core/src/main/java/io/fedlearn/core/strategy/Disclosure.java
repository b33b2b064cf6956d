package io.fedlearn.core.strategy;

/**
 * What of a round leaves the coordinator beside the noisy model: on record, in the audit log, to listeners. What a private run
 * releases must be noisy or not depend on the clients' data; everything else is withheld, and in such a run the round loop gives no
 * round up for want of updates, since that too would tell. (A rule may, if its noise comes from the clients and too little came.)
 */
public enum Disclosure {
    /** All that is known of the round; the rule where the strategy adds no noise. */
    EVERYTHING,
    /** The model, and who was asked; not how that ended, nor what any client reported. */
    MODEL_AND_COHORT,
    /** The model alone: privacy rests on nobody knowing who was asked. */
    MODEL
}
