package io.fedlearn.core.training;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;

/**
 * Count, mean and sum of squared deviations of each feature over the examples in which it is not missing. Sites compute their
 * own and the coordinator merges them, so that inputs are standardised by what all sites have together while each sees only its
 * own. Mutable; confined to one thread at a time.
 *
 * <p>Merging (Chan et al. 1979) depends on the order in its last bits; the coordinator merges in the order of client ids.
 */
public final class FeatureStatistics {
    /** Tensors {@value} of an update: these statistics. */
    public static final String TENSORS = "statistics";

    private final double[] counts;
    private final double[] means;
    private final double[] deviations;

    private FeatureStatistics(int features) {
        this.counts = new double[features];
        this.means = new double[features];
        this.deviations = new double[features];
    }

    /** Statistics of so many features over no example. */
    public static FeatureStatistics empty(int features) {
        return new FeatureStatistics(features);
    }

    /** The statistics of a source, in one pass. */
    public static FeatureStatistics of(ExampleSource source) {
        FeatureStatistics statistics =
                empty(Math.toIntExact(source.featureShape().elementCount()));
        if (source.exampleCount() == 0) {
            return statistics;
        }
        Batch batch = Batch.of((int) Math.min(256, source.exampleCount()), source);
        try (BatchReader reader = source.open(ExampleOrder.sequential())) {
            while (reader.read(batch)) {
                for (int i = 0; i < batch.size(); i++) {
                    statistics.addRow(batch.features(), i * batch.featureLength());
                }
            }
        }
        return statistics;
    }

    private void addRow(float[] features, int from) {
        for (int j = 0; j < counts.length; j++) {
            double value = features[from + j];
            if (!Double.isNaN(value)) {
                counts[j]++;
                double difference = value - means[j];
                means[j] += difference / counts[j];
                deviations[j] += difference * (value - means[j]);
            }
        }
    }

    /** Takes in the statistics of further examples. */
    public void merge(FeatureStatistics other) {
        if (other.counts.length != counts.length) {
            throw new IllegalArgumentException(
                    "statistics must be of " + counts.length + " features, were of " + other.counts.length);
        }
        for (int j = 0; j < counts.length; j++) {
            double count = counts[j] + other.counts[j];
            if (other.counts[j] > 0) {
                double difference = other.means[j] - means[j];
                // The share comes first: it is exactly 1 while these are empty, and the mean then that of the others.
                means[j] += difference * (other.counts[j] / count);
                deviations[j] += other.deviations[j] + difference * difference * counts[j] * other.counts[j] / count;
                counts[j] = count;
            }
        }
    }

    /** The number of features. */
    public int featureCount() {
        return counts.length;
    }

    /** In how many examples the feature was not missing. */
    public long count(int feature) {
        return (long) counts[feature];
    }

    /** The mean of the feature; 0 if it was always missing. */
    public double mean(int feature) {
        return means[feature];
    }

    /** The standard deviation of the feature (of the population); 0 if it never varied. */
    public double standardDeviation(int feature) {
        return counts[feature] == 0 ? 0 : Math.sqrt(deviations[feature] / counts[feature]);
    }

    /** The answer to a statistics task. */
    public ClientUpdate toUpdate(long exampleCount) {
        Model tensors = Model.builder()
                .buffer("count", Tensor.copyOf(counts))
                .buffer("mean", Tensor.copyOf(means))
                .buffer("deviation", Tensor.copyOf(deviations))
                .build();
        return ClientUpdate.ofMetrics(Metrics.none(), exampleCount).withTensors(TENSORS, tensors);
    }

    /**
     * The statistics in an answer.
     *
     * @throws IllegalArgumentException if they are missing, not of so many features, or impossible
     */
    public static FeatureStatistics ofUpdate(ClientUpdate update, int features) {
        Model tensors = update.tensors().get(TENSORS);
        if (tensors == null) {
            throw new IllegalArgumentException("the update holds no tensors '" + TENSORS + "'");
        }
        FeatureStatistics statistics = empty(features);
        read(tensors, "count", statistics.counts);
        read(tensors, "mean", statistics.means);
        read(tensors, "deviation", statistics.deviations);
        for (int j = 0; j < features; j++) {
            if (!statistics.isPossible(j, update.exampleCount())) {
                throw new IllegalArgumentException("the statistics of feature " + j + " are impossible");
            }
        }
        return statistics;
    }

    /** Whether so many examples can have them: features are finite floats, so no variance is beyond the largest's square. */
    private boolean isPossible(int feature, long exampleCount) {
        double count = counts[feature];
        double largest = Float.MAX_VALUE;
        return count >= 0
                && count <= exampleCount
                && count == Math.rint(count)
                && Math.abs(means[feature]) <= largest
                && deviations[feature] >= 0
                && deviations[feature] <= (count > 1 ? 2 * count * largest * largest : 0);
    }

    private static void read(Model tensors, String name, double[] target) {
        Tensor tensor = tensors.tensor(name);
        if (tensor.type() != TensorType.FLOAT64
                || tensor.elementCount() != target.length
                || tensor.firstNonFinite() >= 0) {
            throw new IllegalArgumentException(
                    "statistics '" + name + "' must be " + target.length + " finite FLOAT64 values, were " + tensor);
        }
        tensor.copyTo(0, target, 0, target.length);
    }
}
