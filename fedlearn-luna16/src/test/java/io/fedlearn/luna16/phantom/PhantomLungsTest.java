package io.fedlearn.luna16.phantom;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.luna16.dataset.Nodule;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.lung.Lung;
import io.fedlearn.luna16.lung.LungMask;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Masks of lungs on phantoms, of which it is known where the lungs are. */
final class PhantomLungsTest {
    @ParameterizedTest
    @CsvSource({"0, 5", "1, 6", "2, 7", "3, 8", "2, 12"})
    void findsTheLungsOfPhantoms(int hospital, long seed) {
        GeneratedScan scan = new GeneratedScan(HospitalProfile.of(hospital), Optional.empty(), seed);
        LungMask mask = LungMask.of(scan.volume());

        Point corner = corner(scan);
        CoarseField lungs = scan.chest().lungs();
        GridSize size = mask.geometry().size();
        int both = 0;
        int expected = 0;
        int found = 0;
        int airways = 0;
        for (int z = 0; z < size.z(); z++) {
            for (int y = 0; y < size.y(); y++) {
                for (int x = 0; x < size.x(); x++) {
                    Point world = mask.geometry().toWorld(x, y, z);
                    Point place = new Point(world.x() - corner.x(), world.y() - corner.y(), world.z() - corner.z());
                    boolean isLung = lungs.at(place) < 0;
                    boolean isFound = mask.contains(world);
                    both += isLung && isFound ? 1 : 0;
                    expected += isLung ? 1 : 0;
                    found += isFound ? 1 : 0;
                    airways += mask.isAirway(world) ? 1 : 0;
                }
            }
        }
        assertThat(2.0 * both / (expected + found)).isGreaterThan(0.985);
        for (Nodule nodule : scan.nodules()) {
            assertThat(mask.contains(nodule.center())).isTrue();
        }
        assertThat(mask.millilitres(Lung.LEFT)).isBetween(350.0, 650.0);
        assertThat(mask.millilitres(Lung.RIGHT)).isBetween(350.0, 750.0);
        assertThat(airways).isBetween(400, 2500);
    }

    /** Where in the patient the chest begins, as far as the lists' rounding goes. */
    private static Point corner(GeneratedScan scan) {
        Finding finding =
                scan.findings().stream().filter(Finding::isNodule).findFirst().orElseThrow();
        Point world = scan.nodules().get(0).center();
        Point place = finding.center();
        return new Point(world.x() - place.x(), world.y() - place.y(), world.z() - place.z());
    }
}
