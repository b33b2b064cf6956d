package io.fedlearn.aggregators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.training.TrainingSettings;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * To which model the methods converge on quadratics with different curvatures and minima, through the whole of a federation.
 * A client that takes {@code tau} steps of length {@code eta} on {@code 1/2 a (w - b)^2} comes from {@code w} to
 * {@code b + (1 - eta a)^tau (w - b)}, so that every fixed point is known.
 */
class FixedPointTest {
    private static final double[] CURVATURES = {1, 4, 0.5, 2};
    private static final double[] MINIMA = {0, 1, -3, 2};
    private static final double RATE = 0.05;

    private static Map<String, Client> clients(int count) {
        Map<String, Client> clients = new TreeMap<>();
        for (int k = 0; k < count; k++) {
            clients.put("site-" + k, QuadraticModel.client(1, new float[] {(float) CURVATURES[k], (float) MINIMA[k]}));
        }
        return clients;
    }

    private static TrainingSettings steps(int count) {
        return TrainingSettings.defaults().withLearningRate(RATE).withLocalEpochs(count);
    }

    private static double end(Strategy strategy, TrainingSettings training, int clients, int rounds)
            throws InterruptedException {
        return Federation.of(clients(clients))
                .strategy(strategy)
                .training(training)
                .initialModel(QuadraticModel.model(5))
                .rounds(rounds)
                .seed(3)
                .evaluateEvery(0)
                .executor(Runnable::run)
                .run()
                .model()
                .tensor("w")
                .get(0);
    }

    /** Where the weighted mean of the clients' minima lies. */
    private static double balance(double[] weights) {
        double sum = 0;
        double weight = 0;
        for (int k = 0; k < weights.length; k++) {
            sum += weights[k] * MINIMA[k];
            weight += weights[k];
        }
        return sum / weight;
    }

    private static double optimum(int clients) {
        double[] weights = new double[clients];
        System.arraycopy(CURVATURES, 0, weights, 0, clients);
        return balance(weights);
    }

    private static double progress(int client, int steps) {
        return 1 - Math.pow(1 - RATE * CURVATURES[client], steps);
    }

