package io.fedlearn.core.partition;

import io.fedlearn.core.random.SeededRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** See {@link Partitioner#dirichlet(double, int)}. */
record DirichletLabels(double alpha, int minimumExamples) implements Partitioner {
    DirichletLabels {
        Parts.requireConcentration("alpha", alpha);
        Parts.requireMinimum(minimumExamples);
    }

    @Override
    public Partition partition(int[] classes, int clients, long seed) {
        Parts.requireExamples(classes.length, clients, minimumExamples, " and a minimum of " + minimumExamples);
        TreeMap<Integer, Integer> counts = new TreeMap<>();
        for (int example : classes) {
            counts.merge(example, 1, Integer::sum);
        }
        SeededRandom random = Parts.random(seed);
        int[][] ends = Parts.drawUntil(
                minimumExamples,
                clients,
                "alpha",
                alpha,
                () -> counts.values().stream()
                        .map(count -> Parts.ends(random.nextDirichlet(alpha, clients), count))
                        .toArray(int[][]::new));
        return deal(classes, counts.values(), clients, ends, random);
    }

    /** Hands each class's examples, shuffled, to the clients in the quantities drawn. */
    private static Partition deal(
            int[] classes, Collection<Integer> counts, int clients, int[][] ends, SeededRandom random) {
        List<IntStream.Builder> parts = new ArrayList<>();
        for (int client = 0; client < clients; client++) {
            parts.add(IntStream.builder());
        }
        int[] byClass = Parts.byClass(classes);
        int from = 0;
        int group = 0;
        for (int count : counts) {
            int[] members = Arrays.copyOfRange(byClass, from, from + count);
            random.shuffle(members);
            int at = 0;
            for (int client = 0; client < clients; client++) {
                while (at < ends[group][client]) {
                    parts.get(client).add(members[at++]);
                }
            }
            from += count;
            group++;
        }
        return Partition.of(
                classes.length,
                parts.stream().map(part -> part.build().toArray()).toList());
    }

    @Override
    public String toString() {
        return "dirichlet:" + alpha + (minimumExamples == DEFAULT_MINIMUM_EXAMPLES ? "" : ":" + minimumExamples);
    }
}
