package io.fedlearn.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.fedlearn.aggregators.FedAdagrad;
import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.FedAvgM;
import io.fedlearn.aggregators.FedYogi;
import io.fedlearn.aggregators.WeightedMean;
import io.fedlearn.aggregators.personal.FedBN;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.TrainingSettings;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** A network with batch-norm under server optimizers, and with batch-norm layers of each site's own. */
class BatchNormFederationIT {
    private static final int ROUNDS = 20;
    private static final TrainingSettings TRAINING =
            TrainingSettings.defaults().withBatchSize(16).withLearningRate(0.2);

    /** Batch-norm of the features and of a hidden layer. */
    private static MultiLayerConfiguration network() {
        return new NeuralNetConfiguration.Builder()
                .list()
                .layer(new BatchNormalization.Builder()
                        .name("input-norm")
                        .nIn(6)
                        .nOut(6)
                        .useLogStd(false)
                        .build())
                .layer(new DenseLayer.Builder()
                        .name("hidden")
                        .nIn(6)
                        .nOut(8)
                        .activation(Activation.TANH)
                        .build())
                .layer(new BatchNormalization.Builder()
                        .name("hidden-norm")
                        .nIn(8)
                        .nOut(8)
                        .useLogStd(false)
                        .build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                        .name("output")
                        .nIn(8)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build())
                .build();
    }

    /** Three classes around three corners, in the units of a site. */
    private static InMemoryExamples examples(int count, long seed, double scale, double offset) {
        float[] features = new float[count * 6];
        float[] targets = new float[count];
        SeededRandom random = SeededRandom.of(seed);
        for (int i = 0; i < count; i++) {
            targets[i] = random.nextInt(3);
            for (int j = 0; j < 6; j++) {
                double value = random.nextGaussian() + (j / 2 == (int) targets[i] ? 2 : 0);
                features[i * 6 + j] = (float) (scale * value + offset);
            }
        }
        return InMemoryExamples.wrap(Networks.FEATURES, features, targets);
    }

    private static Map<String, Client> sites(double[] scales, double[] offsets) {
        LocalModelPool models =
                LocalModelPool.of(Dl4jModel.builder(network(), Networks.FEATURES, Objective.MULTICLASS)::build);
        Map<String, Client> sites = new TreeMap<>();
        for (int i = 0; i < scales.length; i++) {
            sites.put(
                    "site-" + i,
                    LocalTrainingClient.of(
                            models,
                            examples(48, i, scales[i], offsets[i]),
                            examples(100, 10 + i, scales[i], offsets[i])));
        }
        return sites;
    }

    private static Federation.Builder federation(Map<String, Client> sites, Strategy strategy) {
        return Federation.of(sites)
                .strategy(strategy)
                .training(TRAINING)
                .initialModel(Dl4jModel.of(network(), Networks.FEATURES, Objective.MULTICLASS)
                        .initialModel(3))
                .evaluateEvery(ROUNDS)
                .rounds(ROUNDS)
                .seed(7);
    }

    private static Map<String, Client> unevenSites() {
        // Small and unlike variances: what is below 0.1 is one step of an adaptive rule away from 0.
        return sites(new double[] {0.05, 0.1, 0.2}, new double[3]);
    }

    /** What the server step made of the variances, round after round. */
    private static final class Watch implements ServerOptimizer {
        private final ServerOptimizer step;
        private int rounds;
        private double least = Double.POSITIVE_INFINITY;
        private Model start = Model.empty();

        Watch(ServerOptimizer step) {
            this.step = step;
        }

        Strategy strategy() {
            return Strategy.builder("watched", WeightedMean::create, () -> this).build();
        }

        @Override
        public Model step(Model global, Aggregate aggregate) {
            if (rounds++ == 0) {
                start = global;
            }
            Model next = step.step(global, aggregate);
            for (TensorSpec tensor : next.spec().tensors()) {
                if (tensor.name().endsWith(".var")) {
                    for (float variance : next.tensor(tensor.name()).toFloatArray()) {
                        least = Math.min(least, variance);
                    }
                }
            }
            return next;
        }
    }