    @Test
    void fedAvgEndsBesideTheOptimumByWhatTheClientsDrift() throws Exception {
        double expected = balance(new double[] {progress(0, 10), progress(1, 10)});

        assertThat(optimum(2)).isEqualTo(0.8);
        assertThat(expected).as("the bias that is known").isCloseTo(0.8 - 0.1100, within(0.001));
        assertThat(end(FedAvg.create(), steps(10), 2, 100)).isCloseTo(expected, within(1e-5));
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0.9, 0", "0, 0.5", "0.5, 0.5"})
    void scaffoldEndsAtTheOptimum(double momentum, double mu) throws Exception {
        TrainingSettings training = steps(10).withMomentum(momentum).withMu(mu);

        assertThat(end(Scaffold.withClients(2), training, 2, 120)).isCloseTo(0.8, within(1e-5));
        assertThat(Math.abs(end(FedAvg.create(), training, 2, 120) - 0.8))
                .as("FedAvg's bias")
                .isGreaterThan(0.01);
    }

    @Test
    void scaffoldEndsAtTheOptimumWhenFewTakePart() throws Exception {
        Strategy strategy = Scaffold.withClients(4).withSelector(ClientSelector.uniform(2));

        assertThat(end(strategy, steps(5), 4, 300)).isCloseTo(optimum(4), within(1e-4));
    }

    @Test
    void scaffoldCountsWeightDecayAmongTheLosses() throws Exception {
        double decay = 0.5;
        // The minimum of the mean of 1/2 a (w - b)^2 + 1/2 decay w^2.
        double expected = (1 * 0.0 + 4 * 1.0) / (1 + 4 + 2 * decay);

        assertThat(end(Scaffold.withClients(2), steps(10).withWeightDecay(decay), 2, 120))
                .isCloseTo(expected, within(1e-5));
    }

    @Test
    void scaffoldWithLargerServerStepsEndsAtTheOptimumToo() throws Exception {
        Strategy strategy = Scaffold.builder(2).serverLearningRate(1.2).build();

        assertThat(end(strategy, steps(10), 2, 120)).isCloseTo(0.8, within(1e-5));
    }

    @ParameterizedTest
    @CsvSource({"0.1, 0", "1, 0", "1, 0.9"})
    void fedDynEndsAtTheOptimum(double alpha, double momentum) throws Exception {
        assertThat(end(FedDyn.of(2, alpha), steps(100).withMomentum(momentum), 2, 200))
                .isCloseTo(0.8, within(1e-4));
    }

    @Test
    void fedDynEndsAtTheOptimumWhenFewTakePart() throws Exception {
        Strategy strategy = FedDyn.of(4, 1).withSelector(ClientSelector.uniform(2));

        assertThat(end(strategy, steps(100), 4, 300)).isCloseTo(optimum(4), within(1e-3));
    }

    private static Strategy uneven(Strategy strategy) {
        return strategy.withInstructions(
                "site-0 takes 2 steps, the other 20",
                (round, client) -> Config.of(Map.of(TrainingSettings.LOCAL_EPOCHS, client.equals("site-0") ? 2 : 20)));
    }

    /** Equal curvatures, so that uneven steps are all that can bias: one client takes 2, the other 20. */
    private static double unevenEnd(Strategy strategy, TrainingSettings training) throws InterruptedException {
        return Federation.of(Map.of(
                        "site-0", QuadraticModel.client(1, new float[] {0.1f, 0}),
                        "site-1", QuadraticModel.client(1, new float[] {0.1f, 1})))
                .strategy(uneven(strategy))
                .training(training)
                .initialModel(QuadraticModel.model(5))
                .rounds(400)
                .evaluateEvery(0)
                .executor(Runnable::run)
                .run()
                .model()
                .tensor("w")
                .get(0);
    }

    @Test
    void fedNovaTakesTheBiasOfUnevenStepsAway() throws Exception {
        double[] progress = {1 - Math.pow(1 - RATE * 0.1, 2), 1 - Math.pow(1 - RATE * 0.1, 20)};
        double fedAvg = progress[1] / (progress[0] + progress[1]);
        double fedNova = progress[1] / 20 / (progress[0] / 2 + progress[1] / 20);

        assertThat(fedAvg).as("nearly in proportion to the steps, 20 of 22").isCloseTo(0.9, within(0.01));
        assertThat(fedNova).as("nearly the optimum, 0.5").isCloseTo(0.5, within(0.015));
        assertThat(unevenEnd(FedAvg.create(), steps(1))).isCloseTo(fedAvg, within(1e-4));
        assertThat(unevenEnd(FedNova.create(), steps(1))).isCloseTo(fedNova, within(1e-4));
    }

    @ParameterizedTest
    @CsvSource({"0.9, 0", "0, 0.5", "0.9, 0.5"})
    void fedNovaTakesItAwayWithMomentumAndMu(double momentum, double mu) throws Exception {
        TrainingSettings training = steps(1).withMomentum(momentum).withMu(mu);

        double fedNova = unevenEnd(FedNova.create(), training);
        double fedAvg = unevenEnd(FedAvg.create(), training);

        assertThat(Math.abs(fedNova - 0.5)).isLessThan(0.2 * Math.abs(fedAvg - 0.5));
    }

    private static double lossVariance(double w) {
        double sum = 0;
        double squares = 0;
        for (int k = 0; k < 4; k++) {
            double loss = 0.5 * CURVATURES[k] * (w - MINIMA[k]) * (w - MINIMA[k]);
            sum += loss;
            squares += loss * loss;
        }
        return squares / 4 - sum * sum / 16;
    }

    @Test
    void largerQMakesClientsLoseMoreAlike() throws Exception {
        double last = Double.POSITIVE_INFINITY;
        for (double q : new double[] {0, 0.5, 1, 5}) {
            double variance = lossVariance(end(QFedAvg.withQ(q), steps(2), 4, 100));
            assertThat(variance).as("q = %s", q).isLessThan(last);
            last = variance;
        }
    }

    @Test
    void qFedAvgWithQ0IsTheUniformMean() throws Exception {
        double[] progress = new double[4];
        for (int k = 0; k < 4; k++) {
            progress[k] = progress(k, 3);
        }
        assertThat(end(QFedAvg.withQ(0), steps(3), 4, 200)).isCloseTo(balance(progress), within(1e-5));
    }
}
