package io.fedlearn.luna16.patch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.luna16.image.HuWindow;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AugmentationTest {
    private static final HuWindow WINDOW = new HuWindow(-1000, 4000);
    private static final PatchSettings SETTINGS = PatchSettings.defaults()
            .withShape(new PatchShape(3, 4, 4))
            .withMargin(2)
            .withWindow(WINDOW);

    /** A box whose voxels all differ. */
    private static short[] numbered(PatchSettings settings) {
        short[] box = new short[settings.boxShape().voxelCount()];
        for (int i = 0; i < box.length; i++) {
            box[i] = (short) i;
        }
        return box;
    }

    /** The value that a network sees as this. */
    private static double hu(float feature, HuWindow window) {
        return window.low() + (window.high() - window.low()) * (feature + 1.0) / 4;
    }

    private static float[] varied(Augmentation augmentation, PatchSettings settings, short[] box, long seed) {
        float[] target = new float[settings.shape().voxelCount() + 2];
        target[0] = -7;
        new Augmenter(augmentation, settings).varied(box, 1, seed, target, 1);
        // Written where it was told to, and not beside.
        assertThat(target[0]).isEqualTo(-7);
        assertThat(target[target.length - 1]).isZero();
        return Arrays.copyOfRange(target, 1, target.length - 1);
    }

    /** The numbers of the box's voxels that show, as z, y, x. */
    private static int[][] sources(float[] shown, PatchSettings settings) {
        PatchShape box = settings.boxShape();
        int[][] sources = new int[shown.length][];
        for (int i = 0; i < shown.length; i++) {
            int number = (int) Math.round(hu(shown[i], WINDOW));
            sources[i] = new int[] {
                number / (box.height() * box.width()), number / box.width() % box.height(), number % box.width()
            };
        }
        return sources;
    }

    @Test
    void showsTheMiddleAsItIsWithoutAugmentation() {
        short[] box = numbered(SETTINGS);
        float[] plain = new float[SETTINGS.shape().voxelCount()];
        new Augmenter(Augmentation.none(), SETTINGS).plain(box, plain, 0);
        assertThat(varied(Augmentation.none(), SETTINGS, box, 5)).isEqualTo(plain);
        float[] expected = new float[plain.length];
        Patch.wrap(SETTINGS.boxShape(), box).centered(SETTINGS.shape()).copyTo(WINDOW, expected, 0);
        assertThat(plain).isEqualTo(expected);
    }

    @Test
    void flipsEachAxisHalfOfTheTimeAndTheOthersNever() {
        short[] box = numbered(SETTINGS);
        float[] plain = varied(Augmentation.none(), SETTINGS, box, 0);
        PatchShape shape = SETTINGS.shape();
        for (int axis = 0; axis < 3; axis++) {
            Augmentation augmentation = Augmentation.none().withFlips(axis == 0, axis == 1, axis == 2);
            int flipped = 0;
            for (long seed = 0; seed < 200; seed++) {
                float[] shown = varied(augmentation, SETTINGS, box, seed);
                if (!Arrays.equals(shown, plain)) {
                    flipped++;
                    for (int i = 0; i < shown.length; i++) {
                        int z = i / 16;
                        int y = i / 4 % 4;
                        int x = i % 4;
                        int other = ((axis == 0 ? shape.depth() - 1 - z : z) * 4 + (axis == 1 ? 3 - y : y)) * 4
                                + (axis == 2 ? 3 - x : x);
                        assertThat(shown[i]).isEqualTo(plain[other]);
                    }
                }
            }
            // Outside this range one fair coin in a million million comes.
            assertThat(flipped).isBetween(50, 150);
        }
    }

    @Test
    void turnsByQuartersAboutTheMiddle() {
        short[] box = numbered(SETTINGS);
        Augmentation augmentation = Augmentation.none().withRotation(Augmentation.Rotation.QUARTER_TURNS);
        Map<String, Integer> seen = new HashMap<>();
        for (long seed = 0; seed < 200; seed++) {
            int[][] sources = sources(varied(augmentation, SETTINGS, box, seed), SETTINGS);
            for (int i = 0; i < sources.length; i++) {
                assertThat(sources[i][0]).isEqualTo(2 + i / 16);
            }
            // Corners of the first slice: where (0,0), (0,3) and (3,0) came from.
            String corners = Arrays.toString(sources[0]) + Arrays.toString(sources[3]) + Arrays.toString(sources[12]);
            seen.merge(corners, 1, Integer::sum);
        }
        assertThat(seen.keySet())
                .containsExactlyInAnyOrder(
                        "[2, 2, 2][2, 2, 5][2, 5, 2]",
                        "[2, 2, 5][2, 5, 5][2, 2, 2]",
                        "[2, 5, 5][2, 5, 2][2, 2, 5]",
                        "[2, 5, 2][2, 2, 2][2, 5, 5]");
        assertThat(seen.values()).allMatch(count -> count > 15);
    }

    @Test
    void turnsWhatIsNotSquareByHalvesOnly() {
        PatchSettings settings = SETTINGS.withShape(new PatchShape(2, 4, 6));
        short[] box = numbered(settings);
        Augmentation augmentation = Augmentation.none().withRotation(Augmentation.Rotation.QUARTER_TURNS);
        Set<String> seen = new HashSet<>();
        for (long seed = 0; seed < 50; seed++) {
            int[][] sources = sources(varied(augmentation, settings, box, seed), settings);
            seen.add(Arrays.toString(sources[0]) + Arrays.toString(sources[5]));
        }
        assertThat(seen).containsExactlyInAnyOrder("[2, 2, 2][2, 2, 7]", "[2, 5, 7][2, 5, 2]");
    }

    @Test
    void turnsWhatIsNotSquareInMillimetresByHalvesOnly() {
        short[] box = numbered(SETTINGS);
        Augmenter augmenter =
                new Augmenter(Augmentation.none().withRotation(Augmentation.Rotation.QUARTER_TURNS), SETTINGS);
        float[] shown = new float[SETTINGS.shape().voxelCount()];
        Set<String> seen = new HashSet<>();
        for (long seed = 0; seed < 50; seed++) {
            augmenter.varied(box, 1.25, seed, shown, 0);
            int[][] sources = sources(shown, SETTINGS);
            seen.add(Arrays.toString(sources[0]) + Arrays.toString(sources[3]));
        }
        assertThat(seen).containsExactlyInAnyOrder("[2, 2, 2][2, 2, 5]", "[2, 5, 5][2, 5, 2]");
    }

    @Test
    void shiftsByUpToSoManyVoxelsEachWay() {
        short[] box = numbered(SETTINGS);
        Augmentation augmentation = Augmentation.none().withShift(2);
        List<Set<Integer>> seen = List.of(new HashSet<>(), new HashSet<>(), new HashSet<>());
        for (long seed = 0; seed < 300; seed++) {
            int[][] sources = sources(varied(augmentation, SETTINGS, box, seed), SETTINGS);
            for (int axis = 0; axis < 3; axis++) {
                seen.get(axis).add(sources[0][axis] - 2);
            }
            int[] first = sources[0];
            assertThat(sources[47]).containsExactly(first[0] + 2, first[1] + 3, first[2] + 3);
        }
        for (Set<Integer> shifts : seen) {
            assertThat(shifts).containsExactlyInAnyOrder(-2, -1, 0, 1, 2);
        }
    }

    @Test
    void staysInTheBoxWhateverIsCombined() {
        short[] box = numbered(SETTINGS);
        for (Augmentation.Rotation rotation : Augmentation.Rotation.values()) {
            Augmentation augmentation = Augmentation.none()
                    .withFlips(true, true, true)
                    .withRotation(rotation)
                    .withShift(2);
            for (long seed = 0; seed < 300; seed++) {
                for (float value : varied(augmentation, SETTINGS, box, seed)) {
                    assertThat(hu(value, WINDOW)).isBetween(-0.01, box.length - 0.99);
                }
            }
        }
    }

    @Test
    void addsNoiseOfTheDeviationToEachVoxelOnItsOwn() {
        PatchSettings settings = PatchSettings.defaults()
                .withShape(new PatchShape(20, 30, 31))
                .withMargin(0)
                .withWindow(new HuWindow(-1000, 1000));
        short[] box = new short[settings.boxShape().voxelCount()];
        float[] shown = varied(Augmentation.none().withNoise(40), settings, box, 11);
        double sum = 0;
        double squares = 0;
        double products = 0;
        double previous = 0;
        for (float value : shown) {
            double noise = hu(value, settings.window());
            sum += noise;
            squares += noise * noise;
            products += noise * previous;
            previous = noise;
        }
        int count = shown.length;
        // Each within six standard errors.
        assertThat(sum / count).isCloseTo(0, within(6 * 40 / Math.sqrt(count)));
        assertThat(Math.sqrt(squares / count)).isCloseTo(40, within(6 * 40 / Math.sqrt(2.0 * count)));
        assertThat(products / squares).isCloseTo(0, within(6 / Math.sqrt(count)));
    }

    @Test
    void scalesAttenuation() {
        short[] box = new short[SETTINGS.boxShape().voxelCount()];
        Augmentation augmentation = Augmentation.none().withIntensity(0.1);
        double least = 2;
        double most = 0;
        for (long seed = 0; seed < 200; seed++) {
            float[] shown = varied(augmentation, SETTINGS, box, seed);
            double gain = (hu(shown[0], WINDOW) + 1000) / 1000;
            assertThat(shown).containsOnly(shown[0]);
            least = Math.min(least, gain);
            most = Math.max(most, gain);
        }
        assertThat(least).isBetween(0.9 - 1e-6, 0.91);
        assertThat(most).isBetween(1.09, 1.1 + 1e-6);
    }

    /** A box that rises evenly in the slice, in millimetres. */
    @Test
    void turnsFreelyInMillimetres() {
        double ratio = 1.5;
        PatchSettings settings = PatchSettings.defaults()
                .withShape(new PatchShape(2, 9, 9))
                .withMargin(8)
                .withWindow(WINDOW);
        PatchShape box = settings.boxShape();
        short[] values = new short[box.voxelCount()];
        for (int i = 0; i < values.length; i++) {
            double y = (i / box.width() % box.height() - (box.height() - 1) / 2.0) * ratio;
            double x = i % box.width() - (box.width() - 1) / 2.0;
            values[i] = (short) Math.round(1000 + 40 * y + 30 * x);
        }
        Augmenter augmenter = new Augmenter(Augmentation.none().withRotation(Augmentation.Rotation.FREE), settings);
        float[] shown = new float[settings.shape().voxelCount()];
        Set<Long> directions = new HashSet<>();
        for (long seed = 0; seed < 40; seed++) {
            augmenter.varied(values, ratio, seed, shown, 0);
            double right = (hu(shown, 5, 4) - hu(shown, 3, 4)) / 2;
            double down = (hu(shown, 4, 5) - hu(shown, 4, 3)) / (2 * ratio);
            // Turned, the slope has another direction and the same steepness.
            assertThat(hu(shown, 4, 4)).isCloseTo(1000, within(1.0));
            assertThat(Math.hypot(right, down)).isCloseTo(50, within(1.0));
            directions.add(Math.round(Math.toDegrees(Math.atan2(down, right)) / 45));
        }
        assertThat(directions).hasSizeGreaterThanOrEqualTo(8);
    }

    private static double hu(float[] shown, int x, int y) {
        return hu(shown[y * 9 + x], WINDOW);
    }

    @Test
    void goesOnAtTheEdgeWhereATurnReachesBeyond() {
        PatchSettings settings = SETTINGS.withShape(new PatchShape(1, 1, 8)).withMargin(0);
        short[] box = {0, 100, 100, 100, 100, 100, 100, 0};
        Augmentation augmentation = Augmentation.none().withRotation(Augmentation.Rotation.FREE);
        for (long seed = 0; seed < 50; seed++) {
            for (float value : varied(augmentation, settings, box, seed)) {
                assertThat(hu(value, WINDOW)).isBetween(-0.01, 100.01);
            }
        }
    }

    @Test
    void drawsTheSameForOneSettingWhateverTheOthersAre() {
        short[] box = numbered(SETTINGS);
        Augmentation shift = Augmentation.none().withShift(2);
        for (long seed = 0; seed < 20; seed++) {
            int[] alone = sources(varied(shift, SETTINGS, box, seed), SETTINGS)[0];
            int[] flipped = sources(varied(shift.withFlips(true, false, false), SETTINGS, box, seed), SETTINGS)[0];
            assertThat(flipped[1]).isEqualTo(alone[1]);
            assertThat(flipped[2]).isEqualTo(alone[2]);
        }
    }

    @Test
    void saysAllSettingsInOneText() {
        assertThat(Augmentation.none()).hasToString("none");
        assertThat(Augmentation.defaults())
                .hasToString("flips=zyx,rotation=QUARTER_TURNS,shift=3,noise=25.0,intensity=0.0")
                .isEqualTo(Augmentation.none()
                        .withFlips(true, true, true)
                        .withRotation(Augmentation.Rotation.QUARTER_TURNS)
                        .withShift(3)
                        .withNoise(25))
                .isNotEqualTo(Augmentation.none());
        assertThat(Augmentation.none().withShift(1))
                .hasToString("flips=none,rotation=NONE,shift=1,noise=0.0,intensity=0.0");
    }

    @Test
    void refusesWhatIsOutOfRange() {
        assertThatThrownBy(() -> Augmentation.none().withShift(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("shift must be >= 0 voxels, was -1");
        assertThatThrownBy(() -> Augmentation.none().withNoise(Double.NaN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("noiseHu must be in [0, 1000.0]");
        assertThatThrownBy(() -> Augmentation.none().withIntensity(1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("intensity must be in [0, 1), was 1.0");
    }
}
