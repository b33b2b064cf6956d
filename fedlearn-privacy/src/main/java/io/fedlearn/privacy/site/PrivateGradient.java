package io.fedlearn.privacy.site;

import io.fedlearn.privacy.internal.GridClipping;
import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.Arrays;

/**
 * One step's gradient: the sum of clipped gradients on a grid, with noise, over the expected number of persons.
 * Confined to one thread at a time.
 */
final class PrivateGradient {
    private final TrainedPart part;
    private final GridClipping clipping;
    private final GridSampler noise;
    private final double expectedPersons;
    private final long[][] sum;
    private long[] drawn = {};

    /**
     * A gradient of no persons yet.
     *
     * @param noise of standard deviation noise multiplier times {@link GridClipping#bound()}
     * @param expectedPersons what the sum is divided by: a public number
     */
    PrivateGradient(TrainedPart part, GridClipping clipping, GridSampler noise, double expectedPersons) {
        this.part = part;
        this.clipping = clipping;
        this.noise = noise;
        this.expectedPersons = expectedPersons;
        this.sum = part.zeros();
    }

    /**
     * Adds one person's gradient, clipped. One that is not finite adds nothing.
     *
     * @return whether it was finite
     */
    boolean add(float[] gradient) {
        return clipping.addTo(sum, part.of(gradient)) != GridClipping.Outcome.NOT_FINITE;
    }

    /** Adds noise, writes the gradient of the step, 0 where nothing is trained, and starts anew. */
    void finish(NoiseSource secret, float[] gradient) {
        Arrays.fill(gradient, 0);
        double scale = clipping.step() / expectedPersons;
        for (int p = 0; p < sum.length; p++) {
            long[] units = sum[p];
            if (drawn.length < units.length) {
                drawn = new long[units.length];
            }
            noise.fill(secret, drawn, 0, units.length);
            int start = part.start(p);
            for (int i = 0; i < units.length; i++) {
                gradient[start + i] = (float) ((units[i] + drawn[i]) * scale);
            }
            Arrays.fill(units, 0);
        }
    }
}
