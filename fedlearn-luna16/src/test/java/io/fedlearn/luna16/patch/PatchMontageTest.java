package io.fedlearn.luna16.patch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.luna16.image.Volume;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PatchMontageTest {
    private static final PatchSettings SETTINGS =
            PatchSettings.defaults().withShape(new PatchShape(8, 10, 10)).withSpacing(1, 1, 1);
    private static final int NODULE = 0xffffa630;
    private static final int OTHER = 0xff4ea8de;

    @TempDir
    private Path folder;

    private static Patch patch(int hu) {
        short[] values = new short[SETTINGS.shape().voxelCount()];
        Arrays.fill(values, (short) hu);
        return Patch.wrap(SETTINGS.shape(), values);
    }

    private BufferedImage write(PatchMontage montage) throws IOException {
        Path file = folder.resolve("montage.png");
        montage.write(file);
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
        return ImageIO.read(file.toFile());
    }

    private static int count(BufferedImage image, int color) {
        int count = 0;
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                count += image.getRGB(x, y) == color ? 1 : 0;
            }
        }
        return count;
    }

    @Test
    void framesByWhatIsTrueAndDrawsBarsAsLongAsTheScore() throws IOException {
        BufferedImage low = write(PatchMontage.of(SETTINGS).add(patch(0), true, 0));
        BufferedImage high = write(PatchMontage.of(SETTINGS).add(patch(0), true, 1));
        assertThat(count(low, NODULE)).isPositive();
        int bar = count(high, NODULE) - count(low, NODULE);
        BufferedImage half = write(PatchMontage.of(SETTINGS).add(patch(0), true, 0.5));
        assertThat((double) (count(half, NODULE) - count(low, NODULE)) / bar).isBetween(0.49, 0.51);

        BufferedImage other = write(PatchMontage.of(SETTINGS).add(patch(0), false, 1));
        // The legend has a little of each colour.
        assertThat(count(other, OTHER)).isGreaterThan(count(other, NODULE) + bar);
    }

    @Test
    void showsSlicesThroughTheCentreTheRightWayUp() throws IOException {
        short[] values = new short[SETTINGS.shape().voxelCount()];
        Arrays.fill(values, Volume.AIR);
        PatchShape shape = SETTINGS.shape();
        // White towards the head in the middle row: on top of the coronal slice, and not on the axial one.
        for (int x = 0; x < shape.width(); x++) {
            values[((shape.depth() - 1) * shape.height() + shape.height() / 2) * shape.width() + x] = 400;
        }
        BufferedImage image = write(PatchMontage.of(SETTINGS).add(Patch.wrap(shape, values), true, 0));
        // The slices' white is grey of 255: the text's is not. Tile at (10, 36), slices at 7 from there, 112 wide.
        int coronal = 10 + 7 + 112 + 3 + 56;
        int top = -1;
        for (int y = 40; y < 36 + 7 + 112 && top < 0; y++) {
            top = image.getRGB(coronal, y) == 0xffffffff ? y : -1;
        }
        assertThat(top).isBetween(50, 60);
        for (int y = 44; y < 150; y++) {
            assertThat(image.getRGB(10 + 7 + 56, y)).isNotEqualTo(0xffffffff);
        }
    }

    @Test
    void arrangesManyInRows() throws IOException {
        PatchMontage montage =
                PatchMontage.of(SETTINGS).view(PatchMontage.View.AXIAL).title("24 patches");
        for (int i = 0; i < 24; i++) {
            montage.add(patch(-900 + 50 * i), i % 2 == 0, i / 24.0);
        }
        BufferedImage image = write(montage);
        assertThat((double) image.getWidth() / image.getHeight()).isBetween(1.0, 2.0);
        BufferedImage one =
                write(PatchMontage.of(SETTINGS).view(PatchMontage.View.AXIAL).add(patch(0), true, 0));
        assertThat(image.getWidth()).isGreaterThan(4 * one.getWidth());
    }

    @Test
    void drawsTheSameBytesForTheSamePatches() throws IOException {
        assertThat(PatchMontage.of(SETTINGS).title("a").add(patch(5), true, 0.3).png())
                .isEqualTo(PatchMontage.of(SETTINGS)
                        .title("a")
                        .add(patch(5), true, 0.3)
                        .png());
    }

    @Test
    void refusesAPictureOfNothingAndScoresThatAreNone() {
        assertThatThrownBy(() -> PatchMontage.of(SETTINGS).png()).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> PatchMontage.of(SETTINGS).add(patch(0), true, Double.NaN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("score must be in [0, 1], was NaN");
    }

    @Test
    void hasAGlyphForEachDigitAndLetter() {
        String previous = "";
        for (char character : "0123456789abcdefghijklmnopqrstuvwxyz.-".toCharArray()) {
            StringBuilder glyph = new StringBuilder();
            for (int y = 0; y < PixelFont.HEIGHT; y++) {
                for (int x = 0; x < PixelFont.WIDTH; x++) {
                    glyph.append(PixelFont.isInked(character, x, y) ? '#' : '.');
                }
            }
            assertThat(glyph.toString()).contains("#").isNotEqualTo(previous);
            previous = glyph.toString();
        }
        assertThat(PixelFont.isInked('\u00e9', 2, 2)).isFalse();
    }
}
