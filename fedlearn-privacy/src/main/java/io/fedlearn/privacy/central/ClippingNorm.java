package io.fedlearn.privacy.central;

import io.fedlearn.core.task.Config;
import io.fedlearn.core.update.PartState;
import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.Map;
import java.util.Optional;

/**
 * The clipping norm that is in force. Where it adapts, it follows a noisy count, and so may be told. Confined to one thread at a
 * time.
 */
final class ClippingNorm {
    /** Where the norm lies in a saved state: {@value}. */
    static final String CLIPPING_NORM = "clippingNorm";

    /** One half of a bit is so many steps of the grid on which the count gets its noise: {@value}. */
    private static final double STEPS_PER_BIT = 1 << 20;

    private final Clipping clipping;
    private final double expectedCohort;
    private final NoiseSamplers samplers;
    private Optional<GridSampler> countNoise = Optional.empty();
    private double norm;
    // Each client within the norm counts 1, each other -1, and one that sends zeros 0: twice the sum of the bits.
    private long count;

    ClippingNorm(Clipping clipping, double expectedCohort, NoiseSamplers samplers) {
        this.clipping = clipping;
        this.expectedCohort = expectedCohort;
        this.samplers = samplers;
        this.norm = clipping.initialNorm();
    }

    double value() {
        return norm;
    }

    /** Starts to count anew. */
    void begin() {
        count = 0;
    }

    /**
     * Counts one update. One of zeros counts as none: where neighbours differ by a client that sends zeros, counting it as within
     * the norm would move the count by 2 against one that was clipped.
     */
    void add(double updateNorm) {
        if (updateNorm > 0) {
            count += updateNorm <= norm ? 1 : -1;
        }
    }

    /** Moves the norm by the round's count and its noise. */
    void finish(NoiseSource source) {
        if (clipping instanceof Clipping.Adaptive adaptive) {
            if (countNoise.isEmpty()) {
                countNoise = Optional.of(
                        samplers.gaussian(Math.nextUp(2 * adaptive.countNoise(expectedCohort) * STEPS_PER_BIT)));
            }
            double noisy = count * STEPS_PER_BIT + countNoise.get().sample(source);
            double share = noisy / STEPS_PER_BIT / 2 / expectedCohort + 0.5;
            double next = norm * StrictMath.exp(-adaptive.learningRate() * (share - adaptive.quantile()));
            norm = Math.min(Math.max(next, ClippingGrid.LEAST_NORM), 1 / ClippingGrid.LEAST_NORM);
        }
        count = 0;
    }

    PartState snapshot() {
        return clipping instanceof Clipping.Adaptive
                ? new PartState(Map.of(), Config.empty().with(CLIPPING_NORM, norm))
                : PartState.empty();
    }

    void restore(PartState state) {
        norm = Require.within(
                "saved clippingNorm",
                ClippingGrid.LEAST_NORM,
                1 / ClippingGrid.LEAST_NORM,
                state.values().getDouble(CLIPPING_NORM).orElse(clipping.initialNorm()));
        count = 0;
    }
}
