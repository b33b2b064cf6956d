package io.fedlearn.benchmarks;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.patch.PatchShape;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * How many patches per second does LunaNet train on and score, beside the same network in PyTorch and beside DL4J without FedLearn?
 *
 * <p>In turn, in one run, with PyTorch in a process of its own; both with as many native threads as {@code OMP_NUM_THREADS} says:
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   OMP_NUM_THREADS=2 java -Xmx2g -Dorg.bytedeco.javacpp.maxbytes=6g -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.LunaNetBenchmark [32x48x48 [batch [turns [python3 [file for the samples]]]]]
 * </pre>
 */
public final class LunaNetBenchmark {
    private static final String TRAIN = "FedLearn training step";
    private static final String TRAIN_DL4J = "DL4J fit";
    private static final String TRAIN_TORCH = "PyTorch training step";
    private static final String INFER = "FedLearn inference";
    private static final String INFER_DL4J = "DL4J output";
    private static final String INFER_TORCH = "PyTorch inference";

    private LunaNetBenchmark() {}

    /** Measures and prints a table. */
    public static void main(String[] arguments) throws Exception {
        String[] axes = (arguments.length > 0 ? arguments[0] : "32x48x48").split("x");
        PatchShape patch =
                new PatchShape(Integer.parseInt(axes[0]), Integer.parseInt(axes[1]), Integer.parseInt(axes[2]));
        int size = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 32;
        int turns = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 15;
        String interpreter = arguments.length > 3 ? arguments[3] : "python3";
        int threads = Integer.parseInt(System.getenv().getOrDefault("OMP_NUM_THREADS", "1"));

        LunaNet network = LunaNet.defaults().withPatch(patch);
        LocalModel model = network.create();
        model.load(network.create().initialModel(1));
        model.startTraining(TrainingSettings.defaults().withLearningRate(0.01).withMomentum(0.9), 1);
        Batch batch = batch(patch, size);
        float[] gradient = new float[model.trainables().length];
        float[] outputs = new float[size];

        MultiLayerNetwork plain = new MultiLayerNetwork(network.configuration());
        plain.init();
        plain.setLearningRate(0.01);
        INDArray inputs =
                Nd4j.create(batch.features(), new long[] {size, 1, patch.depth(), patch.height(), patch.width()}, 'c');
        INDArray labels = Nd4j.create(batch.targets(), new long[] {size, 1}, 'c');

        Map<String, Samples.Work> ways = new LinkedHashMap<>();
        ways.put(TRAIN, () -> {
            model.lossAndGradient(batch, gradient);
            model.applyGradient(gradient);
        });
        ways.put(TRAIN_DL4J, () -> plain.fit(inputs, labels));
        ways.put(INFER, () -> model.evaluate(batch, outputs));
        ways.put(INFER_DL4J, () -> plain.output(inputs));
        Optional<PythonPeer> torch =
                PythonPeer.start(interpreter, Path.of("benchmarks", "lunanet_torch.py"), patch, size, threads);
        try {
            torch.ifPresent(peer -> {
                ways.put(TRAIN_TORCH, () -> peer.seconds("train"));
                ways.put(INFER_TORCH, () -> peer.seconds("infer"));
            });
            Samples samples = Samples.inTurn(ways, 3, turns);
            System.out.printf(
                    Locale.ROOT,
                    "%s, %d parameters, batch %d, %d native threads, %s, medians of %d turns%n",
                    network,
                    model.spec().parameterCount(),
                    size,
                    threads,
                    torch.map(peer -> "PyTorch " + peer.version() + " parameters")
                            .orElse("no PyTorch here"),
                    turns);
            for (String way : ways.keySet()) {
                System.out.printf(
                        Locale.ROOT,
                        "%-24s %7.4f s %8.1f patches/s%n",
                        way,
                        samples.median(way),
                        size / samples.median(way));
            }
            torch.ifPresent(peer -> {
                System.out.printf(
                        Locale.ROOT, "training, times PyTorch's speed:  %.2f%n", samples.ratio(TRAIN_TORCH, TRAIN));
                System.out.printf(
                        Locale.ROOT, "inference, times PyTorch's speed: %.2f%n", samples.ratio(INFER_TORCH, INFER));
            });
            if (arguments.length > 4) {
                Files.writeString(Path.of(arguments[4]), samples.toJson() + "\n");
            }
        } finally {
            torch.ifPresent(PythonPeer::close);
        }
    }

    private static Batch batch(PatchShape patch, int size) {
        Batch batch = Batch.of(size, patch.voxelCount(), 1);
        SeededRandom random = SeededRandom.of(1);
        for (int i = 0; i < batch.features().length; i++) {
            batch.features()[i] = (float) random.nextDouble();
        }
        for (int i = 0; i < size; i++) {
            batch.targets()[i] = i % 2;
        }
        batch.resize(size);
        return batch;
    }
}