    /** Takes every tensor for one that is trained, as a server does that knows no roles. */
    private record WithoutRoles(ServerOptimizer step) implements ServerOptimizer {
        @Override
        public Model step(Model global, Aggregate aggregate) {
            ModelSpec blind = ModelSpec.of(global.spec().tensors().stream()
                    .map(tensor -> new TensorSpec(tensor.name(), tensor.type(), tensor.shape(), TensorRole.TRAINABLE))
                    .toList());
            List<double[]> values =
                    IntStream.range(0, blind.size()).mapToObj(aggregate::values).toList();
            Model next = step.step(
                    Model.of(blind, global.tensors()),
                    Aggregate.wrap(aggregate.form(), blind, values, aggregate.updateCount(), aggregate.totalWeight()));
            return Model.of(global.spec(), next.tensors());
        }
    }

    static Stream<Arguments> serverOptimizers() {
        return Stream.of(
                arguments(
                        FedAdam.NAME, FedAdam.builder().serverLearningRate(0.1).serverOptimizer()),
                arguments(
                        FedYogi.NAME, FedYogi.builder().serverLearningRate(0.1).serverOptimizer()),
                arguments(
                        FedAdagrad.NAME,
                        FedAdagrad.builder().serverLearningRate(0.1).serverOptimizer()),
                arguments(FedAvgM.NAME, FedAvgM.builder().serverMomentum(0.9).serverOptimizer()));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("serverOptimizers")
    void staysFiniteWithVariancesThatAreNotNegative(String name, Supplier<ServerOptimizer> optimizer)
            throws InterruptedException {
        Watch watch = new Watch(optimizer.get());

        Run run = federation(unevenSites(), watch.strategy()).run();

        assertThat(run.records()).hasSize(ROUNDS).noneMatch(RoundRecord::isAborted);
        assertThat(watch.rounds).isEqualTo(ROUNDS);
        assertThat(watch.least).as(name).isNotNegative().isLessThan(0.1);
        for (int t = 0; t < run.model().spec().size(); t++) {
            assertThat(run.model().tensors().get(t).firstNonFinite()).isNegative();
            assertThat(run.model().tensors().get(t))
                    .isNotEqualTo(watch.start.tensors().get(t));
        }
        assertThat(accuracy(run)).isGreaterThan(0.8);
    }

    /** That the test above would notice: the same with a step that takes statistics for weights. */
    @Test
    void variancesGoBelowZeroUnderAStepThatKnowsNoRoles() throws InterruptedException {
        Watch watch = new Watch(new WithoutRoles(
                FedAdam.builder().serverLearningRate(0.1).serverOptimizer().get()));

        federation(unevenSites(), watch.strategy()).run();

        assertThat(watch.least).isNegative();
    }

    private static double accuracy(Run run) {
        return run.records().get(ROUNDS - 1).metrics().get(Evaluation.ACCURACY).orElseThrow();
    }

    private static double loss(Run run) {
        return run.records().get(ROUNDS - 1).metrics().get(Evaluation.LOSS).orElseThrow();
    }

    @Test
    void fedBnBeatsFedAvgWhereFeaturesAreShifted() throws InterruptedException {
        double[] scales = {0.5, 1, 2};
        double[] offsets = {-30, 0, 30};

        Run fedAvg = federation(sites(scales, offsets), FedAvg.create()).run();
        Run fedBn = federation(sites(scales, offsets), FedBN.create()).run();

        assertThat(accuracy(fedBn)).isGreaterThan(0.8);
        assertThat(accuracy(fedAvg)).isLessThan(accuracy(fedBn) - 0.2);
        assertThat(loss(fedAvg)).isGreaterThan(3 * loss(fedBn));
        for (OutcomeRecord site : fedBn.records().get(ROUNDS - 1).evaluation().clients()) {
            assertThat(site.metrics().get(Evaluation.ACCURACY).orElseThrow())
                    .as(site.clientId())
                    .isGreaterThan(0.7);
        }
    }
}
