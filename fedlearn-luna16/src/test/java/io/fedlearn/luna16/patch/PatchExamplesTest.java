package io.fedlearn.luna16.patch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.luna16.image.HuWindow;
import io.fedlearn.testkit.contract.ExampleSourceContract;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PatchExamplesTest extends ExampleSourceContract {
    @TempDir
    private Path directory;

    private PatchSet patches;

    @BeforeEach
    void prepare() throws Exception {
        patches = PatchCache.at(directory.resolve("cache"))
                .prepare(Scans.write(directory.resolve("scans"), 4, 5), Scans.SETTINGS, CandidateSelection.all())
                .patches();
    }

    @Override
    protected ExampleSource create() {
        return PatchExamples.of(patches);
    }

    @Override
    protected Optional<ExampleSource> createEmpty() {
        return Optional.of(PatchExamples.of(patches.ofScans(List.of())).withNegativesPerPositive(1));
    }

    /** The features of each example, in the order that they come, in batches of this size after so many skipped. */
    private static List<float[]> read(ExampleSource source, ExampleOrder order, int size, int skipped) {
        List<float[]> rows = new ArrayList<>();
        Batch batch = Batch.of(size, source);
        try (BatchReader reader = source.open(order)) {
            reader.skip(skipped, batch);
            while (reader.read(batch)) {
                for (int i = 0; i < batch.size(); i++) {
                    rows.add(Arrays.copyOfRange(
                            batch.features(), i * batch.featureLength(), (i + 1) * batch.featureLength()));
                }
            }
        }
        return rows;
    }

    private static double targets(ExampleSource source, ExampleOrder order) {
        Batch batch = Batch.of(5, source);
        double sum = 0;
        try (BatchReader reader = source.open(order)) {
            while (reader.read(batch)) {
                for (int i = 0; i < batch.size(); i++) {
                    sum += batch.targets()[i];
                }
            }
        }
        return sum;
    }

    @Test
    void givesPatchesAsSharesOfTheWindow() {
        PatchExamples examples = PatchExamples.of(patches);
        assertThat(examples.featureShape()).isEqualTo(Shape.of(1, 6, 8, 8));
        assertThat(examples.targetLength()).isEqualTo(1);
        List<float[]> rows = read(examples, ExampleOrder.sequential(), 4, 0);
        float[] expected = new float[6 * 8 * 8];
        for (int i = 0; i < patches.size(); i++) {
            patches.patch(i).copyTo(HuWindow.LUNG, expected, 0);
            assertThat(rows.get(i)).isEqualTo(expected);
        }
        assertThat(targets(examples, ExampleOrder.sequential())).isEqualTo(patches.noduleCount());
    }

    @Test
    void repeatsNodulesForBalance() {
        int nodules = patches.noduleCount();
        int others = patches.size() - nodules;
        for (double ratio : new double[] {1, 0.5, 2, 3}) {
            PatchExamples examples = PatchExamples.of(patches).withNegativesPerPositive(ratio);
            int wanted = Math.max(nodules, (int) Math.ceil(others / ratio));
            assertThat(examples.exampleCount()).as("ratio %s", ratio).isEqualTo(others + wanted);
            int[] times = new int[patches.size()];
            for (int i = 0; i < examples.exampleCount(); i++) {
                times[examples.patchOf(i)]++;
            }
            for (int i = 0; i < times.length; i++) {
                if (patches.isNodule(i)) {
                    assertThat(times[i]).isBetween(wanted / nodules, (wanted + nodules - 1) / nodules);
                } else {
                    assertThat(times[i]).isEqualTo(1);
                }
            }
            for (ExampleOrder order : List.of(ExampleOrder.sequential(), ExampleOrder.shuffled(4))) {
                assertThat(targets(examples, order)).isEqualTo(wanted);
                assertThat(read(examples, order, 6, 0)).hasSize(others + wanted);
            }
        }
    }

    @Test
    void leavesNothingOutWhereThereAreNodulesEnough() {
        assertThat(PatchExamples.of(patches).withNegativesPerPositive(1000).exampleCount())
                .isEqualTo(patches.size());
    }

    @Test
    void worksWithOneClassOrNone() {
        // The first scan has no nodule.
        PatchSet negatives = patches.ofScans(List.of("1.2.3.0"));
        assertThat(negatives.noduleCount()).isZero();
        PatchExamples examples =
                PatchExamples.of(negatives).withNegativesPerPositive(1).withAugmentation(shifting());
        assertThat(examples.exampleCount()).isEqualTo(5);
        assertThat(targets(examples, ExampleOrder.shuffled(1))).isZero();
        PatchExamples none = PatchExamples.of(patches.ofScans(List.of())).withNegativesPerPositive(1);
        assertThat(none.exampleCount()).isZero();
        assertThat(none.featureShape()).isEqualTo(Shape.of(1, 6, 8, 8));
    }

    @Test
    void refusesARatioThatIsNone() {
        PatchExamples examples = PatchExamples.of(patches);
        for (double ratio : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY, 0.009}) {
            assertThatThrownBy(() -> examples.withNegativesPerPositive(ratio))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("was " + ratio);
        }
    }

    /** Which patches come in this order, each as often as it comes. */
    private List<Integer> shown(PatchExamples examples, ExampleOrder order) {
        List<String> plain = strings(read(PatchExamples.of(patches), ExampleOrder.sequential(), 4, 0));
        return strings(read(examples, order, 4, 0)).stream().map(plain::indexOf).toList();
    }

    private List<Integer> shownNegatives(PatchExamples examples, ExampleOrder order) {
        return shown(examples, order).stream()
                .filter(patch -> !patches.isNodule(patch))
                .sorted()
                .toList();
    }

    @Test
    void drawsAShareOfTheOthersAnewForEachPass() {
        PatchExamples examples =
                PatchExamples.of(patches).withNegativesPerPositive(1).withNegativeShare(0.4);
        // Of 21 others 9, and nodules, of which there are 5, until there are as many.
        assertThat(examples.exampleCount()).isEqualTo(18);
        Set<Integer> ever = new HashSet<>();
        Set<List<Integer>> draws = new HashSet<>();
        for (int seed = 0; seed < 30; seed++) {
            ExampleOrder order = ExampleOrder.shuffled(seed);
            List<Integer> drawn = shownNegatives(examples, order);
            assertThat(drawn).hasSize(9).doesNotHaveDuplicates();
            assertThat(targets(examples, order)).isEqualTo(9);
            assertThat(shownNegatives(examples, order)).isEqualTo(drawn);
            ever.addAll(drawn);
            draws.add(drawn);
        }
        assertThat(draws).hasSize(30);
        assertThat(ever).hasSize(21);
    }

    @Test
    void showsTheSamePatchesWheneverTheOrderIsNotShuffled() {
        PatchExamples examples = PatchExamples.of(patches).withNegativeShare(0.4);
        List<Integer> sequential = shown(examples, ExampleOrder.sequential());
        assertThat(sequential).hasSize(14);
        for (int i = 0; i < sequential.size(); i++) {
            assertThat(examples.patchOf(i)).isEqualTo(sequential.get(i));
        }
        assertThat(read(examples, ExampleOrder.poissonSampled(5, 1, 1), 14, 0))
                .usingRecursiveComparison()
                .isEqualTo(read(examples, ExampleOrder.sequential(), 14, 0));
    }

    @Test
    void showsAllOthersUnlessToldAShare() {
        PatchExamples all = PatchExamples.of(patches).withNegativesPerPositive(2);
        assertThat(read(all.withNegativeShare(1), ExampleOrder.shuffled(9), 4, 0))
                .usingRecursiveComparison()
                .isEqualTo(read(all, ExampleOrder.shuffled(9), 4, 0));
    }

    @Test
    void fillsAShareOfPlacesFromHardNegatives() {
        int[] hard = negatives(3);
        PatchExamples examples =
                PatchExamples.of(patches).withNegativesPerPositive(1).withHardNegatives(hard, 0.5);
        assertThat(examples.exampleCount()).isEqualTo(42);
        for (int seed = 0; seed < 5; seed++) {
            List<Integer> drawn = shownNegatives(examples, ExampleOrder.shuffled(seed));
            // Eleven places for three: each comes three times, two of them once more.
            int most = 0;
            for (int patch : hard) {
                assertThat(Collections.frequency(drawn, patch)).isBetween(3, 4);
                most += Collections.frequency(drawn, patch);
            }
            assertThat(most).isEqualTo(11);
            assertThat(drawn.stream().filter(patch -> Arrays.stream(hard).noneMatch(each -> each == patch)))
                    .hasSize(10)
                    .doesNotHaveDuplicates();
        }
        assertThat(shownNegatives(examples, ExampleOrder.shuffled(1)))
                .isNotEqualTo(shownNegatives(examples, ExampleOrder.shuffled(2)));
    }

    @Test
    void hardNegativesAndShareGoTogether() {
        int[] hard = negatives(15);
        PatchExamples examples =
                PatchExamples.of(patches).withHardNegatives(hard, 0.25).withNegativeShare(0.6);
        // Of 13 places 4 for hard ones; but only 6 are not hard, so hard ones take the rest.
        List<Integer> drawn = shownNegatives(examples, ExampleOrder.shuffled(1));
        assertThat(drawn).hasSize(13).doesNotHaveDuplicates();
        assertThat(drawn.stream().filter(patch -> Arrays.stream(hard).anyMatch(each -> each == patch)))
                .hasSize(7);
    }

    @Test
    void allHardIsAsGoodAsNone() {
        PatchExamples all = PatchExamples.of(patches);
        assertThat(shownNegatives(all.withHardNegatives(negatives(21), 0.5), ExampleOrder.shuffled(1)))
                .isEqualTo(shownNegatives(all, ExampleOrder.shuffled(1)));
        assertThat(shown(all.withHardNegatives(new int[0], 0.5), ExampleOrder.shuffled(1)))
                .isEqualTo(shown(all, ExampleOrder.shuffled(1)));
    }

    private int[] negatives(int count) {
        return IntStream.range(0, patches.size())
                .filter(patch -> !patches.isNodule(patch))
                .limit(count)
                .toArray();
    }

    @Test
    void redrawsWhereThereIsOneClassOrNone() {
        PatchExamples negatives = PatchExamples.of(patches.ofScans(List.of("1.2.3.0")))
                .withNegativesPerPositive(1)
                .withNegativeShare(0.1)
                .withHardNegatives(new int[] {4}, 1);
        assertThat(negatives.exampleCount()).isEqualTo(1);
        assertThat(read(negatives, ExampleOrder.shuffled(8), 2, 0))
                .usingRecursiveComparison()
                .isEqualTo(List.of(read(PatchExamples.of(negatives.patches()), ExampleOrder.sequential(), 1, 4)
                        .get(0)));
        assertThat(PatchExamples.of(patches.ofScans(List.of()))
                        .withNegativeShare(0.5)
                        .exampleCount())
                .isZero();
    }

    @Test
    void refusesSharesAndListsThatAreNone() {
        PatchExamples examples = PatchExamples.of(patches);
        for (double share : new double[] {0, -1, 1.1, Double.NaN}) {
            assertThatThrownBy(() -> examples.withNegativeShare(share))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("negativeShare must be in (0, 1], was " + share);
        }
        assertThatThrownBy(() -> examples.withHardNegatives(negatives(2), 1.5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("hardShare must be in [0, 1], was 1.5");
        int nodule = IntStream.range(0, patches.size())
                .filter(patches::isNodule)
                .findFirst()
                .orElseThrow();
        for (int[] list : new int[][] {{nodule}, {-1}, {patches.size()}, {0, 0}}) {
            assertThatThrownBy(() -> examples.withHardNegatives(list, 0.5))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "hardPatches must be distinct patches that are no nodules, had " + list[list.length - 1]);
        }
    }

    private static Augmentation shifting() {
        return Augmentation.defaults().withShift(2);
    }

    @Test
    void variesInTrainingAndNeverInEvaluation() {
        PatchExamples plain = PatchExamples.of(patches);
        PatchExamples varied = plain.withAugmentation(shifting());
        assertThat(read(varied, ExampleOrder.sequential(), 4, 0))
                .usingRecursiveComparison()
                .isEqualTo(read(plain, ExampleOrder.sequential(), 4, 0));

        List<float[]> rows = read(varied, ExampleOrder.shuffled(3), 4, 0);
        List<float[]> before = read(plain, ExampleOrder.shuffled(3), 4, 0);
        for (int i = 0; i < rows.size(); i++) {
            assertThat(rows.get(i)).isNotEqualTo(before.get(i));
        }
    }

    @Test
    void variesByTheOrdersSeedWhateverTheBatches() {
        PatchExamples varied =
                PatchExamples.of(patches).withNegativesPerPositive(1).withAugmentation(shifting());
        List<float[]> rows = read(varied, ExampleOrder.shuffled(3), 4, 0);
        assertThat(read(varied, ExampleOrder.shuffled(3), 7, 0))
                .usingRecursiveComparison()
                .isEqualTo(rows);
        assertThat(read(varied, ExampleOrder.shuffled(3), 4, 3))
                .usingRecursiveComparison()
                .isEqualTo(rows.subList(12, rows.size()));
        assertThat(strings(read(varied, ExampleOrder.shuffled(4), 4, 0))).doesNotContainAnyElementsOf(strings(rows));
        // A nodule that is repeated looks different each time.
        assertThat(new HashSet<>(strings(rows))).hasSameSizeAs(rows);
    }

    private static List<String> strings(List<float[]> rows) {
        return rows.stream().map(Arrays::toString).toList();
    }

    @Test
    void variesAnExampleOfPoissonBatchesEachTimeAnew() {
        PatchExamples varied = PatchExamples.of(patches).withAugmentation(shifting());
        ExampleOrder order = ExampleOrder.poissonSampled(3, 1, 3);
        int size = patches.size();
        List<String> rows = strings(read(varied, order, size, 0));
        assertThat(new HashSet<>(rows)).hasSize(3 * size);
        assertThat(strings(read(varied, order, size, 2))).isEqualTo(rows.subList(2 * size, 3 * size));
    }

    @Test
    void refusesAShiftBeyondTheMargin() {
        PatchExamples examples = PatchExamples.of(patches);
        assertThatThrownBy(() -> examples.withAugmentation(Augmentation.defaults()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("shift must be <= the patches' margin of 2 voxels, was 3");
    }
}
