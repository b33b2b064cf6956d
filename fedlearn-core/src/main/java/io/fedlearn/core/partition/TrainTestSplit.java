package io.fedlearn.core.partition;

import io.fedlearn.core.random.SeededRandom;
import java.util.Arrays;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Examples of one client divided into those to train on and those to test on, both in ascending order. Immutable.
 *
 * <p>Of {@code n} examples, {@code n * testShare} are for the test, rounded to the nearest whole number (halves up); so
 * a part of few examples may come out empty.
 */
public final class TrainTestSplit {
    private final int[] training;
    private final int[] test;

    private TrainTestSplit(int[] training, int[] test) {
        this.training = training;
        this.test = test;
        Arrays.sort(training);
        Arrays.sort(test);
    }

    /**
     * Divides at random.
     *
     * @param examples the examples' places in the data set, such as {@link Partition#examples}; their order does not
     *     matter
     * @param testShare in (0, 1)
     * @param seed where the randomness starts
     */
    public static TrainTestSplit random(int[] examples, double testShare, long seed) {
        requireShare(testShare);
        int[] order = shuffled(examples, SeededRandom.of(SeededRandom.derive(seed, "split")));
        int tests = rounded(order.length, testShare);
        return new TrainTestSplit(Arrays.copyOfRange(order, tests, order.length), Arrays.copyOfRange(order, 0, tests));
    }

    /**
     * Divides at random within each class, so that both parts have the classes in nearly the same proportions: of a
     * class of {@code n}, the test gets {@code n * testShare}, give or take less than one, and in all as many as
     * {@link #random} gives it.
     *
     * @param examples the examples' places in the data set, such as {@link Partition#examples}; their order does not
     *     matter
     * @param classes the class of each example of the whole data set
     * @param testShare in (0, 1)
     * @param seed where the randomness starts
     */
    public static TrainTestSplit stratified(int[] examples, int[] classes, double testShare, long seed) {
        requireShare(testShare);
        TreeMap<Integer, IntStream.Builder> byClass = new TreeMap<>();
        for (int example : examples) {
            if (example < 0 || example >= classes.length) {
                throw new IllegalArgumentException(
                        "examples must be in [0, " + classes.length + ") as classes are, one was " + example);
            }
            byClass.computeIfAbsent(classes[example], unused -> IntStream.builder())
                    .add(example);
        }
        SeededRandom random = SeededRandom.of(SeededRandom.derive(seed, "split"));
        IntStream.Builder training = IntStream.builder();
        IntStream.Builder test = IntStream.builder();
        int seen = 0;
        int tests = 0;
        for (IntStream.Builder members : byClass.values()) {
            int[] order = shuffled(members.build().toArray(), random);
            seen += order.length;
            // What rounding took from one class, it gives to the next, so that the whole comes out right.
            int wanted = rounded(seen, testShare) - tests;
            for (int i = 0; i < order.length; i++) {
                (i < wanted ? test : training).add(order[i]);
            }
            tests += wanted;
        }
        return new TrainTestSplit(training.build().toArray(), test.build().toArray());
    }

    private static int[] shuffled(int[] examples, SeededRandom random) {
        int[] order = examples.clone();
        Arrays.sort(order);
        for (int i = 1; i < order.length; i++) {
            if (order[i] == order[i - 1]) {
                throw new IllegalArgumentException("examples must be distinct, " + order[i] + " came twice");
            }
        }
        random.shuffle(order);
        return order;
    }

    private static int rounded(int count, double share) {
        return (int) Math.floor(count * share + 0.5);
    }

    private static void requireShare(double share) {
        if (!(share > 0 && share < 1)) {
            throw new IllegalArgumentException("testShare must be in (0, 1), was " + share);
        }
    }

    /** The examples to train on, ascending, in an array of the caller's own. */
    public int[] training() {
        return training.clone();
    }

    /** The examples to test on, ascending, in an array of the caller's own. */
    public int[] test() {
        return test.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TrainTestSplit
                && Arrays.equals(training, ((TrainTestSplit) other).training)
                && Arrays.equals(test, ((TrainTestSplit) other).test);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(training) + Arrays.hashCode(test);
    }

    /** The sizes of the parts. */
    @Override
    public String toString() {
        return training.length + " to train on, " + test.length + " to test on";
    }
}
