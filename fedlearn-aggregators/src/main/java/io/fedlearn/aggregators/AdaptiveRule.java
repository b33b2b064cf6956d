package io.fedlearn.aggregators;

import io.fedlearn.aggregators.internal.Ranges;
import java.util.List;
import java.util.Map;

/**
 * Algorithm 2 of "Adaptive Federated Optimization", whose three methods differ in how they take a squared change into
 * {@code v}.
 *
 * @param secondMoment which of them
 * @param serverLearningRate {@code eta}
 * @param beta1 the share of the past in {@code m}
 * @param beta2 the share of the past in {@code v}; Adagrad has none
 * @param tau the degree of adaptivity
 * @param biasCorrection for Adam
 */
record AdaptiveRule(
        SecondMoment secondMoment,
        double serverLearningRate,
        double beta1,
        double beta2,
        double tau,
        BiasCorrection biasCorrection)
        implements MomentOptimizer.Rule {
    enum SecondMoment {
        ADAGRAD,
        ADAM,
        YOGI
    }

    AdaptiveRule {
        Ranges.requirePositive("serverLearningRate", serverLearningRate);
        Ranges.requireShare("beta1", beta1);
        Ranges.requireShare("beta2", beta2);
        Ranges.requirePositive("tau", tau);
    }

    @Override
    public List<Map.Entry<String, Double>> moments() {
        return List.of(Map.entry("m", 0.0), Map.entry("v", biasCorrection == BiasCorrection.NONE ? tau * tau : 0.0));
    }

    @Override
    public void advance(double[] modelDelta, double[][] moments, int count) {
        double[] m = moments[0];
        double[] v = moments[1];
        double fresh1 = 1 - beta1;
        double fresh2 = 1 - beta2;
        for (int i = 0; i < count; i++) {
            m[i] = beta1 * m[i] + fresh1 * modelDelta[i];
        }
        switch (secondMoment) {
            case ADAGRAD -> {
                for (int i = 0; i < count; i++) {
                    v[i] += modelDelta[i] * modelDelta[i];
                }
            }
            case ADAM -> {
                for (int i = 0; i < count; i++) {
                    v[i] = beta2 * v[i] + fresh2 * (modelDelta[i] * modelDelta[i]);
                }
            }
            case YOGI -> {
                for (int i = 0; i < count; i++) {
                    double square = modelDelta[i] * modelDelta[i];
                    v[i] -= fresh2 * square * Math.signum(v[i] - square);
                }
            }
        }
    }

    @Override
    public void move(double[] parameters, double[][] moments, int count, long step) {
        double[] m = moments[0];
        double[] v = moments[1];
        double rate = serverLearningRate;
        double divisor1 = 1;
        double divisor2 = 1;
        switch (biasCorrection) {
            case NONE -> {}
            case KINGMA_BA -> {
                divisor1 = 1 - StrictMath.pow(beta1, step);
                divisor2 = 1 - StrictMath.pow(beta2, step);
            }
            case FLOWER_COMPAT ->
                rate *= Math.sqrt(1 - StrictMath.pow(beta2, step + 1)) / (1 - StrictMath.pow(beta1, step + 1));
        }
        for (int i = 0; i < count; i++) {
            parameters[i] += rate * (m[i] / divisor1) / (Math.sqrt(v[i] / divisor2) + tau);
        }
    }
}
