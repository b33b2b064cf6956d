package io.fedlearn.aggregators;

import io.fedlearn.aggregators.internal.Ranges;
import java.util.List;
import java.util.Map;

/**
 * Heavy-ball momentum on the mean model delta.
 *
 * @param serverLearningRate {@code eta}
 * @param serverMomentum {@code beta}
 */
record MomentumRule(double serverLearningRate, double serverMomentum) implements MomentOptimizer.Rule {
    MomentumRule {
        Ranges.requirePositive("serverLearningRate", serverLearningRate);
        Ranges.requireShare("serverMomentum", serverMomentum);
    }

    @Override
    public List<Map.Entry<String, Double>> moments() {
        return List.of(Map.entry("v", 0.0));
    }

    @Override
    public void advance(double[] modelDelta, double[][] moments, int count) {
        double[] v = moments[0];
        for (int i = 0; i < count; i++) {
            v[i] = serverMomentum * v[i] + modelDelta[i];
        }
    }

    @Override
    public void move(double[] parameters, double[][] moments, int count, long step) {
        double[] v = moments[0];
        for (int i = 0; i < count; i++) {
            parameters[i] += serverLearningRate * v[i];
        }
    }
}
