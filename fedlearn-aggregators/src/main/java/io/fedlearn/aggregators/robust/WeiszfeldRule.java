package io.fedlearn.aggregators.robust;

import io.fedlearn.aggregators.WeightedMean;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.update.InvalidUpdateException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Weighted means, each with the weights divided by the distances to the one before. */
final class WeiszfeldRule implements Aggregator.WholeCohort {
    private final String description;
    private final double smoothing;
    private final int iterations;
    private final int badClients;
    private final TrainableBlocks blocks = new TrainableBlocks();
    private final double[] center = new double[TrainableBlocks.PIECE];
    private double[][] partialSums = {};
    private final WeightedMean mean = WeightedMean.create();

    WeiszfeldRule(String description, double smoothing, int iterations, int badClients) {
        this.description = description;
        this.smoothing = smoothing;
        this.iterations = iterations;
        this.badClients = badClients;
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public int leastUpdates() {
        return BadClients.least(2, badClients, 1);
    }

    @Override
    public void check(ClientUpdate update, ModelSpec global) {
        Cohort.requireSingleClient(update);
    }

    @Override
    public Aggregate aggregate(Model global, List<WeightedUpdate> updates) {
        Cohort cohort = Cohort.of(global, updates);
        cohort.requireAtLeast(description, leastUpdates(), "n >= 2 f + 1");
        double total = cohort.totalWeight();
        double[] shares = updates.stream()
                .mapToDouble(weighted -> weighted.weight() / total)
                .toArray();
        requireBearable(shares);
        double[] factors = shares;
        for (int i = 0; i < iterations; i++) {
            factors = reweighted(shares, squaredDistances(cohort, factors));
        }
        mean.begin(global);
        mean.accumulate(weighted(cohort, factors, total));
        return mean.finish();
    }

    /** The worst case: the bad clients are the heaviest. */
    private void requireBearable(double[] shares) {
        double[] sorted = shares.clone();
        Arrays.sort(sorted);
        double heaviest = 0;
        for (int k = sorted.length - badClients; k < sorted.length; k++) {
            heaviest += sorted[k];
        }
        if (heaviest >= 0.5) {
            throw InvalidUpdateException.of(description + " needs the " + badClients
                    + " largest aggregation weights to be less than half of all," + " they were " + heaviest
                    + " of all: cap or ignore example counts");
        }
    }

    /** The squared distances of the updates to their mean with these weights. */
    private double[] squaredDistances(Cohort cohort, double[] weights) {
        if (partialSums.length != cohort.size()) {
            partialSums = new double[cohort.size()][TrainableBlocks.PIECE];
        }
        for (double[] sums : partialSums) {
            Arrays.fill(sums, 0);
        }
        double divisor = Arrays.stream(weights).sum();
        blocks.forEach(cohort, (pieces, count) -> {
            for (int p = 0; p < count; p++) {
                putMean(pieces[p], weights, divisor);
                for (int k = 0; k < partialSums.length; k++) {
                    TrainableBlocks.addSquares(pieces[p][k], center, partialSums[k]);
                }
            }
        });
        return Arrays.stream(partialSums).mapToDouble(TrainableBlocks::total).toArray();
    }

    private void putMean(double[][] rows, double[] weights, double divisor) {
        Arrays.fill(center, 0);
        for (int k = 0; k < rows.length; k++) {
            addScaled(rows[k], weights[k], center);
        }
        for (int i = 0; i < center.length; i++) {
            center[i] /= divisor;
        }
    }

    private static void addScaled(double[] values, double scale, double[] target) {
        for (int i = 0; i < target.length; i++) {
            target[i] += scale * values[i];
        }
    }

    /** The shares divided by the smoothed distances, the largest of them 1. */
    private double[] reweighted(double[] shares, double[] squared) {
        double[] factors = new double[shares.length];
        double largest = 0;
        for (int k = 0; k < factors.length; k++) {
            factors[k] = shares[k] / Math.max(smoothing, Math.sqrt(squared[k]));
            largest = Math.max(largest, factors[k]);
        }
        if (!(largest > 0)) {
            throw InvalidUpdateException.of("the distances of all updates to their mean leave the range of float64");
        }
        for (int k = 0; k < factors.length; k++) {
            factors[k] /= largest;
        }
        return factors;
    }

    /** The updates with weights that are as the factors and add up to {@code total}. */
    private static List<WeightedUpdate> weighted(Cohort cohort, double[] factors, double total) {
        double scale = total / Arrays.stream(factors).sum();
        List<WeightedUpdate> weighted = new ArrayList<>(factors.length);
        for (int k = 0; k < factors.length; k++) {
            // So far away that nothing is left of its weight.
            if (factors[k] * scale > 0) {
                WeightedUpdate update = cohort.updates().get(k);
                weighted.add(new WeightedUpdate(update.clientId(), update.update(), factors[k] * scale));
            }
        }
        return weighted;
    }
}
