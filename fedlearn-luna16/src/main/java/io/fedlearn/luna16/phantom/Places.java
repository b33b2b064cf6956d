package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.Point;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Finds places for findings in a chest, no two near each other. Confined to one thread at a time. */
final class Places {
    private static final int TRIES = 600;
    /** How near to the border of the scan a finding may lie, in millimetres. */
    private static final double MARGIN = 8;

    private static final double CLEARANCE = 11;
    private static final double LEAST_GAP = 20;

    private final Chest chest;
    private final Draw draw;
    private final List<Point> centers = new ArrayList<>();
    private final List<Double> reaches = new ArrayList<>();

    Places(Chest chest, Draw draw) {
        this.chest = chest;
        this.draw = draw;
    }

    /** A place on the pleura, and the direction from the lung into the wall there. */
    record Wall(Point at, Point outwards) {}

    /** Keeps others away from a finding of this radius. */
    void take(Point center, double radius) {
        centers.add(center);
        reaches.add(radius);
    }

    /** Whether a finding of this radius can lie here. */
    boolean isFree(Point place, double radius) {
        Point extent = chest.extent();
        if (place.x() < MARGIN
                || place.y() < MARGIN
                || place.z() < MARGIN
                || place.x() > extent.x() - MARGIN
                || place.y() > extent.y() - MARGIN
                || place.z() > extent.z() - MARGIN) {
            return false;
        }
        for (int i = 0; i < centers.size(); i++) {
            double gap = Math.max(LEAST_GAP, reaches.get(i) + radius + CLEARANCE);
            if (centers.get(i).distance(place) < gap) {
                return false;
            }
        }
        return true;
    }

    /** A place within the lung for a finding of this radius, if there is one left. */
    Optional<Point> inLung(double radius) {
        for (int i = 0; i < TRIES; i++) {
            Point place = anywhere();
            if (chest.lungs().at(place) < -radius - 2 && chest.isOpen(place) && isFree(place, radius)) {
                return Optional.of(place);
            }
        }
        return Optional.empty();
    }

    /** A place on the pleura for a finding of this radius, if there is one left. */
    Optional<Wall> onPleura(double radius) {
        for (int i = 0; i < TRIES; i++) {
            Point place = anywhere();
            double depth = chest.lungs().at(place);
            if (depth > -3 || depth < -24 || !chest.isOpen(place)) {
                continue;
            }
            Point outwards = chest.lungs().rise(place);
            for (int step = 0; step < 4; step++) {
                place = Vectors.plus(place, outwards, -chest.lungs().at(place));
            }
            // The wall goes on: what lies deeper in the lung is lung, as it is not at a thin edge.
            boolean isWall = Math.abs(chest.lungs().at(place)) < 0.8
                    && chest.lungs().at(Vectors.plus(place, outwards, -8)) < -5
                    && chest.lungs().at(Vectors.plus(place, outwards, 4)) > 2;
            if (isWall && isFree(place, radius)) {
                return Optional.of(new Wall(place, outwards));
            }
        }
        return Optional.empty();
    }

    private Point anywhere() {
        Point extent = chest.extent();
        return new Point(draw.between(0, extent.x()), draw.between(0, extent.y()), draw.between(0, extent.z()));
    }
}
