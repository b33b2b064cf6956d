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
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class NativeMemoryTest {
    private static final long MEBIBYTE = 1 << 20;

    @TempDir
    private Path folder;

    /** What a program of its own printed, whose heap cannot grow. */
    private String run(Class<?> program, String maxPhysicalBytes, String... arguments)
            throws IOException, InterruptedException {
        Path output = folder.resolve("output");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xms64m",
                "-Xmx64m",
                "-XX:+AlwaysPreTouch",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dorg.bytedeco.javacpp.maxretries=1",
                "-Dorg.bytedeco.javacpp.maxphysicalbytes=" + maxPhysicalBytes,
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .directory(folder.toFile())
                .start();
        try {
            assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        String said = Files.readString(output, StandardCharsets.UTF_8);
        assertThat(process.exitValue()).as(said).isZero();
        return said;
    }

    /** Trains and evaluates, and says how much memory the last four fifths of the steps took. */
    static final class Steady {
        private static final int FEATURES = 4096;

        private Steady() {}

        public static void main(String[] arguments) {
            int steps = Integer.parseInt(arguments[0]);
            Dl4jModel model = Dl4jModel.builder(
                            new NeuralNetConfiguration.Builder()
                                    .updater(new Adam())
                                    .l2(0.001)
                                    .list()
                                    .layer(new DenseLayer.Builder()
                                            .nIn(FEATURES)
                                            .nOut(8)
                                            .dropOut(0.5)
                                            .activation(Activation.TANH)
                                            .build())
                                    .layer(new OutputLayer.Builder(LossFunction.XENT)
                                            .nIn(8)
                                            .nOut(1)
                                            .activation(Activation.SIGMOID)
                                            .build())
                                    .build(),
                            Shape.of(FEATURES),
                            Objective.BINARY)
                    .networkUpdater()
                    .build();
            float[] gradient = new float[model.trainables().length];
            float[] outputs = new float[16];
            Batch batch = Batch.of(16, FEATURES, 1);
            long before = 0;
            for (int step = 0; step < steps; step++) {
                if (step == steps / 5) {
                    System.gc();
                    before = Pointer.physicalBytes();
                }
                if (step % 100 == 0) {
                    model.startTraining(TrainingSettings.defaults().withLearningRate(0.001), step);
                }
                // The last batch of an epoch is smaller.
                batch.resize(step % 7 == 0 ? 5 : 16);
                model.lossAndGradient(batch, gradient);
                model.applyGradient(gradient);
                model.evaluate(batch, outputs);
            }
            System.gc();
            System.out.println("grew by " + (Pointer.physicalBytes() - before));
        }
    }

    private void requireNoGrowth(int steps) throws IOException, InterruptedException {
        String said = run(Steady.class, "1g", String.valueOf(steps));

        // Each of the larger arrays, were it left behind in every step, would take at least 128 KiB times the steps:
        // 100
        // MiB or more. The compiler and the allocator take some of their own.
        String grown =
                said.substring(said.indexOf("grew by ") + "grew by ".length()).trim();
        assertThat(Long.parseLong(grown)).isLessThan(64 * MEBIBYTE);
    }

    @Test
    void doesNotGrowFromStepToStep() throws IOException, InterruptedException {
        requireNoGrowth(1000);
    }

    @Test
    @Tag("slow")
    void doesNotGrowOverTenThousandSteps() throws IOException, InterruptedException {
        requireNoGrowth(10_000);
    }

    /** Trains on more than its memory holds, then on less. Runs in a virtual machine of its own. */
    static final class Hungry {
        private static final int EXAMPLES = 40_000;

        private Hungry() {}

        public static void main(String[] arguments) {
            Dl4jModel model = Dl4jModel.builder(
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
                            Objective.BINARY)
                    .evaluationBatchSize(EXAMPLES)
                    .build();
            float[] gradient = new float[model.trainables().length];
            try {
                model.lossAndGradient(batch(EXAMPLES), gradient);
            } catch (NativeMemoryException e) {
                System.out.println("refused: " + e.getMessage());
            }
            try {
                model.evaluate(batch(EXAMPLES), new float[EXAMPLES]);
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
        String said = run(Hungry.class, "400m");

        assertThat(said)
                .contains(
                        "refused: too little native memory while training on 40000 examples of 16: the process takes ")
                .contains("refused: too little native memory while evaluating 40000 examples of 16: the process takes ")
                .contains(" MiB of at most 400 MiB; raise -Dorg.bytedeco.javacpp.maxphysicalbytes")
                .contains("went on");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(folder.resolve("output"));
        }
    }
}
