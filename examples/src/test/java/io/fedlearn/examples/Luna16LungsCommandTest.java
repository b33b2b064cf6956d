package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.lung.LungMask;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class Luna16LungsCommandTest {
    private static final ImageGeometry GEOMETRY =
            ImageGeometry.of(new GridSize(64, 48, 40), new Point(4, 4, 4), new Point(-128, -96, -80));

    @TempDir
    private Path folder;

    /** A body with a lung on each side, or with none. */
    private Path ct(int lungHu) throws IOException {
        GridSize size = GEOMETRY.size();
        short[] values = new short[(int) size.voxelCount()];
        int next = 0;
        for (int z = 0; z < size.z(); z++) {
            for (int y = 0; y < size.y(); y++) {
                for (int x = 0; x < size.x(); x++) {
                    Point place = GEOMETRY.toWorld(x, y, z);
                    double inBody = Math.hypot(place.x() / 120, place.y() / 88);
                    double inLung =
                            Math.hypot(Math.hypot((Math.abs(place.x()) - 55) / 40, place.y() / 55), place.z() / 65);
                    values[next++] = (short) (inLung < 1 ? lungHu : inBody < 1 ? 40 : -1000);
                }
            }
        }
        Path file = folder.resolve("ct.mhd");
        MetaImage.write(file, Volume.wrap(GEOMETRY, values), MetaImage.Compression.ZLIB);
        return file;
    }

    @Test
    void writesMaskAndPictureAndSaysHowLargeTheLungsAre() throws IOException {
        Path out = folder.resolve("a/lungs");
        Outcome outcome =
                Outcome.of("luna16-lungs", "--ct", ct(-850), "--out", out).done();

        // An ellipsoid of 40 x 55 x 65 mm has 599 ml.
        assertThat(outcome.out())
                .containsPattern("(?m)^left +[56]\\d\\d$")
                .containsPattern("(?m)^right +[56]\\d\\d$")
                .containsPattern("(?m)^both +1\\d\\d\\d$")
                .contains("Unusual: the lungs have 1", "less than the usual 1500")
                .contains("Mask:    " + out.resolve("lungs.mhd"), "Picture: " + out.resolve("lungs.png"));
        LungMask mask = LungMask.read(out.resolve("lungs.mhd"), GEOMETRY);
        assertThat(mask.contains(new Point(55, 0, 0))).isTrue();
        assertThat(ImageIO.read(out.resolve("lungs.png").toFile()).getWidth()).isGreaterThan(400);
    }

    @Test
    void saysThatThereAreNoLungs() throws IOException {
        Outcome outcome = Outcome.of("luna16-lungs", "--ct", ct(40), "--out", folder.resolve("lungs"));

        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err())
                .contains("--ct " + folder.resolve("ct.mhd") + ": no lungs were found")
                .doesNotContain("Exception");
        assertThat(folder.resolve("lungs")).doesNotExist();
    }

    @Test
    void refusesWhatCannotBeUsed() throws IOException {
        Path absent = folder.resolve("absent.mhd");
        assertThat(Outcome.of("luna16-lungs", "--ct", absent, "--out", folder).err())
                .contains("--ct cannot be read: " + absent);
        Path ct = ct(-850);
        assertThat(Outcome.of("luna16-lungs", "--ct", ct, "--out", folder, "--threshold", 0)
                        .err())
                .contains("--threshold must be in [-900, -100] HU, was 0");
        assertThat(Outcome.of("luna16-lungs", "--ct", ct, "--out", ct).err())
                .contains("--out " + ct + " cannot be written");
    }
}
