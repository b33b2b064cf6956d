package io.fedlearn.core.partition;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which client has which examples of a data set: every example is with exactly one client. Examples are named by their
 * place in the data set, counted from 0. Immutable.
 */
public final class Partition {
    private final List<String> names;
    private final List<int[]> parts;
    private final int exampleCount;

    private Partition(List<String> names, List<int[]> parts, int exampleCount) {
        this.names = names;
        this.parts = parts;
        this.exampleCount = exampleCount;
    }

    /**
     * A partition into these parts, one for each client, whose names are {@code client-1} and so on, with leading zeros
     * so that they sort in order. A part may be empty.
     *
     * @param exampleCount the number of examples in the data set
     * @param parts the examples of each client, in any order; copied
     * @throws IllegalArgumentException if there is no part, or an example is in none, in two, or does not exist
     */
    public static Partition of(int exampleCount, List<int[]> parts) {
        int digits = Integer.toString(parts.size()).length();
        List<String> names = new ArrayList<>();
        for (int i = 1; i <= parts.size(); i++) {
            names.add(String.format(Locale.ROOT, "client-%0" + digits + "d", i));
        }
        return named(exampleCount, names, parts);
    }

    private static Partition named(int exampleCount, List<String> names, List<int[]> parts) {
        if (parts.isEmpty()) {
            throw new IllegalArgumentException("a partition must have at least one client");
        }
        BitSet taken = new BitSet(Math.max(0, exampleCount));
        List<int[]> sorted = new ArrayList<>();
        for (int[] part : parts) {
            int[] copy = part.clone();
            Arrays.sort(copy);
            for (int example : copy) {
                if (example < 0 || example >= exampleCount) {
                    throw new IllegalArgumentException(
                            "examples must be in [0, " + exampleCount + "), one of a part was " + example);
                }
                if (taken.get(example)) {
                    throw new IllegalArgumentException("example " + example + " is in the parts twice");
                }
                taken.set(example);
            }
            sorted.add(copy);
        }
        if (taken.cardinality() != exampleCount) {
            throw new IllegalArgumentException(
                    "example " + taken.nextClearBit(0) + " of " + exampleCount + " is in no part");
        }
        return new Partition(List.copyOf(names), Collections.unmodifiableList(sorted), exampleCount);
    }

    /**
     * A partition by a natural key, such as the hospital or writer that an example came from: each distinct key is a
     * client, and clients are in the order of their keys' UTF-16 code units.
     *
     * @param keys the key of each example, not empty; the clients' names
     */
    public static Partition byKey(List<String> keys) {
        TreeMap<String, List<Integer>> examples = new TreeMap<>();
        for (String key : keys) {
            if (key.isEmpty()) {
                throw new IllegalArgumentException("keys must not be empty");
            }
        }
        int place = 0;
        for (String key : keys) {
            examples.computeIfAbsent(key, unused -> new ArrayList<>()).add(place++);
        }
        List<int[]> parts = examples.values().stream()
                .map(part -> part.stream().mapToInt(Integer::intValue).toArray())
                .toList();
        return named(keys.size(), List.copyOf(examples.keySet()), parts);
    }

    /** The number of clients. */
    public int clientCount() {
        return parts.size();
    }

    /** The number of examples of all clients together. */
    public int exampleCount() {
        return exampleCount;
    }

    /** The names of the clients, in order: the natural keys, or {@code client-1} and so on. */
    public List<String> names() {
        return names;
    }

    /** The examples of a client, counted from 0, in ascending order, in an array of the caller's own. */
    public int[] examples(int client) {
        return parts.get(client).clone();
    }

    /** The number of examples of a client, counted from 0. */
    public int size(int client) {
        return parts.get(client).length;
    }

    /** The number of examples of each client, in order. */
    public List<Integer> sizes() {
        return parts.stream().map(part -> part.length).toList();
    }

    /**
     * How many examples of each class each client has, for tables: for every client, every class of the data set in
     * ascending order, with 0 where the client has none.
     *
     * @param classes the class of each example of the data set
     * @throws IllegalArgumentException if there are not as many classes as examples
     */
    public List<SortedMap<Integer, Integer>> classCounts(int[] classes) {
        if (classes.length != exampleCount) {
            throw new IllegalArgumentException(
                    "classes must be of " + exampleCount + " examples, were of " + classes.length);
        }
        TreeMap<Integer, Integer> none = new TreeMap<>();
        for (int example : classes) {
            none.put(example, 0);
        }
        List<SortedMap<Integer, Integer>> counts = new ArrayList<>();
        for (int[] part : parts) {
            TreeMap<Integer, Integer> own = new TreeMap<>(none);
            for (int example : part) {
                own.merge(classes[example], 1, Integer::sum);
            }
            counts.add(Collections.unmodifiableSortedMap(own));
        }
        return Collections.unmodifiableList(counts);
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Partition)) {
            return false;
        }
        Partition that = (Partition) other;
        return names.equals(that.names) && Arrays.deepEquals(parts.toArray(), that.parts.toArray());
    }

    @Override
    public int hashCode() {
        return 31 * names.hashCode() + Arrays.deepHashCode(parts.toArray());
    }

    /** The numbers of examples and clients. */
    @Override
    public String toString() {
        return exampleCount + " examples with " + parts.size() + " clients";
    }
}
