package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.Point;
import java.util.ArrayList;
import java.util.List;

/**
 * Vessels that reach all of a lung from its hilum. Places in the lung are joined to the tree one after the other, where
 * that takes little new vessel and is no great detour from the hilum; then each vessel gets the radius that Murray's law
 * asks for (the cubes of the branches' radii add up to the cube of the stem's).
 */
final class VesselTree {
    private static final double HU = 45;
    private static final double STEP = 7;
    private static final double THINNEST = 0.46;
    private static final double THICKEST = 4.2;
    /** What a millimetre of the way from the hilum counts, against a millimetre of new vessel. */
    private static final double DETOUR = 0.42;

    private static final double FROM_PLEURA = 2.5;
    private static final double NOTABLE_FORK = 1.2;
    private static final double FROM_HILUM = 22;

    private final List<Point> nodes = new ArrayList<>();
    private final List<Integer> parents = new ArrayList<>();
    private final List<Double> ways = new ArrayList<>();
    private final List<Tube> branches = new ArrayList<>();
    private final List<Point> forks = new ArrayList<>();

    private VesselTree() {}

    /**
     * Grows the vessels of one lung.
     *
     * @param lungs the distance to the pleura, negative inside
     * @param extent of the chest
     * @param side whether the lung is where x is greater than the hilum's, or less
     * @param middle the x that no vessel goes beyond
     */
    static VesselTree grow(
            CoarseField lungs, Point extent, Point hilum, double side, double middle, int ends, Draw draw) {
        VesselTree tree = new VesselTree();
        tree.add(hilum, -1);
        for (int i = 0; i < ends; ) {
            Point end = new Point(
                    draw.between(0, extent.x()), draw.between(0, extent.y()), draw.between(-12, extent.z() + 12));
            if (side * (end.x() - middle) > 0 && lungs.at(end) < -FROM_PLEURA) {
                tree.reach(end, draw);
                i++;
            }
        }
        tree.thicken(hilum);
        return tree;
    }

    private void add(Point node, int parent) {
        nodes.add(node);
        parents.add(parent);
        ways.add(parent < 0 ? 0 : ways.get(parent) + node.distance(nodes.get(parent)));
    }

    private void reach(Point end, Draw draw) {
        int best = 0;
        double least = Double.POSITIVE_INFINITY;
        for (int i = 0; i < nodes.size(); i++) {
            double cost = nodes.get(i).distance(end) + DETOUR * ways.get(i);
            if (cost < least) {
                least = cost;
                best = i;
            }
        }
        Point from = nodes.get(best);
        double length = from.distance(end);
        int steps = (int) Math.ceil(length / STEP);
        Point bow = Vectors.times(draw.direction(), 0.12 * length);
        int last = best;
        for (int i = 1; i <= steps; i++) {
            double share = (double) i / steps;
            Point straight = Vectors.plus(from, Vectors.minus(end, from), share);
            Point node = Vectors.plus(straight, bow, 4 * share * (1 - share));
            add(i < steps ? Vectors.plus(node, draw.direction(), 0.6) : node, last);
            last = nodes.size() - 1;
        }
    }

    private void thicken(Point hilum) {
        double[] cubes = new double[nodes.size()];
        int[] children = new int[nodes.size()];
        // Children come after their parents.
        for (int i = nodes.size() - 1; i >= 0; i--) {
            if (children[i] == 0) {
                cubes[i] = THINNEST * THINNEST * THINNEST;
            }
            if (i > 0) {
                cubes[parents.get(i)] += cubes[i];
                children[parents.get(i)]++;
            }
        }
        for (int i = 1; i < nodes.size(); i++) {
            int parent = parents.get(i);
            double radius = Math.min(THICKEST, StrictMath.cbrt(cubes[i]));
            double before =
                    parent == 0 || children[parent] > 1 ? radius : Math.min(THICKEST, StrictMath.cbrt(cubes[parent]));
            branches.add(Tube.of(List.of(nodes.get(parent), nodes.get(i)), new double[] {before, radius}, HU));
            boolean isFork = children[i] > 1 && radius > NOTABLE_FORK;
            if (isFork && nodes.get(i).distance(hilum) > FROM_HILUM) {
                forks.add(nodes.get(i));
            }
        }
    }

    List<Tube> branches() {
        return branches;
    }

    /** Where vessels of some thickness fork, away from the hilum. */
    List<Point> forks() {
        return forks;
    }
}
