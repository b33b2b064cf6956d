package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.Point;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Makes what is mistaken for nodules: vessels on their way, forking, crossing or bulging, scars, plaques, pieces of
 * fissures, ends of ribs. As bright as nodules and as thick, but never as long as wide as high. Confined to one thread
 * at a time.
 */
final class DistractorMaker {
    private enum Kind {
        VESSEL(0.17),
        FORK(0.08),
        CROSSING(0.05),
        BULGE(0.04),
        LONG_SCAR(0.10),
        FLAT_SCAR(0.10),
        PLAQUE(0.05),
        BUMP(0.03),
        FISSURE(0.05),
        RIB_END(0.02),
        OWN_VESSEL(0.20),
        NOTHING(0.11);

        private final double share;

        Kind(double share) {
            this.share = share;
        }
    }

    private static final double HALF_LENGTH = 15;

    private final Chest chest;
    private final HospitalProfile hospital;
    private final Places places;
    private final Draw draw;
    private final double[] shares = new double[Kind.values().length];
    private final Deque<Point> ownVessels;

    DistractorMaker(Chest chest, HospitalProfile hospital, Places places, Draw draw) {
        this.chest = chest;
        this.hospital = hospital;
        this.places = places;
        this.draw = draw;
        for (Kind kind : Kind.values()) {
            shares[kind.ordinal()] = kind.share;
        }
        this.ownVessels = new ArrayDeque<>(chest.vesselPoints(draw));
    }

    /** One more, if there is room. */
    Optional<Finding> make() {
        double diameter = NoduleMaker.diameter(chest.leastNodule(), hospital.size(), draw);
        Kind kind = Kind.values()[draw.pick(shares)];
        Optional<Finding> finding = switch (kind) {
            case PLAQUE, BUMP, RIB_END -> places.onPleura(diameter / 2).map(wall -> atWall(kind, wall, diameter));
            case OWN_VESSEL -> ownVessel();
            default -> places.inLung(Math.min(5, diameter / 2)).map(at -> inLung(kind, at, diameter));
        };
        finding.ifPresent(made -> places.take(made.center(), Math.min(8, made.diameter() / 2)));
        return finding;
    }

    private Optional<Finding> ownVessel() {
        while (!ownVessels.isEmpty()) {
            Point point = ownVessels.remove();
            if (places.isFree(point, 2)) {
                return Optional.of(new Finding(point, 4, false, List.of()));
            }
        }
        return Optional.empty();
    }

    private Finding inLung(Kind kind, Point at, double diameter) {
        double radius = diameter / 2;
        List<Shape> shapes = new ArrayList<>();
        switch (kind) {
            case VESSEL -> shapes.add(vessel(at, thickness(radius), draw.direction()));
            case FORK -> fork(at, thickness(radius), shapes);
            case CROSSING -> crossing(at, thickness(radius), shapes);
            case BULGE -> bulge(at, radius, shapes);
            case LONG_SCAR -> shapes.add(longScar(at, radius));
            case FLAT_SCAR -> shapes.add(flatScar(at, radius));
            case FISSURE -> shapes.add(fissure(at));
            default -> {
                // Nothing at all.
            }
        }
        if ((kind == Kind.LONG_SCAR || kind == Kind.FLAT_SCAR) && draw.chance(0.3)) {
            shapes.add(NoduleMaker.vesselBy(at, 0.7 * radius, draw));
        }
        return new Finding(at, diameter, false, shapes);
    }

    /** A vessel's radius that gives as much of a blob as a nodule of this radius. */
    private static double thickness(double radius) {
        return Math.max(1.3, Math.min(3.8, 0.58 * radius));
    }

    /** As bright as nodules are: dense, hazy or, sometimes, with some calcium. */
    private double hu(double hazy) {
        if (draw.chance(hazy)) {
            return draw.between(-620, -430);
        }
        return draw.chance(0.08) ? draw.between(120, 300) : draw.between(-60, 90);
    }

    private Tube vessel(Point at, double thick, Point direction) {
        return Tube.of(bent(at, direction, HALF_LENGTH + thick), tapered(thick, 9), hu(0.08));
    }

    /** Nine points along a gentle curve through a place. */
    private List<Point> bent(Point at, Point direction, double half) {
        Point aside = Vectors.across(direction, draw);
        double bend = draw.between(0.0, 0.3) / half;
        List<Point> line = new ArrayList<>();
        for (int i = -4; i <= 4; i++) {
            double along = half * i / 4;
            line.add(Vectors.plus(Vectors.plus(at, direction, along), aside, bend * along * along));
        }
        return line;
    }

    private double[] tapered(double thick, int count) {
        double[] radii = new double[count];
        double end = draw.between(0.45, 0.75);
        for (int i = 0; i < count; i++) {
            double away = Math.abs(2.0 * i / (count - 1) - 1);
            radii[i] = thick * (1 + (end - 1) * away * away);
        }
        return radii;
    }

