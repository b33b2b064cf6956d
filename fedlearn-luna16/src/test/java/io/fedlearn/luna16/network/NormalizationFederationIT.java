package io.fedlearn.luna16.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.personal.FedBN;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.luna16.patch.PatchShape;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Balls and vessels, seen by scanners of unlike brightness, told apart by a network with batch normalisation. */
class NormalizationFederationIT {
    private static final int SIDE = 8;
    private static final int ROUNDS = 12;
    private static final LunaNet NETWORK =
            LunaNet.of(new PatchShape(SIDE, SIDE, SIDE), List.of(4, 4)).withNormalization(Normalization.BATCH);
    private static final double[] BRIGHTNESS = {-0.5, 0, 0.5};

    /** Every other one a ball around the middle, the others a tube through it. */
    private static InMemoryExamples examples(int count, long seed, double brightness) {
        int voxels = SIDE * SIDE * SIDE;
        float[] features = new float[count * voxels];
        float[] targets = new float[count];
        SeededRandom random = SeededRandom.of(seed);
        for (int i = 0; i < count; i++) {
            targets[i] = i % 2;
            int axis = random.nextInt(3);
            double radius = 1.6 + random.nextDouble();
            double[] center = {3 + random.nextDouble(), 3 + random.nextDouble(), 3 + random.nextDouble()};
            for (int v = 0; v < voxels; v++) {
                int[] at = {v / (SIDE * SIDE), v / SIDE % SIDE, v % SIDE};
                double squares = 0;
                for (int j = 0; j < 3; j++) {
                    squares += i % 2 == 0 && j == axis ? 0 : (at[j] - center[j]) * (at[j] - center[j]);
                }
                double value = squares < radius * radius ? 1 : -0.5;
                features[i * voxels + v] = (float) (value + brightness + 0.2 * random.nextGaussian());
            }
        }
        return InMemoryExamples.wrap(NETWORK.featureShape(), features, targets);
    }

    private static Federation.Builder federation(Strategy strategy) {
        LocalModelPool networks = LocalModelPool.of(NETWORK::create);
        Map<String, Client> sites = new TreeMap<>();
        for (int i = 0; i < BRIGHTNESS.length; i++) {
            sites.put(
                    "site-" + i,
                    LocalTrainingClient.of(
                            networks, examples(32, i, BRIGHTNESS[i]), examples(40, 10 + i, BRIGHTNESS[i])));
        }
        return Federation.of(sites)
                .strategy(strategy)
                .training(TrainingSettings.defaults()
                        .withBatchSize(8)
                        .withLearningRate(0.05)
                        .withMomentum(0.9))
                .initialModel(initial())
                .rounds(ROUNDS)
                .seed(7);
    }

    private static Model initial() {
        return NETWORK.create().initialModel(3);
    }

    private static Strategy fedAdam() {
        return FedAdam.withServerLearningRate(0.02);
    }

    private static List<TensorSpec> statistics() {
        return initial().spec().tensors().stream()
                .filter(tensor -> tensor.role() == TensorRole.BUFFER)
                .toList();
    }

    private static double last(Run run, String metric) {
        return run.records().get(run.records().size() - 1).metrics().get(metric).orElseThrow();
    }

    @Test
    void learnsWithAveragedStatistics() throws InterruptedException {
        for (Strategy strategy : List.of(FedAvg.create(), fedAdam())) {
            Run run = federation(strategy).run();

            assertThat(last(run, Evaluation.AUC)).as("%s", strategy).isGreaterThan(0.9);
            assertThat(last(run, Evaluation.LOSS)).as("%s", strategy).isLessThan(0.5);
            for (TensorSpec tensor : statistics()) {
                Tensor values = run.model().tensor(tensor.name());
                assertThat(values.firstNonFinite()).isNegative();
                assertThat(values).isNotEqualTo(initial().tensor(tensor.name()));
                if (tensor.name().endsWith(".var")) {
                    for (float variance : values.toFloatArray()) {
                        assertThat(variance).as(tensor.name()).isPositive();
                    }
                }
            }
        }
    }

    /** After the first round sites have done the same, whatever the server makes of it. */
    @Test
    void averagesStatisticsWhateverTheServersStep() throws InterruptedException {
        Model averaged = federation(FedAvg.create()).rounds(1).run().model();
        Model stepped = federation(fedAdam()).rounds(1).run().model();

        assertThat(statistics()).hasSize(2 * 4);
        for (TensorSpec tensor : averaged.spec().tensors()) {
            if (tensor.role() == TensorRole.BUFFER) {
                assertThat(stepped.tensor(tensor.name()))
                        .as(tensor.name())
                        .isEqualTo(averaged.tensor(tensor.name()))
                        .isNotEqualTo(initial().tensor(tensor.name()));
            } else {
                assertThat(stepped.tensor(tensor.name()))
                        .as(tensor.name())
                        .isNotEqualTo(averaged.tensor(tensor.name()));
            }
        }
    }

    @Test
    void fedBnKeepsEachSitesNormalisationAtTheSite() throws InterruptedException {
        Run run = federation(FedBN.create()).run();

        for (TensorSpec tensor : statistics()) {
            assertThat(run.model().tensor(tensor.name())).isEqualTo(initial().tensor(tensor.name()));
        }
        for (OutcomeRecord site : run.records().get(ROUNDS - 1).evaluation().clients()) {
            assertThat(site.metrics().get(Evaluation.AUC).orElseThrow())
                    .as(site.clientId())
                    .isGreaterThan(0.9);
        }
    }
}
