package io.fedlearn.luna16.detect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.training.Batch;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.lung.LungException;
import io.fedlearn.luna16.lung.LungMask;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PatchShape;
import io.fedlearn.luna16.resample.Workers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class NoduleDetectorTest {
    private static final PatchSettings PATCHES =
            PatchSettings.defaults().withShape(new PatchShape(4, 4, 4)).withSpacing(1, 1, 1);
    private static final LunaNet NETWORK = LunaNet.of(new PatchShape(4, 4, 4), List.of(2, 2));
    private static final Point SMALL = new Point(-40, 0, 12);
    private static final Point LARGE = new Point(40, 2, 3);

    @TempDir
    private Path folder;

    /** Calls a patch the more probably a nodule the denser it is: 0 for air, 1 for 400 HU. */
    private static final class Density implements PatchScorer {
        @Override
        public void score(Batch batch, float[] probabilities) {
            for (int i = 0; i < batch.size(); i++) {
                double sum = 0;
                for (int j = 0; j < batch.featureLength(); j++) {
                    sum += batch.features()[i * batch.featureLength() + j];
                }
                probabilities[i] = (float) ((sum / batch.featureLength() + 1) / 4);
            }
        }
    }

    private static NoduleDetector.Builder detector() {
        return NoduleDetector.builder(PATCHES, Density::new);
    }

    /** Gives candidates these probabilities, one after the other. */
    private static NoduleDetector.Builder answering(float... answers) {
        AtomicInteger next = new AtomicInteger();
        return NoduleDetector.builder(PATCHES, () -> (batch, probabilities) -> {
            for (int i = 0; i < batch.size(); i++) {
                probabilities[i] = answers[next.getAndIncrement()];
            }
        });
    }

    private static Volume scan() {
        return new RoundLungs().ball(SMALL, 6).ball(LARGE, 16).volume();
    }

    private static Point at(double x) {
        return new Point(-40 + x, 5, -5);
    }

    @Test
    void findsNodulesInLungs() throws Exception {
        List<Detection> detections = detector().leastProbability(0.4).build().detect(scan(), RoundLungs.mask(folder));

        assertThat(detections).hasSizeGreaterThanOrEqualTo(2);
        assertThat(detections).anySatisfy(detection -> {
            assertThat(detection.center().distance(SMALL)).isLessThan(1);
            assertThat(detection.diameterMillimetres().orElseThrow()).isCloseTo(6, within(0.8));
        });
        assertThat(detections).anySatisfy(detection -> {
            assertThat(detection.center().distance(LARGE)).isLessThan(2);
            assertThat(detection.diameterMillimetres().orElseThrow()).isCloseTo(16, within(1.5));
        });
        assertThat(detections.stream().mapToDouble(Detection::probability).toArray())
                .isSortedAccordingTo((one, other) -> Double.compare(other, one));
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "5, 1", "64, 1", "1, 4", "5, 4", "7, 2"})
    void saysTheSameWhateverBatchAndThreads(int batch, int threads) throws Exception {
        LungMask mask = RoundLungs.mask(folder);
        NoduleDetector.Builder some =
                detector().candidates(SlidingWindow.defaults().withStep(9)).leastProbability(0);
        List<Detection> expected = some.build().detect(scan(), mask);
        ExecutorService executor = Executors.newFixedThreadPool(3);
        try {
            assertThat(some.batch(batch)
                            .workers(Workers.of(threads, executor))
                            .build()
                            .detect(scan(), mask))
                    .isEqualTo(expected)
                    .hasSizeGreaterThan(10);
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void mergesCandidatesNearTheMostProbableOne() throws Exception {
        List<Detection> detections = answering(0.3f, 0.8f, 0.6f, 0.5f)
                .mergeRadius(5)
                .build()
                .detect(scan(), List.of(at(-4), at(0), at(2), at(6)));

        assertThat(detections).hasSize(2);
        // The one of 0.3 takes part, but does not say where: it is less than half as probable.
        assertThat(detections.get(0).probability()).isEqualTo(0.8f);
        assertThat(detections.get(0).candidates()).isEqualTo(3);
        assertThat(detections.get(0).center().distance(at(2 * 0.6 / 1.4))).isLessThan(1e-6);
        // Though near one that was merged, it is not near the most probable one.
        assertThat(detections.get(1).center()).isEqualTo(at(6));
        assertThat(detections.get(1).candidates()).isEqualTo(1);
    }

    @Test
    void mergesAllCandidatesInOneLargeNodule() throws Exception {
        List<Point> places = List.of(LARGE, new Point(LARGE.x() + 7, LARGE.y(), LARGE.z()));

        assertThat(answering(0.9f, 0.8f).mergeRadius(0).build().detect(scan(), places))
                .hasSize(1);
        assertThat(answering(0.9f, 0.8f).mergeRadius(0).build().detect(scan(), List.of(at(0), at(0.5))))
                .hasSize(2);
    }

    @Test
    void keepsTheOrderOfEquallyProbableCandidates() throws Exception {
        assertThat(answering(0.5f, 0.5f, 0.5f).build().detect(scan(), List.of(at(20), at(-20), at(0))))
                .extracting(Detection::center)
                .containsExactly(at(20), at(-20), at(0));
    }

    @Test
    void leavesOutWhatIsLessProbableThanAskedForAndMoreThanAskedFor() throws Exception {
        List<Point> places = List.of(at(-20), at(-10), at(0), at(10));

        assertThat(answering(0.1f, 0.2f, 0.3f, 0.4f)
                        .leastProbability(0.2)
                        .mostFindings(2)
                        .build()
                        .detect(scan(), places))
                .extracting(Detection::center)
                .containsExactly(at(10), at(0));
        assertThat(answering(0.1f, 0.2f, 0.3f, 0.4f).leastProbability(1).build().detect(scan(), places))
                .isEmpty();
    }

    @Test
    void namesGivenCandidatesOutsideTheScanAndScoresThoseOnItsBorder() throws Exception {
        Point corner = RoundLungs.GEOMETRY.toWorld(0, 0, 0);
        Point outside = new Point(500, 0, 0);
        List<Point> left = new ArrayList<>();
        List<Integer> counts = new ArrayList<>();
        DetectionListener listener = new DetectionListener() {
            @Override
            public void candidatesFound(int count, List<Point> beyond) {
                counts.add(count);
                left.addAll(beyond);
            }
        };

        List<Detection> detections =
                answering(0.7f).listener(listener).build().detect(scan(), List.of(outside, corner));

        assertThat(left).containsExactly(outside);
        assertThat(counts).containsExactly(1);
        assertThat(detections).extracting(Detection::center).containsExactly(corner);
        assertThat(detector().build().detect(scan(), List.of(outside))).isEmpty();
    }

    @Test
    void saysHowFarItIs() throws Exception {
        List<String> heard = new ArrayList<>();
        DetectionListener listener = new DetectionListener() {
            @Override
            public void lungsFound(LungMask lungs) {
                heard.add("lungs");
            }

            @Override
            public void candidatesFound(int count, List<Point> outside) {
                heard.add("candidates " + count);
            }

            @Override
            public void candidatesScored(int done, int total) {
                heard.add(done + " of " + total);
            }
        };
        detector()
                .candidates((scan, lungs, workers) -> List.of(at(0), at(10), at(20)))
                .batch(2)
                .listener(listener)
                .build()
                .detect(scan(), RoundLungs.mask(folder));

        assertThat(heard).containsExactly("lungs", "candidates 3", "2 of 3", "3 of 3");
    }

    @Test
    void saysThatThereAreNoLungs() {
        Volume water = Volume.wrap(
                ImageGeometry.of(new GridSize(40, 40, 40), new Point(5, 5, 5), new Point(0, 0, 0)),
                new short[40 * 40 * 40]);

        assertThatExceptionOfType(LungException.class)
                .isThrownBy(() -> detector().build().detect(water));
    }

    @Test
    void averagesTheProbabilitiesOfModels() throws Exception {
        Model one = NETWORK.create().initialModel(1);
        Model other = NETWORK.create().initialModel(2);
        // Their last layers start at 0, so that all answers were 1/2.
        one = withLastLayer(one, 0.01f);
        other = withLastLayer(other, -0.02f);
        List<Point> places = List.of(SMALL);

        double first = probability(NoduleDetector.builder(NETWORK, PATCHES).model(one), places);
        double second = probability(NoduleDetector.builder(NETWORK, PATCHES).model(other), places);
        double mean = probability(NoduleDetector.builder(NETWORK, PATCHES).models(List.of(one, other)), places);

        assertThat(first).isNotCloseTo(second, within(1e-3));
        assertThat(mean).isCloseTo((first + second) / 2, within(1e-6));
        assertThat(probability(
                        NoduleDetector.builder(NETWORK, PATCHES).model(one).flips(true), places))
                .isNotEqualTo(first)
                .isCloseTo(first, within(0.2));
    }

    private static double probability(NoduleDetector.Builder builder, List<Point> places) throws Exception {
        return builder.leastProbability(0).build().detect(scan(), places).get(0).probability();
    }

    private static Model withLastLayer(Model model, float weight) {
        Model.Builder changed = Model.builder();
        int weights = model.spec().size() - 2;
        for (int i = 0; i < model.spec().size(); i++) {
            TensorSpec spec = model.spec().tensors().get(i);
            Tensor tensor = model.tensor(spec.name());
            if (i == weights) {
                float[] values = tensor.toFloatArray();
                for (int j = 0; j < values.length; j++) {
                    values[j] = weight * (j + 1);
                }
                tensor = Tensor.wrap(values, spec.shape().lengths());
            }
            changed.add(spec.name(), tensor, spec.role());
        }
        return changed.build();
    }

    @Test
    void endsWhenItsThreadIsInterrupted() {
        Thread.currentThread().interrupt();

        assertThatExceptionOfType(InterruptedException.class)
                .isThrownBy(() -> detector().build().detect(scan(), List.of(at(0))));
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
    }

    @Test
    void refusesAnswersThatAreNoProbabilities() {
        assertThatIllegalStateException()
                .isThrownBy(() -> answering(Float.NaN).build().detect(scan(), List.of(at(0))))
                .withMessage("a probability must be in [0, 1], was NaN for the candidate at (-40.0, 5.0, -5.0)");
    }

    @Test
    void refusesWhatDoesNotFitTogether() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> NoduleDetector.builder(NETWORK, PatchSettings.defaults()))
                .withMessage("patches must have the network's shape 4x4x4, have 32x48x48");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> NoduleDetector.builder(NETWORK, PATCHES).build())
                .withMessage("a detector needs a model");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> NoduleDetector.builder(NETWORK, PATCHES)
                        .model(NETWORK.withChannels(List.of(3)).create().initialModel(1))
                        .build())
                .withMessageStartingWith("model 1 must have the network's tensors ");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> detector().flips(true).build())
                .withMessage("models and flips are of a network, and there is none");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> detector().batch(0).build())
                .withMessage("batch must be in [1, 1024], was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> detector().mergeRadius(-1).build())
                .withMessage("mergeRadius must be in [0, 100.0] mm, was -1.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> detector().leastProbability(2).build())
                .withMessage("leastProbability must be in [0, 1], was 2.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> detector().mostFindings(0).build())
                .withMessage("mostFindings must be in [1, 1000000], was 0");
    }
}
