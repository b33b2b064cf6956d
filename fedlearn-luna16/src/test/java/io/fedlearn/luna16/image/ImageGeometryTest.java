package io.fedlearn.luna16.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ImageGeometryTest {
    private static final GridSize SIZE = new GridSize(10, 20, 30);
    private static final Point SPACING = new Point(0.5, 0.75, 2.5);
    private static final Point ORIGIN = new Point(-100, 50, -300);

    @Test
    void putsVoxelsAlongTheAxesOfThePatient() {
        ImageGeometry geometry = ImageGeometry.of(SIZE, SPACING, ORIGIN);

        assertThat(geometry.toWorld(2, 4, 8)).isEqualTo(new Point(-99, 53, -280));
        assertThat(geometry.toIndex(new Point(-99, 53, -280))).isEqualTo(new Point(2, 4, 8));
    }

    @Test
    void putsVoxelsOfFlippedImagesOnTheOtherSideOfTheOrigin() {
        ImageGeometry geometry =
                ImageGeometry.of(SIZE, SPACING, ORIGIN, new Point(-1, 0, 0), new Point(0, -1, 0), new Point(0, 0, 1));

        assertThat(geometry.toWorld(2, 4, 8)).isEqualTo(new Point(-101, 47, -280));
        assertThat(geometry.toIndex(new Point(-101, 47, -280))).isEqualTo(new Point(2, 4, 8));
        // Beyond the origin the index is negative: a distance without its sign would be 2 here.
        assertThat(geometry.toIndex(new Point(-99, 47, -280)).x()).isEqualTo(-2);
        assertThat(geometry.contains(new Point(-99, 47, -280))).isFalse();
    }

    @Test
    void takesAxesAsTheyAreAndNotTransposed() {
        // x runs along the patient's y, y along z, z along x: the transpose of this matrix is another one.
        ImageGeometry geometry =
                ImageGeometry.of(SIZE, SPACING, ORIGIN, new Point(0, 1, 0), new Point(0, 0, 1), new Point(1, 0, 0));

        assertThat(geometry.toWorld(2, 4, 8)).isEqualTo(new Point(-80, 51, -297));
        assertThat(geometry.toIndex(new Point(-80, 51, -297))).isEqualTo(new Point(2, 4, 8));
    }

    @Test
    void undoesObliqueAxes() {
        double angle = Math.toRadians(30);
        ImageGeometry geometry = ImageGeometry.of(
                SIZE,
                SPACING,
                ORIGIN,
                new Point(Math.cos(angle), Math.sin(angle), 0),
                new Point(-Math.sin(angle), Math.cos(angle), 0),
                new Point(0, 0, -1));

        Point world = geometry.toWorld(4, 8, 2);
        Point index = geometry.toIndex(world);

        assertThat(world.x()).isCloseTo(-100 + 2 * Math.cos(angle) - 6 * 0.5, within(1e-12));
        assertThat(world.y()).isCloseTo(50 + 2 * 0.5 + 6 * Math.cos(angle), within(1e-12));
        assertThat(world.z()).isEqualTo(-305);
        assertThat(index.distance(new Point(4, 8, 2))).isLessThan(1e-12);
    }

    @Test
    void containsHalfAVoxelAroundItsVoxels() {
        ImageGeometry geometry = ImageGeometry.of(SIZE, SPACING, ORIGIN);

        assertThat(geometry.contains(geometry.toWorld(-0.5, -0.5, -0.5))).isTrue();
        assertThat(geometry.contains(geometry.toWorld(9.5, 19.5, 29.5))).isTrue();
        assertThat(geometry.contains(geometry.toWorld(-0.6, 0, 0))).isFalse();
        assertThat(geometry.contains(geometry.toWorld(0, 19.6, 0))).isFalse();
        assertThat(geometry.contains(geometry.toWorld(0, 0, 29.6))).isFalse();
    }

    @Test
    void refusesSpacingThatIsNotPositive() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ImageGeometry.of(SIZE, new Point(1, 0, 1), ORIGIN))
                .withMessage("spacing must be > 0, was (1.0, 0.0, 1.0)");
    }

    @Test
    void refusesAxesInOnePlane() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ImageGeometry.of(
                        SIZE, SPACING, ORIGIN, new Point(1, 0, 0), new Point(0, 1, 0), new Point(1, 1, 0)))
                .withMessageStartingWith("axes must not lie in one plane, were ");
    }
}
