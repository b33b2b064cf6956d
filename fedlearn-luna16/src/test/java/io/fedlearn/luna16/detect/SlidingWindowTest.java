package io.fedlearn.luna16.detect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.lung.LungMask;
import io.fedlearn.luna16.resample.Workers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SlidingWindowTest {
    @TempDir
    private Path folder;

    @Test
    void isNowhereFartherThanHalfADiagonalFromAnyPlaceInTheLungs() throws IOException {
        LungMask mask = RoundLungs.mask(folder);
        List<Point> places = SlidingWindow.defaults()
                .withStep(8)
                .withMargin(0)
                .find(new RoundLungs().volume(), mask, Workers.caller());

        assertThat(places).allMatch(mask::contains).doesNotHaveDuplicates();
        // Where there is lung a step to all sides, it looks: half the diagonal of a cube of 8 mm.
        for (double x = -20; x <= 20; x += 3) {
            Point place = new Point(RoundLungs.RIGHT.x() + x, x / 2, -x / 3);
            assertThat(places).anyMatch(other -> other.distance(place) <= 4 * Math.sqrt(3) + 1e-9);
        }
    }

    @Test
    void looksFartherWithAMargin() throws IOException {
        LungMask mask = RoundLungs.mask(folder);
        SlidingWindow window = SlidingWindow.defaults().withStep(4);

        assertThat(window.withMargin(6).find(new RoundLungs().volume(), mask, Workers.caller()))
                .hasSizeGreaterThan(window.withMargin(0)
                        .find(new RoundLungs().volume(), mask, Workers.caller())
                        .size());
    }

    @Test
    void refusesStepsThatAreNone() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SlidingWindow.defaults().withStep(0.5))
                .withMessage("step must be in [1.0, 50.0] mm, was 0.5");
    }
}
