package io.fedlearn.testkit.generator;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.InMemoryExamples;

/** Small made-up data sets: the same one for the same arguments. Stateless. */
public final class SyntheticExamples {
    /** By how much the highest score of an example of {@link #separableClasses} lies above the second: {@value}. */
    public static final double MARGIN = 0.25;

    /** The standard deviation of the noise in {@link #regression}: {@value}. */
    public static final double NOISE = 0.1;

    private SyntheticExamples() {}

    /**
     * Examples of classes that a linear classifier can tell apart without an error: features are standard normal, the class is
     * the one whose random linear score is highest, and examples within {@value #MARGIN} of a border are left out.
     *
     * @param classes at least 2; two make a binary task with targets 0 and 1
     */
    public static InMemoryExamples separableClasses(long seed, int count, int features, int classes) {
        if (features < 1 || classes < 2) {
            throw new IllegalArgumentException(
                    "features must be >= 1 and classes >= 2, were " + features + " and " + classes);
        }
        SeededRandom random = SeededRandom.of(seed);
        double[][] directions = new double[classes][features];
        for (double[] direction : directions) {
            fillUnit(direction, random);
        }
        float[] rows = new float[count * features];
        float[] targets = new float[count];
        for (int i = 0; i < count; ) {
            for (int j = 0; j < features; j++) {
                rows[i * features + j] = (float) random.nextGaussian();
            }
            int best = -1;
            double first = Double.NEGATIVE_INFINITY;
            double second = Double.NEGATIVE_INFINITY;
            for (int c = 0; c < classes; c++) {
                double score = dot(directions[c], rows, i * features);
                if (score > first) {
                    second = first;
                    first = score;
                    best = c;
                } else if (score > second) {
                    second = score;
                }
            }
            if (first - second >= MARGIN) {
                targets[i++] = best;
            }
        }
        return InMemoryExamples.wrap(Shape.of(features), rows, targets);
    }

    private static void fillUnit(double[] direction, SeededRandom random) {
        double square = 0;
        for (int j = 0; j < direction.length; j++) {
            direction[j] = random.nextGaussian();
            square += direction[j] * direction[j];
        }
        for (int j = 0; j < direction.length; j++) {
            direction[j] /= Math.sqrt(square);
        }
    }

    private static double dot(double[] direction, float[] rows, int from) {
        double sum = 0;
        for (int j = 0; j < direction.length; j++) {
            sum += direction[j] * rows[from + j];
        }
        return sum;
    }

    /**
     * Examples whose targets are random linear functions of standard normal features, plus normal noise of standard deviation
     * {@value #NOISE}.
     *
     * @param targets of one example, at least 1
     */
    public static InMemoryExamples regression(long seed, int count, int features, int targets) {
        if (features < 1 || targets < 1) {
            throw new IllegalArgumentException(
                    "features and targets must be >= 1, were " + features + " and " + targets);
        }
        SeededRandom random = SeededRandom.of(seed);
        double[][] directions = new double[targets][features];
        for (double[] direction : directions) {
            fillUnit(direction, random);
        }
        float[] rows = new float[count * features];
        float[] values = new float[count * targets];
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < features; j++) {
                rows[i * features + j] = (float) random.nextGaussian();
            }
            for (int t = 0; t < targets; t++) {
                values[i * targets + t] =
                        (float) (dot(directions[t], rows, i * features) + NOISE * random.nextGaussian());
            }
        }
        return InMemoryExamples.wrap(Shape.of(features), rows, values);
    }
}
