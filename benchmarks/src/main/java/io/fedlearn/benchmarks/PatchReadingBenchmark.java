package io.fedlearn.benchmarks;

import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.LocalTrainer;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.luna16.dataset.Luna16Dataset;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.patch.Augmentation;
import io.fedlearn.luna16.patch.CandidateSelection;
import io.fedlearn.luna16.patch.PatchCache;
import io.fedlearn.luna16.patch.PatchExamples;
import io.fedlearn.luna16.patch.PatchSet;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PatchShape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Does training ever wait for patches? What share of an epoch's time goes into training, and what into reading patches from
 * the cache and varying them, as {@code luna16} does it, in one thread?
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   OMP_NUM_THREADS=2 java -Xmx2g -Dorg.bytedeco.javacpp.maxbytes=6g -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.PatchReadingBenchmark [32x48x48 [batch [patches]]]
 * </pre>
 */
public final class PatchReadingBenchmark {
    private static final GridSize SCAN = new GridSize(192, 192, 96);

    private PatchReadingBenchmark() {}

    /** Nothing around the work. */
    private enum Alone implements TaskContext, ClientState {
        CONTEXT;

        @Override
        public ClientState state() {
            return this;
        }

        @Override
        public Optional<Model> load(String name) {
            return Optional.empty();
        }

        @Override
        public void save(String name, Model value) {
            // Nobody asks for it.
        }

        @Override
        public void progress(long done, long total) {
            // Nobody watches.
        }

        @Override
        public boolean isCancelled() {
            return false;
        }
    }

    /** A source that knows how long reading took. */
    private static final class Timed implements ExampleSource {
        private final ExampleSource source;
        private long nanoseconds;

        Timed(ExampleSource source) {
            this.source = source;
        }

        double seconds() {
            return nanoseconds / 1e9;
        }

        @Override
        public long exampleCount() {
            return source.exampleCount();
        }

        @Override
        public Shape featureShape() {
            return source.featureShape();
        }

        @Override
        public int targetLength() {
            return source.targetLength();
        }

        @Override
        public BatchReader open(ExampleOrder order) {
            long start = System.nanoTime();
            BatchReader reader = source.open(order);
            nanoseconds += System.nanoTime() - start;
            return new BatchReader() {
                @Override
                public boolean read(Batch batch) {
                    long begin = System.nanoTime();
                    boolean any = reader.read(batch);
                    nanoseconds += System.nanoTime() - begin;
                    return any;
                }

                @Override
                public void close() {
                    reader.close();
                }
            };
        }
    }

    /** Measures and prints a table. */
    public static void main(String[] arguments) throws Exception {
        String[] axes = (arguments.length > 0 ? arguments[0] : "32x48x48").split("x");
        PatchShape shape =
                new PatchShape(Integer.parseInt(axes[0]), Integer.parseInt(axes[1]), Integer.parseInt(axes[2]));
        int size = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 32;
        int count = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 320;
        Path folder = Files.createTempDirectory("patch-reading");
        try {
            PatchSet patches = patches(folder, PatchSettings.defaults().withShape(shape), count);
            System.out.println(Machine.description() + ", "
                    + System.getenv().getOrDefault("OMP_NUM_THREADS", "all") + " native threads; patches of " + shape
                    + ", batches of " + size);
            System.out.println();
            System.out.println(
                    "| variation | patches/s, reading alone | patches/s, training | share of reading | of training |");
            System.out.println("|---|---|---|---|---|");
            Map<String, Augmentation> variations = Map.of(
                    "none", Augmentation.none(),
                    "the defaults", Augmentation.defaults(),
                    "the defaults, turned by any angle",
                            Augmentation.defaults().withRotation(Augmentation.Rotation.FREE));
            for (String name : variations.keySet().stream()
                    .sorted(Comparator.reverseOrder())
                    .toList()) {
                PatchExamples examples =
                        PatchExamples.of(patches).withAugmentation(variations.getOrDefault(name, Augmentation.none()));
                measure(name, examples, shape, size);
            }
        } finally {
            delete(folder);
        }
    }

    private static void measure(String name, PatchExamples examples, PatchShape shape, int size)
            throws InterruptedException {
        LunaNet network = LunaNet.defaults().withPatch(shape);
        LocalModel model = network.create();
        model.load(network.create().initialModel(1));
        TrainingSettings settings =
                TrainingSettings.defaults().withBatchSize(size).withLearningRate(0.01);
        LocalTrainer.train(model, examples, settings.withMaxSteps(2), List.of(), 1, Alone.CONTEXT);
        double alone = alone(examples, size);

        Timed timed = new Timed(examples);
        long start = System.nanoTime();
        LocalTrainer.train(model, timed, settings.withLocalEpochs(1), List.of(), 1, Alone.CONTEXT);
        double seconds = (System.nanoTime() - start) / 1e9;
        double share = timed.seconds() / seconds;
        System.out.printf(
                Locale.ROOT,
                "| %s | %.0f | %.1f | %.2f %% | %.2f %% |%n",
                name,
                examples.exampleCount() / alone,
                examples.exampleCount() / seconds,
                100 * share,
                100 * (1 - share));
    }

    /** The seconds for an epoch of which nothing is done with what is read; the second of two. */
    private static double alone(PatchExamples examples, int size) {
        Batch batch = Batch.of(size, examples);
        double seconds = 0;
        for (int turn = 0; turn < 2; turn++) {
            long start = System.nanoTime();
            try (BatchReader reader = examples.open(ExampleOrder.shuffled(turn))) {
                while (reader.read(batch)) {
                    // What was read is passed over.
                }
            }
            seconds = (System.nanoTime() - start) / 1e9;
        }
        return seconds;
    }

    /** Patches of noise, out of two scans. */
    private static PatchSet patches(Path folder, PatchSettings settings, int count)
            throws IOException, InterruptedException {
        Path data = folder.resolve("data");
        Files.createDirectories(data.resolve("subset0"));
        List<String> annotations = new ArrayList<>(List.of("seriesuid,coordX,coordY,coordZ,diameter_mm"));
        List<String> candidates = new ArrayList<>(List.of("seriesuid,coordX,coordY,coordZ,class"));
        SeededRandom random = SeededRandom.of(1);
        for (int scan = 0; scan < 2; scan++) {
            String name = "1.2." + scan;
            short[] values = new short[(int) SCAN.voxelCount()];
            for (int i = 0; i < values.length; i++) {
                values[i] = (short) (random.nextInt(1400) - 1000);
            }
            MetaImage.write(
                    data.resolve("subset0/" + name + ".mhd"),
                    Volume.wrap(ImageGeometry.of(SCAN, new Point(0.7, 0.7, 1.25), new Point(0, 0, 0)), values),
                    MetaImage.Compression.NONE);
            annotations.add(name + ",50,50,50,10");
            candidates.add(name + ",50,50,50,1");
            for (int i = 1; i < count / 2; i++) {
                candidates.add(name + "," + random.nextInt(130) + "," + random.nextInt(130) + "," + random.nextInt(110)
                        + ",0");
            }
        }
        Files.write(data.resolve("annotations.csv"), annotations);
        Files.write(data.resolve("candidates_V2.csv"), candidates);
        return PatchCache.at(folder.resolve("patches"))
                .prepare(Luna16Dataset.open(data).scans(), settings, CandidateSelection.all())
                .patches();
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> {
                try {
                    Files.delete(file);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
