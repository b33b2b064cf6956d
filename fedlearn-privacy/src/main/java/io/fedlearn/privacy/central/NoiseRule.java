package io.fedlearn.privacy.central;

import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;

/** Which noise each round's sum gets. Confined to one thread at a time. */
interface NoiseRule {
    /** Whether a round that starts now begins something that must be paid for. */
    boolean isCharged();

    /** Adds the noise of one round, in place. */
    void addTo(ClippedSum sum, GridSampler sampler, NoiseSource source);

    /** Gives up what is kept of earlier rounds. */
    void forget();
}
