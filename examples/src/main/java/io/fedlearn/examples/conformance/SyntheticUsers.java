package io.fedlearn.examples.conformance;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.InMemoryExamples;
import java.util.ArrayList;
import java.util.List;

/**
 * The users of FedProx's {@code synthetic(alpha, beta)}, by the generator of its authors with other random numbers: user {@code
 * k} has {@code int(lognormal(4, 2)) + 50} examples of {@code y = argmax softmax(x W_k + b_k)} with
 * <pre>
 *   u_k ~ N(0, alpha),  B_k ~ N(0, beta),  W_k ~ N(u_k, 1)^{60 x 10},  b_k ~ N(u_k, 1)^10,  v_k ~ N(B_k, 1)^60,
 *   x ~ N(v_k, Sigma),  Sigma_jj = j^-1.2,
 * </pre>
 * where {@code alpha} and {@code beta} are standard deviations, as in the authors' code. In the IID variant one {@code W} and
 * {@code b} serve all users and {@code v_k = 0}. Nine tenths of a user's examples are for training.
 *
 * <p><b>Reference.</b> Li et al., "Federated Optimization in Heterogeneous Networks", MLSys 2020, arXiv:1812.06127.
 *
 * @param training of each user
 * @param test of all users together
 */
record SyntheticUsers(List<InMemoryExamples> training, InMemoryExamples test) {
    /** How many features an example has. */
    static final int FEATURES = 60;

    /** How many classes there are. */
    static final int CLASSES = 10;

    private static final int USERS = 30;
    private static final double LOG_MEAN = 4;
    private static final double LOG_DEVIATION = 2;
    private static final int LEAST = 50;
    private static final double TRAINING_SHARE = 0.9;
    private static final double DECAY = -1.2;

    /** Users whose models and inputs differ. */
    static SyntheticUsers heterogeneous(double alpha, double beta, long seed) {
        SeededRandom random = SeededRandom.of(seed);
        int[] counts = counts(random);
        Made made = new Made();
        for (int count : counts) {
            double modelMean = alpha * random.nextGaussian();
            double inputMean = beta * random.nextGaussian();
            double[] centre = normal(FEATURES, inputMean, random);
            made.add(count, centre, Labels.drawn(modelMean, random), random);
        }
        return made.users();
    }

    /** Users that are all alike but for how much they have. */
    static SyntheticUsers iid(long seed) {
        SeededRandom random = SeededRandom.of(seed);
        int[] counts = counts(random);
        Labels labels = Labels.drawn(0, random);
        Made made = new Made();
        for (int count : counts) {
            made.add(count, new double[FEATURES], labels, random);
        }
        return made.users();
    }

    /** The training examples of all users together. */
    long exampleCount() {
        return training.stream().mapToLong(InMemoryExamples::exampleCount).sum();
    }

    private static int[] counts(SeededRandom random) {
        int[] counts = new int[USERS];
        for (int k = 0; k < USERS; k++) {
            counts[k] = (int) StrictMath.exp(LOG_MEAN + LOG_DEVIATION * random.nextGaussian()) + LEAST;
        }
        return counts;
    }

    private static double[] normal(int count, double mean, SeededRandom random) {
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = mean + random.nextGaussian();
        }
        return values;
    }

    /** What decides the class of an example. */
    private record Labels(double[][] weights, double[] biases) {
        static Labels drawn(double mean, SeededRandom random) {
            double[][] weights = new double[CLASSES][];
            for (int c = 0; c < CLASSES; c++) {
                weights[c] = normal(FEATURES, mean, random);
            }
            return new Labels(weights, normal(CLASSES, mean, random));
        }

        int of(double[] features) {
            int best = 0;
            double highest = Double.NEGATIVE_INFINITY;
            for (int c = 0; c < CLASSES; c++) {
                double score = biases[c];
                for (int j = 0; j < FEATURES; j++) {
                    score += weights[c][j] * features[j];
                }
                if (score > highest) {
                    best = c;
                    highest = score;
                }
            }
            return best;
        }
    }

    /** Examples of the users so far. */
    private static final class Made {
        private final List<InMemoryExamples> training = new ArrayList<>();
        private final List<float[]> testFeatures = new ArrayList<>();
        private final List<Integer> testClasses = new ArrayList<>();

        void add(int count, double[] centre, Labels labels, SeededRandom random) {
            int trained = (int) (TRAINING_SHARE * count);
            float[] features = new float[trained * FEATURES];
            float[] targets = new float[trained];
            double[] example = new double[FEATURES];
            for (int i = 0; i < count; i++) {
                for (int j = 0; j < FEATURES; j++) {
                    example[j] = centre[j] + StrictMath.pow(j + 1, DECAY / 2) * random.nextGaussian();
                }
                int label = labels.of(example);
                float[] row = new float[FEATURES];
                for (int j = 0; j < FEATURES; j++) {
                    row[j] = (float) example[j];
                }
                if (i < trained) {
                    System.arraycopy(row, 0, features, i * FEATURES, FEATURES);
                    targets[i] = label;
                } else {
                    testFeatures.add(row);
                    testClasses.add(label);
                }
            }
            training.add(InMemoryExamples.wrap(Shape.of(FEATURES), features, targets));
        }

        SyntheticUsers users() {
            float[] features = new float[testFeatures.size() * FEATURES];
            float[] targets = new float[testFeatures.size()];
            for (int i = 0; i < targets.length; i++) {
                System.arraycopy(testFeatures.get(i), 0, features, i * FEATURES, FEATURES);
                targets[i] = testClasses.get(i);
            }
            return new SyntheticUsers(
                    List.copyOf(training), InMemoryExamples.wrap(Shape.of(FEATURES), features, targets));
        }
    }
}
