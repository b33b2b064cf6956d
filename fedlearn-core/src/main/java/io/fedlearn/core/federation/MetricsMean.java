package io.fedlearn.core.federation;

import io.fedlearn.core.metric.Metrics;
import java.util.Map;
import java.util.TreeMap;

/** The mean of each metric over the clients that have it, weighted. */
final class MetricsMean {
    private final Map<String, double[]> sums = new TreeMap<>();

    void add(Metrics metrics, double weight) {
        metrics.asMap().forEach((name, value) -> {
            double[] sum = sums.computeIfAbsent(name, unused -> new double[2]);
            sum[0] += value * weight;
            sum[1] += weight;
        });
    }

    Metrics result() {
        Metrics result = Metrics.none();
        for (Map.Entry<String, double[]> entry : sums.entrySet()) {
            double mean = entry.getValue()[0] / entry.getValue()[1];
            // Finite values may still add up to infinity; such a mean says nothing.
            if (Double.isFinite(mean)) {
                result = result.with(entry.getKey(), mean);
            }
        }
        return result;
    }
}
