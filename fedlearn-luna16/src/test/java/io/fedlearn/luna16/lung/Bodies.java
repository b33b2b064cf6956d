package io.fedlearn.luna16.lung;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.util.ArrayList;
import java.util.List;

/** Bodies of a few ellipsoids, in millimetres of the patient: what is painted later covers what was before. */
final class Bodies {
    static final GridSize SIZE = new GridSize(116, 80, 78);
    static final Point SPACING = new Point(2.5, 2.5, 2.5);
    static final Point ORIGIN = new Point(-144, -99, -98);
    static final Point LEFT = new Point(62, 0, 0);
    static final Point RIGHT = new Point(-62, 0, 0);
    static final Point RADII = new Point(48, 60, 80);

    private record Ellipsoid(Point center, Point radii, int hu) {
        boolean contains(Point place) {
            double x = (place.x() - center.x()) / radii.x();
            double y = (place.y() - center.y()) / radii.y();
            double z = (place.z() - center.z()) / radii.z();
            return x * x + y * y + z * z < 1;
        }
    }

    private final List<Ellipsoid> parts = new ArrayList<>();

    /** A body of water. */
    static Bodies body() {
        return new Bodies().with(new Point(0, 0, 0), new Point(140, 95, 1000), 40);
    }

    /** A body with two lungs and a trachea between them that goes up to the scan's end. */
    static Bodies chest() {
        return body().with(LEFT, RADII, -860)
                .with(RIGHT, RADII, -860)
                .with(new Point(0, 10, 110), new Point(9, 9, 80), -995);
    }

    Bodies with(Point center, Point radii, int hu) {
        parts.add(new Ellipsoid(center, radii, hu));
        return this;
    }

    Volume volume() {
        return volume(ImageGeometry.of(SIZE, SPACING, ORIGIN));
    }

    Volume volume(ImageGeometry geometry) {
        GridSize size = geometry.size();
        short[] values = new short[(int) size.voxelCount()];
        int next = 0;
        for (int z = 0; z < size.z(); z++) {
            for (int y = 0; y < size.y(); y++) {
                for (int x = 0; x < size.x(); x++) {
                    Point place = geometry.toWorld(x, y, z);
                    short hu = Volume.AIR;
                    for (Ellipsoid part : parts) {
                        if (part.contains(place)) {
                            hu = (short) part.hu();
                        }
                    }
                    values[next++] = hu;
                }
            }
        }
        return Volume.wrap(geometry, values);
    }

    static double millilitres(Point radii) {
        return 4 / 3.0 * Math.PI * radii.x() * radii.y() * radii.z() / 1000;
    }
}
