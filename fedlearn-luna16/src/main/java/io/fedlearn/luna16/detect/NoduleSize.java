package io.fedlearn.luna16.detect;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.resample.AxisTaps;
import io.fedlearn.luna16.resample.PointSampler;
import java.util.Arrays;
import java.util.OptionalDouble;

/**
 * About how wide what lies at a place is: twice the median, over rays in all directions, of how far it is to where the scan
 * has fallen half way from the place's own HU to lung's. A vessel that goes off, or a pleura on one side, takes up less than
 * half of all directions, and leaves the median as it is. Confined to one thread at a time.
 */
final class NoduleSize {
    private static final int RAYS = 96;
    private static final double STEP = 0.25;
    private static final double MOST_RADIUS = 20;
    private static final double LUNG = -850;
    /** What is denser counts as this: calcium must not make a nodule small. */
    private static final double MOST_HU = 50;
    /** What is less dense is no nodule that has a border. */
    private static final double LEAST_HU = -750;

    private static final Point[] DIRECTIONS = directions();

    private final ImageGeometry geometry;
    private final PointSampler sampler;

    NoduleSize(Volume scan) {
        this.geometry = scan.geometry();
        GridSize size = geometry.size();
        this.sampler = PointSampler.of(
                scan,
                AxisTaps.interpolating(size.x()),
                AxisTaps.interpolating(size.y()),
                AxisTaps.interpolating(size.z()));
    }

    /** As even as it gets: the points of a Fibonacci spiral. */
    private static Point[] directions() {
        Point[] directions = new Point[RAYS];
        double turn = Math.PI * (3 - Math.sqrt(5));
        for (int i = 0; i < RAYS; i++) {
            double z = 1 - (2 * i + 1.0) / RAYS;
            double radius = Math.sqrt(1 - z * z);
            directions[i] = new Point(radius * StrictMath.cos(turn * i), radius * StrictMath.sin(turn * i), z);
        }
        return directions;
    }

    private double hu(Point place, Point direction, double distance) {
        Point index = geometry.toIndex(new Point(
                place.x() + distance * direction.x(),
                place.y() + distance * direction.y(),
                place.z() + distance * direction.z()));
        return Math.min(sampler.aboveAir(index.x(), index.y(), index.z()) + Volume.AIR, MOST_HU);
    }

    /** The diameter in millimetres, if there is something to be measured. */
    OptionalDouble at(Point place) {
        double sum = 0;
        for (Point direction : DIRECTIONS) {
            sum += hu(place, direction, 1);
        }
        double middle = Math.max(sum / RAYS, hu(place, DIRECTIONS[0], 0));
        if (middle < LEAST_HU) {
            return OptionalDouble.empty();
        }
        double border = (middle + LUNG) / 2;
        double[] radii = new double[RAYS];
        for (int i = 0; i < RAYS; i++) {
            radii[i] = radius(place, DIRECTIONS[i], border);
        }
        Arrays.sort(radii);
        double median = (radii[RAYS / 2 - 1] + radii[RAYS / 2]) / 2;
        return median > 0 && median < MOST_RADIUS ? OptionalDouble.of(2 * median) : OptionalDouble.empty();
    }

    private double radius(Point place, Point direction, double border) {
        double before = hu(place, direction, 0);
        if (before < border) {
            return 0;
        }
        for (double r = STEP; r < MOST_RADIUS; r += STEP) {
            double hu = hu(place, direction, r);
            if (hu < border) {
                return r - STEP * (border - hu) / (before - hu);
            }
            before = hu;
        }
        return MOST_RADIUS;
    }
}
