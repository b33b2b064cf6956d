package io.fedlearn.core.partition;

import io.fedlearn.core.random.SeededRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** What the partitioners have in common. */
final class Parts {
    private Parts() {}

    static SeededRandom random(long seed) {
        return SeededRandom.of(SeededRandom.derive(seed, "partition"));
    }

    static void requireExamples(int examples, int clients, int perClient, String what) {
        if (clients < 1) {
            throw new IllegalArgumentException("clients must be >= 1, was " + clients);
        }
        long needed = (long) clients * Math.max(1, perClient);
        if (examples < needed) {
            throw new IllegalArgumentException("clients must be <= " + examples / Math.max(1, perClient) + " for "
                    + examples + " examples" + what + ", was " + clients);
        }
    }

    static double requireConcentration(String name, double value) {
        if (!(value >= SeededRandom.MIN_CONCENTRATION) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(
                    name + " must be >= " + SeededRandom.MIN_CONCENTRATION + " and finite, was " + value);
        }
        return value;
    }

    static int requireMinimum(int examples) {
        if (examples < 0) {
            throw new IllegalArgumentException("minimumExamples must be >= 0, was " + examples);
        }
        return examples;
    }

    /** The examples in the order of their classes; those of one class keep theirs. */
    static int[] byClass(int[] classes) {
        return IntStream.range(0, classes.length)
                .boxed()
                .sorted(Comparator.comparingInt(example -> classes[example]))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    static int[] shuffled(int examples, SeededRandom random) {
        int[] order = IntStream.range(0, examples).toArray();
        random.shuffle(order);
        return order;
    }

    /** Cuts into parts whose sizes differ by at most one. */
    static List<int[]> equal(int[] order, int parts) {
        List<int[]> cut = new ArrayList<>();
        for (int i = 0; i < parts; i++) {
            cut.add(Arrays.copyOfRange(
                    order, (int) ((long) order.length * i / parts), (int) ((long) order.length * (i + 1) / parts)));
        }
        return cut;
    }

    /**
     * Where {@code count} things are cut by these shares: entry {@code i} is where part {@code i} ends. Running sums
     * are rounded to nearest: rounded down, a sum of shares just below 1 would give the last part one thing too many.
     */
    static int[] ends(double[] shares, int count) {
        int[] ends = new int[shares.length];
        double sum = 0;
        for (int i = 0; i < shares.length; i++) {
            sum += shares[i];
            ends[i] = (int) Math.min(count, Math.floor(sum * count + 0.5));
        }
        ends[shares.length - 1] = count;
        return ends;
    }

    /** Draws groups of ends, one group for each class, until every client has the minimum. */
    static int[][] drawUntil(int minimum, int clients, String name, double concentration, Supplier<int[][]> draw) {
        for (int draws = 0; draws < Partitioner.MAX_DRAWS; draws++) {
            int[][] groups = draw.get();
            if (smallest(groups, clients) >= minimum) {
                return groups;
            }
        }
        throw new IllegalArgumentException("no client with fewer than " + minimum + " examples was not reached in "
                + Partitioner.MAX_DRAWS + " draws with " + name + " " + concentration + " and " + clients
                + " clients: use a larger " + name + ", fewer clients or a smaller minimum");
    }

    private static int smallest(int[][] groups, int clients) {
        int smallest = Integer.MAX_VALUE;
        for (int client = 0; client < clients; client++) {
            int size = 0;
            for (int[] ends : groups) {
                size += ends[client] - (client == 0 ? 0 : ends[client - 1]);
            }
            smallest = Math.min(smallest, size);
        }
        return smallest;
    }
}