    private void fork(Point at, double thick, List<Shape> shapes) {
        Point direction = draw.direction();
        Point aside = Vectors.across(direction, draw);
        double hu = draw.between(10, 110);
        double share = draw.between(0.7, 0.85);
        Point stem = Vectors.plus(at, direction, -HALF_LENGTH);
        Point left = Vectors.turn(direction, aside, draw.between(0.4, 0.8));
        Point right = Vectors.turn(direction, Vectors.times(aside, -1), draw.between(0.4, 0.8));
        double half = 0.85 * thick;
        shapes.add(Tube.of(List.of(stem, at), new double[] {1.1 * half, half}, hu));
        shapes.add(Tube.of(
                List.of(at, Vectors.plus(at, left, HALF_LENGTH)), new double[] {half * share, 0.6 * half * share}, hu));
        shapes.add(Tube.of(
                List.of(at, Vectors.plus(at, right, HALF_LENGTH)),
                new double[] {half * share, 0.6 * half * share},
                hu));
    }

    private void crossing(Point at, double thick, List<Shape> shapes) {
        Point direction = draw.direction();
        Point aside = Vectors.across(direction, draw);
        Point other = Vectors.turn(direction, aside, draw.between(0.9, 1.5));
        Point between = Vectors.unit(Vectors.cross(direction, other));
        double half = 0.8 * thick;
        double hu = draw.between(10, 110);
        Point near = Vectors.plus(at, between, 0.55 * half);
        Point far = Vectors.plus(at, between, -0.55 * half);
        shapes.add(Tube.of(bent(near, direction, HALF_LENGTH + half), tapered(half, 9), hu));
        shapes.add(Tube.of(bent(far, other, HALF_LENGTH + half), tapered(0.85 * half, 9), hu));
    }

    private void bulge(Point at, double radius, List<Shape> shapes) {
        double thick = Math.min(3.8, 0.62 * radius);
        Point direction = draw.direction();
        double hu = hu(0);
        shapes.add(Tube.of(bent(at, direction, HALF_LENGTH), tapered(0.45 * thick, 9), hu));
        shapes.add(spindle(at, direction, thick, draw.between(2.6, 3.4), hu));
    }

    private Shape longScar(Point at, double radius) {
        double ratio = draw.between(2.5, 3.8);
        double thick = Math.min(0.66 * radius, 16 / ratio);
        return spindle(at, draw.direction(), thick, ratio, hu(0.3));
    }

    private Shape spindle(Point at, Point direction, double thick, double ratio, double hu) {
        Point across = Vectors.across(direction, draw);
        return Blob.at(at, across, direction, new Point(thick, thick * ratio, thick * draw.between(0.85, 1.15)), hu)
                .lobes(4, 0.12 * thick, draw)
                .build();
    }

    private Shape flatScar(Point at, double radius) {
        double ratio = draw.between(2.8, 4.5);
        double wide = Math.min(15, Math.max(5, 1.35 * radius));
        double thin = Math.max(0.9, wide / ratio);
        Point thinAxis = draw.direction();
        return Blob.at(
                        at,
                        thinAxis,
                        Vectors.across(thinAxis, draw),
                        new Point(thin, wide, wide * draw.between(0.75, 1.1)),
                        hu(0.3))
                .bend(draw.between(-0.15, 0.15) / wide)
                .lobes(4, 0.12 * thin, draw)
                .build();
    }

    private Shape fissure(Point at) {
        Point thinAxis = draw.direction();
        double wide = draw.between(13, 18);
        return Blob.at(
                        at,
                        thinAxis,
                        Vectors.across(thinAxis, draw),
                        new Point(draw.between(0.8, 1.4), wide, wide * draw.between(0.6, 1)),
                        draw.between(-450, -100))
                .bend(draw.between(-0.1, 0.1) / wide)
                .build();
    }

    private Finding atWall(Kind kind, Places.Wall wall, double diameter) {
        Point outwards = wall.outwards();
        Point along = Vectors.across(outwards, draw);
        double radius = diameter / 2;
        Point at = wall.at();
        Shape shape;
        switch (kind) {
            case PLAQUE -> {
                double wide = Math.min(16, 6 + 1.2 * radius);
                shape = Blob.at(
                                at,
                                outwards,
                                along,
                                new Point(wide / draw.between(3.2, 5), wide, wide * draw.between(0.7, 1)),
                                hu(0.15))
                        .lobes(4, 0.4, draw)
                        .build();
            }
            case BUMP -> {
                double wide = draw.between(10, 15);
                double high = wide * draw.between(0.28, 0.36);
                shape = Blob.at(at, outwards, along, new Point(high, wide, wide), draw.between(10, 80))
                        .build();
            }
            default -> {
                double thick = draw.between(3.5, 5);
                at = Vectors.plus(at, outwards, 0.2 * thick);
                shape = Tube.of(bent(at, along, 12), tapered(thick, 9), draw.between(120, 300));
            }
        }
        // What lies before the wall is what is seen.
        Point center = Vectors.plus(at, outwards, -Math.min(2, 0.3 * radius));
        return new Finding(center, Math.min(diameter, 10), false, List.of(shape));
    }
}
