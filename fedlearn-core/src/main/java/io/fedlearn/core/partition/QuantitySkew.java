package io.fedlearn.core.partition;

import io.fedlearn.core.random.SeededRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** See {@link Partitioner#quantity(double, int)}. */
record QuantitySkew(double beta, int minimumExamples) implements Partitioner {
    QuantitySkew {
        Parts.requireConcentration("beta", beta);
        Parts.requireMinimum(minimumExamples);
    }

    @Override
    public Partition partition(int[] classes, int clients, long seed) {
        Parts.requireExamples(classes.length, clients, minimumExamples, " and a minimum of " + minimumExamples);
        SeededRandom random = Parts.random(seed);
        int[] ends = Parts.drawUntil(minimumExamples, clients, "beta", beta, () ->
                new int[][] {Parts.ends(random.nextDirichlet(beta, clients), classes.length)})[0];
        int[] order = Parts.shuffled(classes.length, random);
        List<int[]> parts = new ArrayList<>();
        for (int client = 0; client < clients; client++) {
            parts.add(Arrays.copyOfRange(order, client == 0 ? 0 : ends[client - 1], ends[client]));
        }
        return Partition.of(classes.length, parts);
    }

    @Override
    public String toString() {
        return "quantity:" + beta + (minimumExamples == DEFAULT_MINIMUM_EXAMPLES ? "" : ":" + minimumExamples);
    }
}
