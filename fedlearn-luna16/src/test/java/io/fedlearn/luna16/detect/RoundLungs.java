package io.fedlearn.luna16.detect;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.lung.LungMask;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Two lungs that are balls, in a block of flesh, with balls and tubes of flesh in them, and a little noise. */
final class RoundLungs {
    static final Point LEFT = new Point(40, 0, 0);
    static final Point RIGHT = new Point(-40, 0, 0);
    static final double RADIUS = 34;
    static final ImageGeometry GEOMETRY =
            ImageGeometry.of(new GridSize(128, 64, 64), new Point(1.25, 1.25, 1.25), new Point(-80, -40, -40));

    private static final int LUNG = -850;
    private static final int FLESH = 40;

    private record Ball(Point center, double diameter) {}

    private record Tube(Point onAxis, double diameter) {}

    private final List<Ball> balls = new ArrayList<>();
    private final List<Tube> tubes = new ArrayList<>();

    RoundLungs ball(Point center, double diameter) {
        balls.add(new Ball(center, diameter));
        return this;
    }

    /** A vessel along z. */
    RoundLungs tube(Point onAxis, double diameter) {
        tubes.add(new Tube(onAxis, diameter));
        return this;
    }

    static boolean isLung(Point place) {
        return place.distance(LEFT) < RADIUS || place.distance(RIGHT) < RADIUS;
    }

    Volume volume() {
        return volume(GEOMETRY);
    }

    Volume volume(ImageGeometry geometry) {
        SeededRandom random = SeededRandom.of(1);
        GridSize size = geometry.size();
        short[] values = new short[(int) size.voxelCount()];
        int next = 0;
        for (int z = 0; z < size.z(); z++) {
            for (int y = 0; y < size.y(); y++) {
                for (int x = 0; x < size.x(); x++) {
                    values[next++] = (short) (hu(geometry.toWorld(x, y, z)) + random.nextInt(20) - 10);
                }
            }
        }
        return Volume.wrap(geometry, values);
    }

    private int hu(Point place) {
        boolean isFlesh = !isLung(place)
                || balls.stream().anyMatch(ball -> place.distance(ball.center()) < ball.diameter() / 2)
                || tubes.stream()
                        .anyMatch(tube -> Math.hypot(
                                        place.x() - tube.onAxis().x(),
                                        place.y() - tube.onAxis().y())
                                < tube.diameter() / 2);
        return isFlesh ? FLESH : LUNG;
    }

    /** Where the lungs are, from a file as a user would have it. */
    static LungMask mask(Path folder) throws IOException {
        GridSize size = GEOMETRY.size();
        short[] labels = new short[(int) size.voxelCount()];
        int next = 0;
        for (int z = 0; z < size.z(); z++) {
            for (int y = 0; y < size.y(); y++) {
                for (int x = 0; x < size.x(); x++) {
                    Point place = GEOMETRY.toWorld(x, y, z);
                    labels[next++] =
                            (short) (place.distance(LEFT) < RADIUS ? 3 : place.distance(RIGHT) < RADIUS ? 4 : 0);
                }
            }
        }
        Path file = folder.resolve("lungs.mhd");
        MetaImage.write(file, Volume.wrap(GEOMETRY, labels), MetaImage.Compression.NONE);
        return LungMask.read(file);
    }
}
