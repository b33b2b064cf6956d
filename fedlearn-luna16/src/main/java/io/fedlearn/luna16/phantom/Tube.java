package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.Point;
import java.util.List;

/** A pipe along a line of points, of a radius of its own at each: a vessel, a rib, a bronchus. Immutable. */
final class Tube implements Shape {
    private final double[] xs;
    private final double[] ys;
    private final double[] zs;
    private final double[] radii;
    private final double core;
    private final double rim;
    private final double rimThickness;

    private Tube(List<Point> line, double[] radii, double core, double rim, double rimThickness) {
        int count = line.size();
        if (count < 2 || radii.length != count) {
            throw new IllegalArgumentException(
                    "a tube needs 2 points or more and a radius for each, had " + count + " and " + radii.length);
        }
        this.xs = line.stream().mapToDouble(Point::x).toArray();
        this.ys = line.stream().mapToDouble(Point::y).toArray();
        this.zs = line.stream().mapToDouble(Point::z).toArray();
        this.radii = radii.clone();
        this.core = core;
        this.rim = rim;
        this.rimThickness = rimThickness;
    }

    /** A pipe that is filled evenly. */
    static Tube of(List<Point> line, double[] radii, double hu) {
        return new Tube(line, radii, hu, hu, 0);
    }

    /** A pipe with a wall. */
    static Tube hollow(List<Point> line, double[] radii, double core, double rim, double rimThickness) {
        return new Tube(line, radii, core, rim, rimThickness);
    }

    @Override
    public int pieces() {
        return xs.length - 1;
    }

    @Override
    public Point least(int i) {
        double radius = Math.max(radii[i], radii[i + 1]);
        return new Point(
                Math.min(xs[i], xs[i + 1]) - radius,
                Math.min(ys[i], ys[i + 1]) - radius,
                Math.min(zs[i], zs[i + 1]) - radius);
    }

    @Override
    public Point greatest(int i) {
        double radius = Math.max(radii[i], radii[i + 1]);
        return new Point(
                Math.max(xs[i], xs[i + 1]) + radius,
                Math.max(ys[i], ys[i + 1]) + radius,
                Math.max(zs[i], zs[i + 1]) + radius);
    }

    @Override
    public boolean owns(int i, double x, double y, double z) {
        double own = toPiece(i, x, y, z);
        return (i == 0 || toPiece(i - 1, x, y, z) > own) && (i + 1 == pieces() || toPiece(i + 1, x, y, z) >= own);
    }

    @Override
    public double distance(int i, double x, double y, double z) {
        double least = toPiece(i, x, y, z);
        if (i > 0) {
            least = Math.min(least, toPiece(i - 1, x, y, z));
        }
        if (i + 1 < pieces()) {
            least = Math.min(least, toPiece(i + 1, x, y, z));
        }
        return least;
    }

    private double toPiece(int i, double x, double y, double z) {
        double ax = xs[i + 1] - xs[i];
        double ay = ys[i + 1] - ys[i];
        double az = zs[i + 1] - zs[i];
        double px = x - xs[i];
        double py = y - ys[i];
        double pz = z - zs[i];
        double share = (px * ax + py * ay + pz * az) / (ax * ax + ay * ay + az * az + 1e-12);
        share = Math.max(0, Math.min(1, share));
        px -= share * ax;
        py -= share * ay;
        pz -= share * az;
        return Math.sqrt(px * px + py * py + pz * pz) - (radii[i] + share * (radii[i + 1] - radii[i]));
    }

    @Override
    public double hu(double depth) {
        return depth < rimThickness ? rim : core;
    }
}
