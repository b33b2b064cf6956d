package io.fedlearn.examples.conformance;

import io.fedlearn.core.partition.Partition;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.examples.mnist.MnistData;
import io.fedlearn.models.idx.IdxImages;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Images of digits, to be divided among clients. Immutable. */
final class Images {
    /** How many digits there are. */
    static final int CLASSES = 10;

    /** How many images the server has of its own, as in the FLTrust paper. */
    private static final int ROOT = 100;

    private final int[] classes;
    private final Function<int[], ExampleSource> parts;
    private final ExampleSource root;
    private final ExampleSource test;

    private Images(int[] classes, Function<int[], ExampleSource> parts, ExampleSource root, ExampleSource test) {
        this.classes = classes;
        this.parts = parts;
        this.root = root;
        this.test = test;
    }

    /** So many of MNIST's training images, chosen at random, and all its test images; {@code count} must leave some over. */
    static Images of(MnistData mnist, int count, long seed) {
        int[] places = IntStream.range(0, Math.toIntExact(mnist.training().exampleCount()))
                .toArray();
        SeededRandom.of(seed).shuffle(places);
        IdxImages chosen =
                mnist.training().subset(IntStream.of(places).limit(count).toArray());
        IdxImages others = mnist.training()
                .subset(IntStream.of(places).skip(count).limit(ROOT).toArray());
        return new Images(chosen.classes(), chosen::subset, others, mnist.test());
    }

    /** Generated images. */
    static Images generated(int trainingCount, int testCount, long seed) {
        InMemoryExamples training = SegmentDigits.generate(trainingCount, SeededRandom.derive(seed, "training images"));
        return new Images(
                training.classes(),
                training::subset,
                SegmentDigits.generate(ROOT, SeededRandom.derive(seed, "root images")),
                SegmentDigits.generate(testCount, SeededRandom.derive(seed, "test images")));
    }

    /** The digit of each training image. */
    int[] classes() {
        return classes.clone();
    }

    /** The training images at these places. */
    ExampleSource training(int... places) {
        return parts.apply(places);
    }

    /** The training images of each client. */
    List<ExampleSource> divided(Partition partition) {
        List<ExampleSource> sources = new ArrayList<>();
        for (int i = 0; i < partition.clientCount(); i++) {
            sources.add(training(partition.examples(i)));
        }
        return sources;
    }

    /** A few images that no client has. */
    ExampleSource root() {
        return root;
    }

    /** The test images. */
    ExampleSource test() {
        return test;
    }

    /** The shape of an image. */
    Shape shape() {
        return test.featureShape();
    }
}
