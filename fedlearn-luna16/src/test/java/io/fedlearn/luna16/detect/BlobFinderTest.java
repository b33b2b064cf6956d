package io.fedlearn.luna16.detect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.lung.LungMask;
import io.fedlearn.luna16.resample.Workers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class BlobFinderTest {
    private static final Point SMALL = new Point(-40, 0, 12);
    private static final Point MIDDLE = new Point(-50, 10, -10);
    private static final Point LARGE = new Point(40, 2, 3);

    @TempDir
    private static Path folder;

    private static LungMask mask;

    @BeforeAll
    static void readMask() throws IOException {
        mask = RoundLungs.mask(folder);
    }

    private static RoundLungs balls() {
        return new RoundLungs().ball(SMALL, 4).ball(MIDDLE, 9).ball(LARGE, 26);
    }

    private static List<Point> find(Volume scan) {
        return BlobFinder.defaults().find(scan, mask, Workers.caller());
    }

    private static double nearest(List<Point> places, Point to) {
        return places.stream().mapToDouble(to::distance).min().orElse(Double.POSITIVE_INFINITY);
    }

    @Test
    void findsBallsOfAllSizesInTheirMiddle() {
        List<Point> places = find(balls().volume());

        assertThat(nearest(places, SMALL)).isLessThan(0.7);
        assertThat(nearest(places, MIDDLE)).isLessThan(0.7);
        assertThat(nearest(places, LARGE)).isLessThan(1.5);
        // At narrow Gaussians the edges of balls respond, too, and less.
        assertThat(places.subList(0, 3)).allMatch(place -> nearest(List.of(SMALL, MIDDLE, LARGE), place) < 1.5);
    }

    @Test
    void findsTheSamePlacesInAScanWithOtherAxes() {
        // The patient's x along the scan's y, and z from the head down.
        ImageGeometry turned = ImageGeometry.of(
                new GridSize(64, 128, 64),
                new Point(1.25, 1.25, 1.25),
                new Point(-80, -40, 38.75),
                new Point(0, 1, 0),
                new Point(1, 0, 0),
                new Point(0, 0, -1));
        List<Point> places = find(balls().volume(turned));

        assertThat(nearest(places, SMALL)).isLessThan(0.7);
        assertThat(nearest(places, MIDDLE)).isLessThan(0.7);
        assertThat(nearest(places, LARGE)).isLessThan(1.5);
    }

    @Test
    void passesOverVesselsAndTheWall() {
        RoundLungs vessel = new RoundLungs().tube(new Point(40, 5, 0), 5);
        List<Point> strict = BlobFinder.defaults().find(vessel.volume(), mask, Workers.caller());
        List<Point> lax = BlobFinder.defaults().withLeastRoundness(0).find(vessel.volume(), mask, Workers.caller());

        assertThat(strict).hasSizeLessThan(6);
        assertThat(lax).hasSizeGreaterThan(5 * strict.size());
    }

    @Test
    void looksSoFarBeyondTheLungsAndNoFarther() {
        Volume scan = balls().ball(new Point(0, 30, 0), 8).volume();

        for (double margin : new double[] {0, 5}) {
            LungMask where = mask.dilated(margin);
            assertThat(BlobFinder.defaults().withMargin(margin).find(scan, mask, Workers.caller()))
                    .isNotEmpty()
                    .allMatch(where::contains);
        }
    }

    @Test
    void keepsTheStrongestInOrder() {
        Volume scan = balls().volume();
        List<Point> all = find(scan);

        assertThat(BlobFinder.defaults().withMost(2).find(scan, mask, Workers.caller()))
                .isEqualTo(all.subList(0, 2));
        assertThat(BlobFinder.defaults().withLeastResponse(1000).find(scan, mask, Workers.caller()))
                .isEmpty();
    }

    @Test
    void findsTheSameWhoeverWorks() {
        Volume scan = balls().tube(new Point(25, 0, 0), 3).volume();
        ExecutorService executor = Executors.newFixedThreadPool(3);
        try {
            assertThat(BlobFinder.defaults().find(scan, mask, Workers.of(4, executor)))
                    .isEqualTo(find(scan));
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void refusesSettingsThatAreNone() {
        BlobFinder finder = BlobFinder.defaults();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> finder.withLeastResponse(0))
                .withMessage("response must be in (0, 1000.0] HU, was 0.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> finder.withLeastRoundness(1))
                .withMessage("roundness must be in [0, 1), was 1.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> finder.withMargin(Double.NaN))
                .withMessage("margin must be in [0, 30.0] mm, was NaN");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> finder.withMost(0))
                .withMessage("most must be in [1, 1000000], was 0");
    }
}
