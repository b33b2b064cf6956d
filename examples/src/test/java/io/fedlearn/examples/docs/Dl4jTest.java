package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.dl4j.Dl4jBackend;
import io.fedlearn.dl4j.Dl4jModel;
import io.fedlearn.dl4j.Dl4jModelFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.listeners.CollectScoresIterationListener;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Code of {@code docs/dl4j.md}. */
final class Dl4jTest {
    private final int threads = Dl4jBackend.present().threads();

    // tag::network[]
    static final MultiLayerConfiguration NETWORK = new NeuralNetConfiguration.Builder()
            .updater(new Adam())
            .list()
            .layer(new DenseLayer.Builder()
                    .name("hidden")
                    .nIn(4)
                    .nOut(8)
                    .activation(Activation.RELU)
                    .build())
            .layer(new BatchNormalization.Builder().name("norm").nIn(8).nOut(8).build())
            .layer(new OutputLayer.Builder(LossFunction.XENT)
                    .name("output")
                    .nIn(8)
                    .nOut(1)
                    .activation(Activation.SIGMOID)
                    .build())
            .build();
    // end::network[]

    @AfterEach
    void restoreThreads() {
        Dl4jBackend.useThreads(threads);
    }

    /** Two classes, told apart by the sum of the features. */
    private static InMemoryExamples examples(int count, long seed) {
        float[] features = new float[count * 4];
        float[] targets = new float[count];
        SeededRandom random = SeededRandom.of(seed);
        for (int i = 0; i < count; i++) {
            float sum = 0;
            for (int j = 0; j < 4; j++) {
                features[i * 4 + j] = (float) random.nextGaussian();
                sum += features[i * 4 + j];
            }
            targets[i] = sum > 0 ? 1 : 0;
        }
        return InMemoryExamples.wrap(Shape.of(4), features, targets);
    }

    @Test
    void trainsAcrossHospitals() throws InterruptedException {
        ExampleSource first = examples(60, 1);
        ExampleSource second = examples(80, 2);
        // tag::federation[]
        Dl4jModel.Builder model = Dl4jModel.builder(NETWORK, Shape.of(4), Objective.BINARY);
        Run run = Federation.of(List.of(
                        LocalTrainingClient.of(model::build, first), LocalTrainingClient.of(model::build, second)))
                .strategy(FedAvg.create())
                .training(TrainingSettings.defaults().withLearningRate(0.05).withMomentum(0.9))
                .rounds(5)
                .run();
        // end::federation[]

        assertThat(run.model().spec().tensor("norm.mean").orElseThrow().role()).isEqualTo(TensorRole.BUFFER);
    }

    @Test
    void usesTheUpdaterOfTheConfiguration() {
        // tag::updater[]
        Dl4jModel model = Dl4jModel.builder(NETWORK, Shape.of(4), Objective.BINARY)
                .networkUpdater()
                .build();
        // end::updater[]
        model.startTraining(TrainingSettings.defaults().withLearningRate(0.001), 1);

        assertThat(model.spec().trainableCount()).isEqualTo(65);
    }

    @Test
    void saysWhatComputes() {
        StringBuilder out = new StringBuilder();
        // tag::backend[]
        Dl4jBackend.useThreads(1);
        Dl4jBackend backend = Dl4jBackend.present();
        out.append(backend);
        backend.warning().ifPresent(out::append);
        // end::backend[]

        assertThat(out).startsWith("ND4J 1.0.0-M2.1 on ").contains(", 1 thread");
    }

    @Test
    void tellsListeners() {
        // tag::listeners[]
        CollectScoresIterationListener scores = new CollectScoresIterationListener();
        Dl4jModel model = Dl4jModel.builder(NETWORK, Shape.of(4), Objective.BINARY)
                .listeners(scores)
                .build();
        // end::listeners[]

        assertThat(model.objective()).isEqualTo(Objective.BINARY);
    }

    @Test
    void writesAndReadsModelFiles(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("model.zip");
        Dl4jModel model = Dl4jModel.of(NETWORK, Shape.of(4), Objective.BINARY);
        Model trained = model.initialModel(1);
        // tag::files[]
        model.load(trained);
        Dl4jModelFile.write(model, file);

        MultiLayerNetwork network = ModelSerializer.restoreMultiLayerNetwork(file.toFile()); // in any program with DL4J

        Model again = Dl4jModelFile.read(file, model); // refuses the file of another network
        Dl4jModel other =
                Dl4jModelFile.read(file).builder(Shape.of(4), Objective.BINARY).build();
        // end::files[]

        assertThat(again).isEqualTo(trained).isEqualTo(other.snapshot());
        assertThat(network.numParams()).isEqualTo(81);
    }
}
