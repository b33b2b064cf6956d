package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.Point;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * The vessels of one lung: from the hilum outwards, forking by Murray's law (the cubes of the branches' radii add up to
 * the cube of the stem's) until they are too thin or come near the pleura.
 */
final class VesselTree {
    private static final double HU = 45;
    private static final int MOST_BRANCHES = 420;
    private static final double THINNEST = 0.5;
    private static final double FROM_PLEURA = 3;
    private static final double NOTABLE_FORK = 1.2;

    private final List<Tube> branches = new ArrayList<>();
    private final List<Point> forks = new ArrayList<>();

    private VesselTree() {}

    private record Bud(Point from, Point direction, double radius) {}

    /**
     * Grows the vessels of one lung.
     *
     * @param lungs the distance to the pleura, negative inside
     * @param outwards from the hilum into the lung
     */
    static VesselTree grow(CoarseField lungs, Point hilum, Point outwards, Draw draw) {
        VesselTree tree = new VesselTree();
        // Breadth first: thick vessels come before the limit is reached.
        Deque<Bud> buds = new ArrayDeque<>();
        int stems = draw.count(6, 8);
        for (int i = 0; i < stems; i++) {
            double height = -1.1 + 2.2 * (i + draw.between(0.0, 1.0)) / stems;
            Point aim = Vectors.unit(Vectors.plus(outwards, new Point(0, draw.between(-0.9, 0.9), height)));
            buds.add(new Bud(Vectors.plus(hilum, draw.inBall(6)), aim, draw.between(2.2, 3.8)));
        }
        while (!buds.isEmpty() && tree.branches.size() < MOST_BRANCHES) {
            tree.branch(buds.remove(), buds, lungs, hilum, draw);
        }
        return tree;
    }

    private void branch(Bud bud, Deque<Bud> buds, CoarseField lungs, Point hilum, Draw draw) {
        double length = Math.max(6, Math.min(17, bud.radius * draw.between(4, 8)));
        int bends = 3;
        List<Point> line = new ArrayList<>(List.of(bud.from));
        double[] radii = new double[bends + 1];
        radii[0] = bud.radius;
        Point direction = bud.direction;
        for (int i = 1; i <= bends; i++) {
            direction = Vectors.unit(Vectors.plus(direction, draw.direction(), 0.16));
            Point last = line.get(line.size() - 1);
            line.add(Vectors.plus(last, direction, length / bends));
            radii[i] = bud.radius * (1 - 0.04 * i);
        }
        branches.add(Tube.of(line, radii, HU));
        Point end = line.get(bends);
        double radius = radii[bends];
        boolean nearHilum = end.distance(hilum) < 20;
        if (radius < THINNEST || lungs.at(end) > -FROM_PLEURA && !nearHilum) {
            return;
        }
        if (radius > NOTABLE_FORK && !nearHilum) {
            forks.add(end);
        }
        double share = draw.between(0.6, 0.9);
        double thick = radius * share;
        double thin = StrictMath.cbrt(radius * radius * radius - thick * thick * thick);
        Point aside = Vectors.across(direction, draw);
        Point on = Vectors.turn(direction, aside, draw.between(0.15, 0.5));
        Point off = Vectors.turn(direction, Vectors.times(aside, -1), draw.between(0.5, 1.1));
        Point away = Vectors.unit(Vectors.minus(end, hilum));
        buds.add(new Bud(end, Vectors.unit(Vectors.plus(on, away, 0.15)), Math.max(thick, thin)));
        buds.add(new Bud(end, Vectors.unit(Vectors.plus(off, away, 0.15)), Math.min(thick, thin)));
    }

    List<Tube> branches() {
        return branches;
    }

    /** Where vessels of some thickness fork, away from the hilum. */
    List<Point> forks() {
        return forks;
    }
}
