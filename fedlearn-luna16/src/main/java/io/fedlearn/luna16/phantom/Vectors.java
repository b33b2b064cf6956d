package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.Point;

/** Points as vectors. */
final class Vectors {
    private static final double PARALLEL = 0.9;

    private Vectors() {}

    static Point plus(Point a, Point b) {
        return new Point(a.x() + b.x(), a.y() + b.y(), a.z() + b.z());
    }

    /** {@code a + factor b}. */
    static Point plus(Point a, Point b, double factor) {
        return new Point(a.x() + factor * b.x(), a.y() + factor * b.y(), a.z() + factor * b.z());
    }

    static Point minus(Point a, Point b) {
        return new Point(a.x() - b.x(), a.y() - b.y(), a.z() - b.z());
    }

    static Point times(Point a, double factor) {
        return new Point(a.x() * factor, a.y() * factor, a.z() * factor);
    }

    static double dot(Point a, Point b) {
        return a.x() * b.x() + a.y() * b.y() + a.z() * b.z();
    }

    static Point cross(Point a, Point b) {
        return new Point(a.y() * b.z() - a.z() * b.y(), a.z() * b.x() - a.x() * b.z(), a.x() * b.y() - a.y() * b.x());
    }

    static double length(Point a) {
        return Math.sqrt(dot(a, a));
    }

    static Point unit(Point a) {
        return times(a, 1 / length(a));
    }

    /** Some direction at right angles to a unit vector. */
    static Point across(Point a) {
        Point other = Math.abs(a.z()) < PARALLEL ? new Point(0, 0, 1) : new Point(1, 0, 0);
        return unit(cross(a, other));
    }

    /** A direction at right angles to a unit vector, each as likely. */
    static Point across(Point a, Draw draw) {
        Point u = across(a);
        Point v = cross(a, u);
        double angle = draw.between(0, 2 * Math.PI);
        return plus(times(u, StrictMath.cos(angle)), v, StrictMath.sin(angle));
    }

    /** A unit vector turned by an angle towards another at right angles to it. */
    static Point turn(Point a, Point towards, double angle) {
        return plus(times(a, StrictMath.cos(angle)), towards, StrictMath.sin(angle));
    }
}
