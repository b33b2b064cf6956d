package io.fedlearn.examples.conformance;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.FedDyn;
import io.fedlearn.aggregators.FedNova;
import io.fedlearn.aggregators.Scaffold;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.models.LinearRegression;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Where the methods come to rest with two clients whose losses are different parabolas: {@code F_k(w) = a_k^2 (w - w_k)^2},
 * linear regression on the examples {@code (a_k, a_k w_k)} and {@code (-a_k, -a_k w_k)}, trained by full-batch steps.
 *
 * <p>With curvatures {@code h_k = 2 a_k^2} and {@code K_k} steps of size {@code eta}, a client that starts from {@code w} ends at
 * {@code w + c_k (w_k - w)} with {@code c_k = 1 - (1 - eta h_k)^K_k}. So FedAvg rests where {@code sum_k c_k (w_k - w) = 0}, FedNova
 * where {@code sum_k (c_k / K_k) (w_k - w) = 0}, SCAFFOLD and FedDyn at the minimum of the mean loss,
 * {@code sum_k h_k (w_k - w) = 0}.
 */
final class FixedPoints implements Experiment {
    private static final double TOLERANCE = 0.0001;
    private static final int ROUNDS = 200;

    /** Different curvatures, the same number of steps. */
    private static final Parabolas CURVED = new Parabolas(0.05, new Parabola(1, 1, 10), new Parabola(2, -1, 10));

    /** The same curvature, ten times as many steps at one site. */
    private static final Parabolas UNEVEN = new Parabolas(0.01, new Parabola(1, 1, 2), new Parabola(1, -1, 20));

    private static final double ALPHA = 1;

    private final Claim average = claim("fedavg", "closed form", CURVED.averaged(), "the mean loss is least at -0.6");
    private final Claim scaffold =
            claim("scaffold", "Karimireddy et al. 2020 (SCAFFOLD)", CURVED.minimum(), "the minimum");
    private final Claim dynamic = claim("feddyn", "Acar et al. 2021 (FedDyn)", CURVED.minimum(), "the minimum");
    private final Claim uneven =
            claim("fedavg-uneven", "closed form", UNEVEN.averaged(), "2 and 20 steps; the mean loss is least at 0");
    private final Claim nova =
            claim("fednova-uneven", "Wang et al. 2020 (FedNova)", UNEVEN.normalised(), "2 and 20 steps");

    FixedPoints() {}

    private static Claim claim(String name, String source, double expected, String what) {
        return new Claim(
                "fixed-points/" + name,
                source + ", on two parabolas",
                String.format(Locale.ROOT, "%.5f (%s)", expected, what),
                "within 0.0001");
    }

    @Override
    public String name() {
        return "fixed-points";
    }

    @Override
    public String description() {
        return "where FedAvg, SCAFFOLD, FedDyn and FedNova come to rest on two parabolas, against closed forms";
    }

    @Override
    public boolean needsMnist() {
        return false;
    }

    @Override
    public List<Claim> claims() {
        return List.of(average, scaffold, dynamic, uneven, nova);
    }

    @Override
    public List<Row> run(Bench bench) throws InterruptedException {
        return List.of(
                row(average, CURVED, FedAvg.create(), CURVED.averaged()),
                row(scaffold, CURVED, Scaffold.withClients(2), CURVED.minimum()),
                row(dynamic, CURVED, FedDyn.of(2, ALPHA), CURVED.minimum()),
                row(uneven, UNEVEN, FedAvg.create(), UNEVEN.averaged()),
                row(nova, UNEVEN, FedNova.create(), UNEVEN.normalised()));
    }

    private static Row row(Claim claim, Parabolas parabolas, Strategy strategy, double expected)
            throws InterruptedException {
        double found = parabolas.rest(strategy);
        return claim.measured(Math.abs(found - expected) <= TOLERANCE, "%.5f", found);
    }

    /**
     * The loss of one client.
     *
     * @param scale {@code a}
     * @param minimum {@code w_k}
     * @param steps how many it takes in a round
     */
    private record Parabola(double scale, double minimum, int steps) {
        double curvature() {
            return 2 * scale * scale;
        }

        /** What share of the way to its minimum the client goes in a round. */
        double share(double learningRate) {
            return 1 - Math.pow(1 - learningRate * curvature(), steps);
        }

        Client client() {
            float x = (float) scale;
            float y = (float) (scale * minimum);
            return LocalTrainingClient.of(
                    () -> LinearRegression.of(1),
                    InMemoryExamples.wrap(Shape.of(1), new float[] {x, -x}, new float[] {y, -y}));
        }
    }

    private record Parabolas(double learningRate, Parabola first, Parabola second) {
        private static double balanced(double firstPull, Parabola first, double secondPull, Parabola second) {
            return (firstPull * first.minimum() + secondPull * second.minimum()) / (firstPull + secondPull);
        }

        double minimum() {
            return balanced(first.curvature(), first, second.curvature(), second);
        }

        double averaged() {
            return balanced(first.share(learningRate), first, second.share(learningRate), second);
        }

        double normalised() {
            return balanced(
                    first.share(learningRate) / first.steps(),
                    first,
                    second.share(learningRate) / second.steps(),
                    second);
        }

        /** The weight after so many rounds that nothing moves any more. */
        double rest(Strategy strategy) throws InterruptedException {
            Map<String, Parabola> parabolas = new TreeMap<>(Map.of("first", first, "second", second));
            Map<String, Client> clients = new TreeMap<>();
            parabolas.forEach((id, parabola) -> clients.put(id, parabola.client()));
            // One epoch of a full batch is one step.
            Strategy told = strategy.withInstructions(
                    "steps of their own",
                    (round, id) -> Config.empty()
                            .with(
                                    TrainingSettings.LOCAL_EPOCHS,
                                    Optional.ofNullable(parabolas.get(id))
                                            .orElseThrow()
                                            .steps()));
            return Federation.of(clients)
                    .strategy(told)
                    .training(TrainingSettings.defaults().withBatchSize(2).withLearningRate(learningRate))
                    .rounds(ROUNDS)
                    .evaluateEvery(0)
                    .run()
                    .model()
                    .tensors()
                    .get(0)
                    .toDoubleArray()[0];
        }
    }
}
