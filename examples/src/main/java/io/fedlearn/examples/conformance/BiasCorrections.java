package io.fedlearn.examples.conformance;

import io.fedlearn.aggregators.BiasCorrection;
import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * By what FedAdam's first steps are multiplied: 1 in the paper, {@code sqrt(1 - beta2^t) / (1 - beta1^t)} with Adam's own
 * correction, and that with {@code t + 1} in Flower.
 *
 * <p>A client that always moves the one weight by 1 makes {@code m_t = 1 - beta1^t} and {@code v_t = 1 - beta2^t}; the factor is
 * what is left of the step after these.
 */
final class BiasCorrections implements Experiment {
    private static final double TOLERANCE = 0.0005;
    private static final int ROUNDS = 5;

    /** So small that where it stands in a formula makes no difference. */
    private static final double TAU = 1e-9;

    private final Claim paper = claim("paper", "Reddi et al. 2021, algorithm 2", "1 and 1 in rounds 1 and 5");
    private final Claim adam = claim("kingma-ba", "Kingma and Ba 2015, algorithm 1", "1 and 0.541 in rounds 1 and 5");
    private final Claim flower = claim(
            "flower", "Flower 1.29, fedadam.py lines 165-166: exponent t + 1", "0.7425 and 0.516 in rounds 1 and 5");

    BiasCorrections() {}

    private static Claim claim(String name, String source, String published) {
        return new Claim("fedadam-bias/" + name, source, published, "within 0.0005");
    }

    @Override
    public String name() {
        return "fedadam-bias";
    }

    @Override
    public String description() {
        return "the factor of FedAdam's first steps: the paper's, Adam's and Flower's";
    }

    @Override
    public boolean needsMnist() {
        return false;
    }

    @Override
    public List<Claim> claims() {
        return List.of(paper, adam, flower);
    }

    @Override
    public List<Row> run(Bench bench) throws InterruptedException {
        return List.of(
                row(paper, BiasCorrection.NONE, 1, 1),
                row(adam, BiasCorrection.KINGMA_BA, 1, 0.541),
                row(flower, BiasCorrection.FLOWER_COMPAT, 0.7425, 0.516));
    }

    private static Row row(Claim claim, BiasCorrection correction, double first, double last)
            throws InterruptedException {
        double[] factors = factors(correction);
        return claim.measured(
                Math.abs(factors[0] - first) <= TOLERANCE && Math.abs(factors[ROUNDS - 1] - last) <= TOLERANCE,
                String.format(Locale.ROOT, "%.4f and %.4f", factors[0], factors[ROUNDS - 1]));
    }

    private static double[] factors(BiasCorrection correction) throws InterruptedException {
        Client constant = (task, context) -> ClientUpdate.ofModelDelta(weight(1), 1);
        List<Double> weights = new ArrayList<>(List.of(0.0));
        Federation.of(List.of(constant))
                .strategy(FedAdam.builder().tau(TAU).biasCorrection(correction).build())
                .initialModel(weight(0))
                .rounds(ROUNDS)
                .federatedEvaluation(false)
                .centralEvaluation(model -> {
                    weights.add(model.tensors().get(0).toDoubleArray()[0]);
                    return Metrics.none();
                })
                .run();
        double[] factors = new double[ROUNDS];
        double firstMoment = 0;
        double secondMoment = 0;
        for (int t = 0; t < ROUNDS; t++) {
            firstMoment = FedAdam.DEFAULT_BETA1 * firstMoment + (1 - FedAdam.DEFAULT_BETA1);
            secondMoment = FedAdam.DEFAULT_BETA2 * secondMoment + (1 - FedAdam.DEFAULT_BETA2);
            double step = weights.get(t + 1) - weights.get(t);
            factors[t] = step * (Math.sqrt(secondMoment) + TAU) / (FedAdam.DEFAULT_SERVER_LEARNING_RATE * firstMoment);
        }
        return factors;
    }

    private static Model weight(double value) {
        return Model.builder()
                .trainable("weight", Tensor.rounded(TensorType.FLOAT64, Shape.of(1), new double[] {value}))
                .build();
    }
}
