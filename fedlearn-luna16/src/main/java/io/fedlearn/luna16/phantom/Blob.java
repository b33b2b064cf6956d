package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.Point;

/**
 * An ellipsoid, bent, dented and spiked as its maker likes: a nodule, a scar, a plaque. Its first axis is the one that
 * a bend moves along. Immutable.
 */
final class Blob implements Shape {
    private static final double SPIKE_CONE = 0.7;

    private final Point center;
    private final Point first;
    private final Point second;
    private final Point third;
    private final Point radii;
    private final double hu;
    private final double bend;
    private final Point[] lobes;
    private final double[] lobeHeights;
    private final Point[] spikes;
    private final double[] spikeHeights;
    private final double reach;

    private Blob(Builder builder) {
        this.center = builder.center;
        this.first = builder.first;
        this.second = builder.second;
        this.third = Vectors.cross(first, second);
        this.radii = builder.radii;
        this.hu = builder.hu;
        this.bend = builder.bend;
        this.lobes = builder.lobes;
        this.lobeHeights = builder.lobeHeights;
        this.spikes = builder.spikes;
        this.spikeHeights = builder.spikeHeights;
        double longest = Math.max(radii.x(), Math.max(radii.y(), radii.z()));
        double highest = 0;
        for (double height : lobeHeights) {
            highest += Math.abs(height);
        }
        double spike = 0;
        for (double height : spikeHeights) {
            spike = Math.max(spike, height);
        }
        this.reach = longest + Math.abs(bend) * longest * longest + highest + spike;
    }

    /** An ellipsoid; the first two axes are unit vectors at right angles. */
    static Builder at(Point center, Point first, Point second, Point radii, double hu) {
        return new Builder(center, first, second, radii, hu);
    }

    /** What an ellipsoid is made irregular with. Confined to one thread at a time. */
    static final class Builder {
        private final Point center;
        private final Point first;
        private final Point second;
        private final Point radii;
        private final double hu;
        private double bend;
        private Point[] lobes = {};
        private double[] lobeHeights = {};
        private Point[] spikes = {};
        private double[] spikeHeights = {};

        private Builder(Point center, Point first, Point second, Point radii, double hu) {
            this.center = center;
            this.first = first;
            this.second = second;
            this.radii = radii;
            this.hu = hu;
        }

        /** Bends it as a parabola: by {@code curvature} times the square of the distance from the first axis. */
        Builder bend(double curvature) {
            bend = curvature;
            return this;
        }

        /** Raises and lowers the surface by about this much, in a few broad hills. */
        Builder lobes(int count, double height, Draw draw) {
            lobes = directions(count, draw);
            lobeHeights = new double[count];
            for (int i = 0; i < count; i++) {
                lobeHeights[i] = height * draw.gaussian() / Math.sqrt(count);
            }
            return this;
        }

        /** Draws the surface out into thin rays. */
        Builder spikes(int count, double height, Draw draw) {
            spikes = directions(count, draw);
            spikeHeights = new double[count];
            for (int i = 0; i < count; i++) {
                spikeHeights[i] = height * draw.between(0.5, 1);
            }
            return this;
        }

        private static Point[] directions(int count, Draw draw) {
            Point[] directions = new Point[count];
            for (int i = 0; i < count; i++) {
                directions[i] = draw.direction();
            }
            return directions;
        }

        Blob build() {
            return new Blob(this);
        }
    }

    @Override
    public int pieces() {
        return 1;
    }

    @Override
    public Point least(int piece) {
        return new Point(center.x() - reach(0), center.y() - reach(1), center.z() - reach(2));
    }

    @Override
    public Point greatest(int piece) {
        return new Point(center.x() + reach(0), center.y() + reach(1), center.z() + reach(2));
    }

    /** How far the box goes along an axis: a flat blob across it needs little. */
    private double reach(int axis) {
        double own = Math.max(radii.x(), Math.max(radii.y(), radii.z()));
        double u = radii.x() * component(first, axis);
        double v = radii.y() * component(second, axis);
        double w = radii.z() * component(third, axis);
        return Math.sqrt(u * u + v * v + w * w) + (reach - own);
    }

    private static double component(Point point, int axis) {
        return axis == 0 ? point.x() : axis == 1 ? point.y() : point.z();
    }

    @Override
    public boolean owns(int piece, double x, double y, double z) {
        return true;
    }

    @Override
    public double distance(int piece, double x, double y, double z) {
        double dx = x - center.x();
        double dy = y - center.y();
        double dz = z - center.z();
        double u = dx * first.x() + dy * first.y() + dz * first.z();
        double v = dx * second.x() + dy * second.y() + dz * second.z();
        double w = dx * third.x() + dy * third.y() + dz * third.z();
        u -= bend * (v * v + w * w);
        double a = u / radii.x();
        double b = v / radii.y();
        double c = w / radii.z();
        double k = Math.sqrt(a * a + b * b + c * c);
        a /= radii.x();
        b /= radii.y();
        c /= radii.z();
        double slope = Math.sqrt(a * a + b * b + c * c);
        if (slope < 1e-9) {
            return -Math.min(radii.x(), Math.min(radii.y(), radii.z()));
        }
        double distance = k * (k - 1) / slope;
        if (lobes.length > 0 || spikes.length > 0) {
            distance -= relief(u, v, w);
        }
        return distance;
    }

    private double relief(double u, double v, double w) {
        double length = Math.sqrt(u * u + v * v + w * w) + 1e-9;
        double relief = 0;
        for (int i = 0; i < lobes.length; i++) {
            double t = (u * lobes[i].x() + v * lobes[i].y() + w * lobes[i].z()) / length;
            // Odd and even hills in turn; the mean over all directions is 0.
            relief += lobeHeights[i] * (i % 2 == 0 ? 2.5 * t * t * t - 1.5 * t : 1.5 * t * t - 0.5);
        }
        for (int i = 0; i < spikes.length; i++) {
            double t = (u * spikes[i].x() + v * spikes[i].y() + w * spikes[i].z()) / length;
            if (t > SPIKE_CONE) {
                double power = t * t;
                power *= power;
                power *= power;
                power *= power;
                relief += spikeHeights[i] * power;
            }
        }
        return relief;
    }

    @Override
    public double hu(double depth) {
        return hu;
    }
}
