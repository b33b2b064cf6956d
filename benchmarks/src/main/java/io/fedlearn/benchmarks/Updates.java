package io.fedlearn.benchmarks;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Updates as clients send them: each client's float32 values lie around those of a common model, and its example count is a
 * whole number from 50 to 5,000.
 */
final class Updates {
    private final List<float[]> values;
    private final long[] counts;

    private Updates(List<float[]> values, long[] counts) {
        this.values = values;
        this.counts = counts;
    }

    /** Updates of so many clients of so many parameters each; the same for the same seed. */
    static Updates of(int clients, int parameters, long seed) {
        SeededRandom random = SeededRandom.of(seed);
        // A table, because ten million Gaussian numbers for each client would take longer than what is measured.
        float[] noise = new float[1 << 16];
        for (int i = 0; i < noise.length; i++) {
            noise[i] = (float) random.nextGaussian();
        }
        List<float[]> values = new ArrayList<>();
        long[] counts = new long[clients];
        for (int k = 0; k < clients; k++) {
            counts[k] = 50 + random.nextInt(4951);
            int jump = random.nextInt(noise.length) | 1;
            float[] update = new float[parameters];
            for (int i = 0; i < parameters; i++) {
                int common = i * 0x9e3779b9 >>> 16;
                int own = (i + 1) * jump >>> 8;
                update[i] = 0.05f * (noise[common] + noise[own & 0xffff]);
            }
            values.add(update);
        }
        return new Updates(values, counts);
    }

    /**
     * Updates that are hard to add up: magnitudes from 2^-20 to 2^20, and every second client takes back, with the same example
     * count, nearly all that the one before it gave.
     */
    static Updates cancelling(int clients, int parameters, long seed) {
        SeededRandom random = SeededRandom.of(seed);
        List<float[]> values = new ArrayList<>();
        long[] counts = new long[clients];
        for (int k = 0; k < clients; k++) {
            float[] update = new float[parameters];
            counts[k] = k % 2 == 1 ? counts[k - 1] : 50 + random.nextInt(4951);
            for (int i = 0; i < parameters; i++) {
                float small = (float) random.nextGaussian();
                update[i] = k % 2 == 1
                        ? -values.get(k - 1)[i] * (1 + 0x1p-20f * small)
                        : Math.scalb(small, random.nextInt(41) - 20);
            }
            values.add(update);
        }
        return new Updates(values, counts);
    }

    int clients() {
        return counts.length;
    }

    int parameters() {
        return values.get(0).length;
    }

    long byteCount() {
        return (long) clients() * parameters() * Float.BYTES;
    }

    float[] values(int client) {
        return values.get(client);
    }

    long count(int client) {
        return counts[client];
    }

    double totalCount() {
        double total = 0;
        for (long count : counts) {
            total += count;
        }
        return total;
    }

    /** The update of a client over the same array, not a copy. */
    ClientUpdate update(int client) {
        Model model = Model.builder()
                .trainable("weights", Tensor.wrap(values.get(client)))
                .build();
        return ClientUpdate.ofModel(model, counts[client]);
    }
}
