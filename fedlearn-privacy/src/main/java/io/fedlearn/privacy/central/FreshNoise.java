package io.fedlearn.privacy.central;

import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.Arrays;

/** Noise of its own for every round. */
final class FreshNoise implements NoiseRule {
    private final long[] noise = new long[1024];

    @Override
    public boolean isCharged() {
        return true;
    }

    @Override
    public void addTo(ClippedSum sum, GridSampler sampler, NoiseSource source) {
        for (int t = 0; t < sum.values().size(); t++) {
            double[] values = sum.values().get(t);
            int length = sum.isSummed(t) ? values.length : 0;
            for (int from = 0; from < length; from += noise.length) {
                int count = Math.min(noise.length, length - from);
                sampler.fill(source, noise, 0, count);
                for (int i = 0; i < count; i++) {
                    values[from + i] += noise[i];
                }
            }
        }
        Arrays.fill(noise, 0);
    }

    @Override
    public void forget() {}
}
