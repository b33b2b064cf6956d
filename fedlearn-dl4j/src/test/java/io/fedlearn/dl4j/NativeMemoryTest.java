package io.fedlearn.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.TrainingSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class NativeMemoryTest {
    private static final long MEBIBYTE = 1 << 20;

    @TempDir
    private Path folder;

    private static void train(Dl4jModel model, int steps) {
        float[] gradient = new float[model.trainables().length];
        float[] outputs = new float[3 * 8];
        for (int step = 0; step < steps; step++) {
            // The last batch of an epoch is smaller.
            Batch batch = Dl4jModelTest.batch(step % 7 == 0 ? 5 : 8, 6, 3, step);
            model.lossAndGradient(batch, gradient);
            model.applyGradient(gradient);
            if (step % 5 == 0) {
                model.evaluate(batch, outputs);
            }
            if (step % 100 == 0) {
                model.startTraining(TrainingSettings.defaults().withLearningRate(0.001), step);
            }
        }
    }

    @Test
    void doesNotGrowOverTenThousandSteps() {
        Dl4jModel model = Dl4jModel.builder(Networks.normalized(false), Networks.FEATURES, Objective.MULTICLASS)
                .networkUpdater()
                .build();
        model.startTraining(TrainingSettings.defaults(), 1);
        train(model, 1500);
        System.gc();
        long before = Pointer.physicalBytes();
        long countedBefore = Pointer.totalBytes();

        train(model, 8500);

        System.gc();
        assertThat(Pointer.physicalBytes() - before).isLessThan(96 * MEBIBYTE);
        assertThat(Pointer.totalBytes() - countedBefore).isLessThan(4 * MEBIBYTE);
    }

    /** Trains on more than its memory holds, then on less. Runs in a virtual machine of its own. */
    static final class Hungry {
        private Hungry() {}

        public static void main(String[] arguments) {
            Dl4jModel model = Dl4jModel.of(
                    new NeuralNetConfiguration.Builder()
                            .list()
                            .layer(new DenseLayer.Builder()
                                    .nIn(16)
                                    .nOut(4096)
                                    .activation(Activation.TANH)
                                    .build())
                            .layer(new OutputLayer.Builder(LossFunction.XENT)
                                    .nIn(4096)
                                    .nOut(1)
                                    .activation(Activation.SIGMOID)
                                    .build())
                            .build(),
                    Shape.of(16),
                    Objective.BINARY);
            float[] gradient = new float[model.trainables().length];
            try {
                model.lossAndGradient(batch(40_000), gradient);
            } catch (NativeMemoryException e) {
                System.out.println("refused: " + e.getMessage());
            }
            model.lossAndGradient(batch(100), gradient);
            System.out.println("went on");
        }

        private static Batch batch(int examples) {
            Batch batch = Batch.of(examples, 16, 1);
            batch.resize(examples);
            return batch;
        }
    }

    @Test
    void tellsHowToRaiseALimitThatWasReachedAndGoesOn() throws IOException, InterruptedException {
        Path output = folder.resolve("output");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-Dorg.bytedeco.javacpp.maxphysicalbytes=400m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Hungry.class.getName())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .directory(folder.toFile())
                .start();

        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();

        String said = Files.readString(output, StandardCharsets.UTF_8);
        assertThat(said)
                .contains(
                        "refused: too little native memory while training on 40000 examples of 16: the process takes ")
                .contains(" MiB of at most 400 MiB; raise -Dorg.bytedeco.javacpp.maxphysicalbytes")
                .contains("went on");
        assertThat(process.exitValue()).isZero();
    }
}
