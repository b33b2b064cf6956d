package io.fedlearn.luna16.phantom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.luna16.dataset.Candidate;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

final class DifficultyFloorsTest {
    private static final Point BOX = new Point(24, 24, 24);
    private static final int SIDE = 80;

    /** A scan of this HU with a ball of another. */
    private static Volume ball(int hu, Point center, double radius, int inside) {
        ImageGeometry geometry =
                ImageGeometry.of(new GridSize(SIDE, SIDE, SIDE), new Point(1, 1, 1), new Point(-40, -40, -40));
        short[] values = new short[SIDE * SIDE * SIDE];
        Arrays.fill(values, (short) hu);
        for (int i = 0; i < values.length; i++) {
            Point at = geometry.toWorld(i % SIDE, i / SIDE % SIDE, i / (SIDE * SIDE));
            if (at.distance(center) < radius) {
                values[i] = (short) inside;
            }
        }
        return Volume.wrap(geometry, values);
    }

    private static List<Candidate> candidates(Point nodule, Point other) {
        return List.of(new Candidate(nodule, true), new Candidate(other, false));
    }

    @Test
    void tellBrightBallFromNothing() {
        Point center = new Point(-20, -15, -10);
        DifficultyFloors floors = DifficultyFloors.meter(BOX)
                .add(ball(-850, center, 5, 0), candidates(center, new Point(20, 20, 20)))
                .floors();

        assertThat(floors).isEqualTo(new DifficultyFloors(1, 1, 1, 1));
    }

    @Test
    void tellNothingFromNothing() {
        DifficultyFloors floors = DifficultyFloors.meter(BOX)
                .add(ball(-850, new Point(0, 0, 0), 0, 0), candidates(new Point(-20, 0, 0), new Point(20, 0, 0)))
                .floors();

        assertThat(floors.meanIntensityAuc()).isEqualTo(0.5);
        assertThat(floors.blobAuc()).isEqualTo(0.5);
    }

    @Test
    void countDarkNodulesForIntensityAsMuchAsBrightOnes() {
        Point center = new Point(-20, -15, -10);
        DifficultyFloors floors = DifficultyFloors.meter(BOX)
                .add(ball(0, center, 5, -800), candidates(center, new Point(20, 20, 20)))
                .floors();

        assertThat(floors.meanIntensityAuc()).isEqualTo(1);
    }

    @Test
    void preferBallsToTheirBackgroundHoweverBrightThatIs() {
        // The mean is fooled by bright tissue, the blob filter is not.
        Point center = new Point(0, 0, 0);
        DifficultyFloors floors = DifficultyFloors.meter(BOX)
                .add(ball(-850, center, 5, 0), List.of(new Candidate(center, true)))
                .add(ball(50, center, 0, 0), List.of(new Candidate(center, false)))
                .add(ball(-850, center, 0, 0), List.of(new Candidate(center, false)))
                .floors();

        assertThat(floors.meanIntensityAuc()).isEqualTo(0.5, within(1e-12));
        assertThat(floors.blobAuc()).isEqualTo(1);
        assertThat(floors.positives()).isEqualTo(1);
        assertThat(floors.negatives()).isEqualTo(2);
    }

    @Test
    void needCandidatesOfBothKinds() {
        assertThatIllegalStateException()
                .isThrownBy(() -> DifficultyFloors.meter(BOX)
                        .add(ball(0, BOX, 0, 0), List.of(new Candidate(new Point(0, 0, 0), false)))
                        .floors())
                .withMessageContaining("0 nodules and 1 others");
    }

    @Test
    void refuseBoxThatHasNoRoomForBlobs() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DifficultyFloors.meter(new Point(20, 20, 10)))
                .withMessageContaining("boxMillimetres")
                .withMessageContaining("10.0 along z");
    }
}
