package io.fedlearn.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.TrainingSettings;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class Dl4jFederationTest {
    private static final TrainingSettings TRAINING = TrainingSettings.defaults()
            .withLocalEpochs(2)
            .withBatchSize(8)
            .withLearningRate(0.1)
            .withMomentum(0.5)
            .withMu(0.01);

    /** Three classes around three corners. */
    private static InMemoryExamples examples(int count, long seed) {
        float[] features = new float[count * 6];
        float[] targets = new float[count];
        SeededRandom random = SeededRandom.of(seed);
        for (int i = 0; i < count; i++) {
            targets[i] = random.nextInt(3);
            for (int j = 0; j < 6; j++) {
                features[i * 6 + j] = (float) (random.nextGaussian() + (j / 2 == (int) targets[i] ? 3 : 0));
            }
        }
        return InMemoryExamples.wrap(Networks.FEATURES, features, targets);
    }

    private static Run run(Dl4jModel.Builder model, Strategy strategy, int threads) throws InterruptedException {
        LocalModelPool models = LocalModelPool.of(model::build);
        Map<String, Client> clients = new TreeMap<>();
        for (int i = 0; i < 4; i++) {
            clients.put("site-" + i, LocalTrainingClient.of(models, examples(30 + i, i), examples(20, 10 + i)));
        }
        return Federation.of(clients)
                .strategy(strategy)
                .training(TRAINING)
                .federatedEvaluation(true)
                .parallelism(threads)
                .rounds(4)
                .seed(7)
                .run();
    }

    @Test
    void learnsUnderFedAvgWithTheSameBitsOnOneThreadAndTwo() throws InterruptedException {
        Dl4jModel.Builder model = Dl4jModel.builder(Networks.dense(), Networks.FEATURES, Objective.MULTICLASS);

        Run one = run(model, FedAvg.create(), 1);
        Run two = run(model, FedAvg.create(), 2);

        assertThat(two.model().digest()).isEqualTo(one.model().digest());
        assertThat(Evaluation.of(loaded(model, one), examples(200, 99))
                        .metrics()
                        .get(Evaluation.ACCURACY)
                        .orElseThrow())
                .isGreaterThan(0.9);
    }

    @Test
    void learnsUnderFedAdamWithBatchNorm() throws InterruptedException {
        Dl4jModel.Builder model =
                Dl4jModel.builder(Networks.normalized(false), Networks.FEATURES, Objective.MULTICLASS);

        Run one = run(model, FedAdam.withServerLearningRate(0.05), 1);
        Run two = run(model, FedAdam.withServerLearningRate(0.05), 2);

        assertThat(two.model().digest()).isEqualTo(one.model().digest());
        assertThat(one.model().tensor("norm.var").toFloatArray()).doesNotContain(1f);
        assertThat(one.model().spec().tensor("norm.var").orElseThrow().role()).isEqualTo(TensorRole.BUFFER);
        assertThat(Evaluation.of(loaded(model, one), examples(200, 99))
                        .metrics()
                        .get(Evaluation.ACCURACY)
                        .orElseThrow())
                .isGreaterThan(0.9);
    }

    private static Dl4jModel loaded(Dl4jModel.Builder builder, Run run) {
        Dl4jModel model = builder.build();
        model.load(run.model());
        return model;
    }
}
