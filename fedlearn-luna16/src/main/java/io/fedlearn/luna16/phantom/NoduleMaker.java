package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.Point;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Makes nodules: as long as wide as high, within a third; solid, hazy or both; free in the lung, at the pleura or at a
 * vessel. Confined to one thread at a time.
 */
final class NoduleMaker {
    static final double LEAST_DIAMETER = 4;
    static final double GREATEST_DIAMETER = 20;
    private static final double AT_VESSEL = 0.3;

    private final HospitalProfile hospital;
    private final Places places;
    private final double least;
    private final Draw draw;

    /** Makes nodules as they are common at a hospital. */
    NoduleMaker(HospitalProfile hospital, Places places, double least, Draw draw) {
        this.hospital = hospital;
        this.places = places;
        this.least = least;
        this.draw = draw;
    }

    /** A diameter as nodules have it, most of them small. */
    static double diameter(double least, double size, Draw draw) {
        double share = StrictMath.pow(draw.between(0.0, 1.0), size);
        return least * StrictMath.exp(share * StrictMath.log(GREATEST_DIAMETER / least));
    }

    /** One more nodule, if there is room. */
    Optional<Finding> make() {
        double diameter = diameter(least, hospital.size(), draw);
        double radius = diameter / 2;
        boolean atWall = draw.chance(hospital.atWall());
        int kind = draw.pick(hospital.solid(), hospital.groundGlass(), hospital.partSolid());
        List<Shape> shapes = new ArrayList<>();
        Point center;
        if (atWall) {
            Optional<Places.Wall> wall = places.onPleura(radius);
            if (wall.isEmpty()) {
                return Optional.empty();
            }
            center = Vectors.plus(wall.get().at(), wall.get().outwards(), -radius * draw.between(0.55, 0.9));
        } else {
            Optional<Point> free = places.inLung(radius);
            if (free.isEmpty()) {
                return Optional.empty();
            }
            center = free.get();
            if (draw.chance(AT_VESSEL)) {
                shapes.add(vesselBy(center, radius, draw));
            }
        }
        if (kind == 0) {
            shapes.add(body(center, radius, draw.between(-70, 60), diameter > 7 && draw.chance(0.35)));
        } else {
            shapes.add(body(center, radius, draw.between(-640, -460), false));
        }
        if (kind == 2) {
            double core = radius * draw.between(0.45, 0.65);
            Point at = Vectors.plus(center, draw.inBall(0.6 * (radius - core)));
            shapes.add(body(at, core, draw.between(-60, 50), false));
        }
        places.take(center, radius);
        return Optional.of(new Finding(center, diameter, true, shapes));
    }

    private Shape body(Point center, double radius, double hu, boolean spiky) {
        Point first = draw.direction();
        Point second = Vectors.across(first, draw);
        double a = draw.between(0.88, 1.12);
        double b = draw.between(0.88, 1.12);
        double scale = radius / StrictMath.cbrt(a * b);
        Blob.Builder builder = Blob.at(center, first, second, new Point(scale * a, scale * b, scale), hu)
                .lobes(5, 0.13 * radius, draw);
        if (spiky) {
            builder.spikes(draw.count(7, 14), 0.5 * radius, draw);
        }
        return builder.build();
    }

    /** A vessel that runs along the surface of something round. */
    static Tube vesselBy(Point center, double radius, Draw draw) {
        Point outwards = draw.direction();
        Point along = Vectors.across(outwards, draw);
        double thick = draw.between(0.9, 1.7);
        Point touch = Vectors.plus(center, outwards, radius * draw.between(0.75, 1.0));
        double before = draw.between(9, 15);
        double after = draw.between(9, 15);
        return Tube.of(
                List.of(
                        Vectors.plus(Vectors.plus(touch, along, -before), outwards, draw.between(-4, 4)),
                        touch,
                        Vectors.plus(Vectors.plus(touch, along, after), outwards, draw.between(-4, 4))),
                new double[] {0.8 * thick, thick, 0.6 * thick},
                40);
    }
}
