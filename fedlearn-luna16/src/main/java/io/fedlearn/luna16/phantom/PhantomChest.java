package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.Point;
import java.util.ArrayList;
import java.util.List;

/** The chest of nobody: skin, fat, muscle, ribs, spine, heart, two lungs with their vessels and bronchi. */
final class PhantomChest implements Chest {
    private static final Point FIELD = new Point(244, 178, 92);
    private static final double NODE = 3;
    private static final double PARENCHYMA = -862;
    private static final double HILUM_RADIUS = 20;

    private final GridSize size;
    private final Point spacing;
    private final long seed;
    private final double middle;
    private final double depth;
    private final double halfWidth;
    private final double halfDepth;
    private final double spineY;
    private final double fat;
    private final CoarseField shape;
    private final CoarseField body;
    private final CoarseField organs;
    private final CoarseField lungs;
    private final Point[] hila;
    private final List<VesselTree> trees = new ArrayList<>();

    /** Plans a chest on a scanner's grid; the same seed is the same patient. */
    PhantomChest(Point spacing, long seed) {
        this.spacing = spacing;
        this.seed = seed;
        this.size = new GridSize(
                (int) (FIELD.x() / spacing.x()), (int) (FIELD.y() / spacing.y()), (int) (FIELD.z() / spacing.z()));
        Draw draw = Draw.of(seed, "anatomy");
        double build = draw.between(0.94, 1.04);
        middle = FIELD.x() / 2 + draw.between(-2.0, 2.0);
        depth = FIELD.y() / 2 - 1 + draw.between(-1.5, 1.5);
        halfWidth = 97 * build * draw.between(0.98, 1.02);
        halfDepth = 65 * build * draw.between(0.97, 1.03);
        spineY = depth + halfDepth - 16;
        fat = draw.between(3.5, 8.5);
        shape = CoarseField.noise(FIELD, 22, draw);
        double outerWidth = Math.min(FIELD.x() / 2 - 4, halfWidth + 16 + fat);
        double outerDepth = Math.min(FIELD.y() / 2 - 3, halfDepth + 13 + fat * 0.7);
        double heartX = middle + draw.between(16, 22);
        double heartY = depth - 22 + draw.between(-3.0, 3.0);
        double heartZ = draw.between(24, 34);
        double heartSize = draw.between(0.9, 1.05);
        double domeRight = draw.between(-54, -47);
        double domeLeft = domeRight - draw.between(4, 9);
        body = CoarseField.sample(FIELD, NODE, (x, y, z) -> radial(x - middle, y - depth, outerWidth, outerDepth));
        organs = CoarseField.sample(FIELD, NODE, (x, y, z) -> {
            double heart = ellipsoid(x - heartX, y - heartY, z - heartZ, 38 * heartSize, 33 * heartSize, 45 * heartSize)
                    + 2.5 * shape.at(y, x, z);
            double aorta = circle(x - middle - 17, y - spineY + 14, 11);
            double vessels = circle(x - middle + 14, y - depth + 20, 12);
            double core = radial(x - middle, y - depth - 6, 15, 26);
            double right = ellipsoid(x - middle + 52, y - depth - 4, z - domeRight, 58, 70, 70);
            double left = ellipsoid(x - middle - 52, y - depth - 4, z - domeLeft, 58, 70, 70);
            double chest = smoothLeast(smoothLeast(heart, aorta, 4), smoothLeast(vessels, core, 5), 6);
            return smoothLeast(chest, Math.min(right, left) + 2, 6);
        });
        lungs = CoarseField.sample(FIELD, NODE, (x, y, z) -> {
            double bump = 2.2 * shape.at(x, y, z);
            double cavity = radial(x - middle, y - depth, halfWidth, halfDepth) + bump;
            double between = ellipsoid(x - middle, y - depth - 4, 0, 21 + 0.06 * z, halfDepth + 8, 1);
            double spine = circle(x - middle, y - spineY, 19);
            double solid = smoothLeast(smoothLeast(organs.at(x, y, z) - 2, between, 6), spine, 8);
            return -smoothLeast(-cavity, solid - 0.6 * bump, 9);
        });
        hila = new Point[] {
            new Point(middle - 34, depth + 6, FIELD.z() * draw.between(0.5, 0.62)),
            new Point(middle + 36, depth + 10, FIELD.z() * draw.between(0.52, 0.66))
        };
        for (int side = 0; side < 2; side++) {
            // Arteries and, from below them, veins.
            Point below = Vectors.plus(hila[side], new Point(0, -9, -12));
            trees.add(VesselTree.grow(lungs, FIELD, hila[side], 2 * side - 1, middle, 330, draw));
            trees.add(VesselTree.grow(lungs, FIELD, below, 2 * side - 1, middle, 200, draw));
        }
    }

    /** How far it is along the ray to a boundary between ellipse and rectangle; nearly the distance. */
    private static double radial(double x, double y, double a, double b) {
        double u = x * x / (a * a);
        double v = y * y / (b * b);
        double k = 0.5 * (Math.sqrt(u + v) + Math.sqrt(Math.sqrt(u * u + v * v)));
        double length = Math.sqrt(x * x + y * y);
        return k < 1e-6 ? -Math.min(a, b) : length * (1 - 1 / k);
    }

    private static double ellipsoid(double x, double y, double z, double a, double b, double c) {
        double u = x / a;
        double v = y / b;
        double w = z / c;
        double k = Math.sqrt(u * u + v * v + w * w);
        u /= a;
        v /= b;
        w /= c;
        double slope = Math.sqrt(u * u + v * v + w * w);
        return slope < 1e-9 ? -Math.min(a, Math.min(b, c)) : k * (k - 1) / slope;
    }

    private static double circle(double x, double y, double radius) {
        return Math.sqrt(x * x + y * y) - radius;
    }

    /** The lesser of two distances, with a fillet where they meet. */
    private static double smoothLeast(double a, double b, double width) {
        double share = Math.max(width - Math.abs(a - b), 0) / width;
        return Math.min(a, b) - share * share * width / 4;
    }

    @Override
    public GridSize size() {
        return size;
    }

    @Override
    public Point spacing() {
        return spacing;
    }

    @Override
    public CoarseField lungs() {
        return lungs;
    }

    @Override
    public boolean isOpen(Point place) {
        // Around the hila everything is vessel.
        return place.distance(hila[0]) > HILUM_RADIUS && place.distance(hila[1]) > HILUM_RADIUS;
    }

    @Override
    public List<Point> vesselPoints(Draw draw) {
        List<Point> points = new ArrayList<>();
        trees.forEach(tree -> points.addAll(tree.forks()));
        List<Point> shuffled = new ArrayList<>();
        while (!points.isEmpty()) {
            shuffled.add(points.remove(draw.below(points.size())));
        }
        return shuffled;
    }

    @Override
    public double parenchyma() {
        return PARENCHYMA;
    }

    @Override
    public double leastNodule() {
        return 4;
    }

    @Override
    public double addedNoise() {
        return 1;
    }

    @Override
    public Canvas paint() {
        Canvas canvas = new Canvas(size, spacing, Math.max(0.8, spacing.x()));
        Draw draw = Draw.of(seed, "tissue");
        paintTissue(canvas, draw);
        paintBones(canvas, draw);
        for (VesselTree tree : trees) {
            tree.branches().forEach(branch -> canvas.brighten(branch, PARENCHYMA));
        }
        paintAirways(canvas, draw);
        return canvas;
    }

    private void paintTissue(Canvas canvas, Draw draw) {
        CoarseField marbling = CoarseField.noise(FIELD, 7, draw);
        CoarseField haze = CoarseField.noise(FIELD, 9, draw);
        int scratch = Math.max(body.rowNodes(), Math.max(marbling.rowNodes(), haze.rowNodes()));
        float[] nodes = new float[scratch];
        float[] skinRow = new float[size.x()];
        float[] organRow = new float[size.x()];
        float[] lungRow = new float[size.x()];
        float[] marblingRow = new float[size.x()];
        float[] hazeRow = new float[size.x()];
        float[] values = canvas.values();
        double edge = canvas.edge();
        int i = 0;
        for (int z = 0; z < size.z(); z++) {
            double height = z * spacing.z();
            for (int y = 0; y < size.y(); y++) {
                double back = y * spacing.y();
                body.row(back, height, spacing.x(), size.x(), nodes, skinRow);
                organs.row(back, height, spacing.x(), size.x(), nodes, organRow);
                lungs.row(back, height, spacing.x(), size.x(), nodes, lungRow);
                marbling.row(back, height, spacing.x(), size.x(), nodes, marblingRow);
                haze.row(back, height, spacing.x(), size.x(), nodes, hazeRow);
                // Lying on the back, the lungs are denser there.
                double lung = PARENCHYMA + 0.25 * (back - depth);
                for (int x = 0; x < size.x(); x++) {
                    double outside = share(-skinRow[x], edge);
                    if (outside >= 1) {
                        values[i++] = -1000;
                        continue;
                    }
                    double hu = 0;
                    double inLung = share(lungRow[x], edge);
                    if (inLung < 1) {
                        hu = solid(-skinRow[x], organRow[x], lungRow[x], marblingRow[x]);
                    }
                    if (inLung > 0) {
                        hu += inLung * (lung + 16 * hazeRow[x] - hu);
                    }
                    values[i++] = (float) (hu + outside * (-1000 - hu));
                }
            }
        }
    }

    /** How much of a voxel lies on the side where a distance is negative. */
    private static double share(double distance, double edge) {
        return Math.max(0, Math.min(1, 0.5 - distance / edge));
    }

    /** What there is outside the lungs, this deep under the skin. */
    private double solid(double underSkin, double fromOrgans, double fromLung, double marbling) {
        double fatHu = -104 + 6 * marbling;
        double muscleHu = 54 + 5 * marbling;
        if (underSkin < 1.4) {
            return 10;
        }
        double muscle = share(fat + 1.5 * marbling - underSkin, 1.5);
        if (muscle < 1) {
            return fatHu + muscle * (muscleHu - fatHu);
        }
        boolean isWall = underSkin < fat + 22 && fromOrgans > 4;
        // Fat runs between the muscles of the wall, and around the organs.
        double stripes = isWall
                ? share(1.1 - marbling, 0.5) * (fromLung > 2 ? 1 : 0)
                : share(2.5 - fromOrgans, 3) * share(-0.1 - marbling, 0.8);
        double tissue = fromOrgans < 0 ? 42 + 3 * marbling : muscleHu - 8;
        return tissue + stripes * (fatHu - tissue);
    }

    private void paintBones(Canvas canvas, Draw draw) {
        double top = FIELD.z() + 10;
        Point body = new Point(middle, spineY, 0);
        double every = draw.between(22, 25);
        double start = draw.between(-30.0, -10.0);
        canvas.cover(Tube.hollow(line(body, -10, top), new double[] {13, 13}, 165, 330, 1.1));
        Point canal = new Point(middle, spineY + 18, 0);
        canvas.cover(Tube.hollow(line(canal, -10, top), new double[] {9, 9}, 300, 420, 1.5));
        canvas.cover(Tube.of(line(canal, -10, top), new double[] {6.2, 6.2}, 30));
        for (double z = start; z < top + 40; z += every) {
            // Discs, processes and the ribs of both sides.
            canvas.cover(Blob.at(
                            new Point(middle, spineY, z + every / 2),
                            new Point(0, 0, 1),
                            new Point(1, 0, 0),
                            new Point(2.2, 12, 12),
                            85)
                    .build());
            canvas.cover(Tube.hollow(
                    List.of(new Point(middle, spineY + 25, z), new Point(middle, spineY + 30, z - 8)),
                    new double[] {2.5, 1.8},
                    240,
                    480,
                    1.2));
            for (int side = -1; side <= 1; side += 2) {
                canvas.cover(Tube.hollow(
                        List.of(
                                new Point(middle + side * 8, spineY + 16, z),
                                new Point(middle + side * 23, spineY + 19, z + 2)),
                        new double[] {3.8, 3.4},
                        220,
                        460,
                        1.2));
                canvas.cover(rib(side, z, draw));
            }
        }
        double front = depth - halfDepth - 9;
        for (int layer = 0; layer < 2; layer++) {
            Point radii = layer == 0 ? new Point(5, 15, 500) : new Point(3.8, 13.8, 500);
            canvas.cover(Blob.at(
                            new Point(middle, front, FIELD.z() / 2),
                            new Point(0, 1, 0),
                            new Point(1, 0, 0),
                            radii,
                            layer == 0 ? 340 : 130)
                    .build());
        }
    }

    private static List<Point> line(Point at, double from, double to) {
        return List.of(new Point(at.x(), at.y(), from), new Point(at.x(), at.y(), to));
    }

    private Tube rib(int side, double z, Draw draw) {
        int points = 22;
        List<Point> line = new ArrayList<>();
        double[] radii = new double[points];
        double slope = draw.between(24, 32);
        double length = draw.between(2.35, 2.65);
        for (int i = 0; i < points; i++) {
            double angle = 0.24 + length * i / (points - 1);
            double sine = StrictMath.sin(angle);
            double cosine = StrictMath.cos(angle);
            // The wall is between an ellipse and a rectangle; so is the rib's way.
            double k = 1 / Math.sqrt(Math.sqrt(sine * sine * sine * sine + cosine * cosine * cosine * cosine));
            double stretch = (1 + k) / 2;
            line.add(new Point(
                    middle + side * (halfWidth + 5.5) * sine * stretch,
                    depth + (halfDepth + 5.5) * cosine * stretch,
                    z - slope * (1 - cosine) / 2));
            radii[i] = 4.1;
        }
        return Tube.hollow(line, radii, 190, 560, 1.1);
    }

    private void paintAirways(Canvas canvas, Draw draw) {
        List<Tube> walls = new ArrayList<>();
        List<Tube> lumens = new ArrayList<>();
        Point fork = new Point(middle, depth + 8, FIELD.z() * draw.between(0.9, 0.98));
        airway(List.of(new Point(middle, depth + 3, FIELD.z() + 20), fork), 8, 7.5, walls, lumens);
        for (int side = 0; side < 2; side++) {
            Point hilum = Vectors.plus(hila[side], new Point(0, 4, 4));
            airway(List.of(fork, hilum), 6, 4.5, walls, lumens);
            for (int i = 0; i < 5; i++) {
                Point aim = Vectors.unit(new Point(
                        (side == 0 ? -1 : 1) * draw.between(0.3, 1.2), draw.between(-1, 1.0), draw.between(-1.2, 0.8)));
                Point end = Vectors.plus(hilum, aim, draw.between(14, 20));
                if (lungs.at(end) > -3) {
                    continue;
                }
                airway(List.of(hilum, end), 3, 2, walls, lumens);
                for (int j = 0; j < 2; j++) {
                    Point turned = Vectors.unit(Vectors.plus(aim, draw.direction(), 0.6));
                    Point tip = Vectors.plus(end, turned, draw.between(14, 24));
                    if (lungs.at(tip) < -3) {
                        airway(List.of(end, tip), 1.9, 1.2, walls, lumens);
                    }
                }
            }
        }
        // All walls first: no wall runs across a lumen where airways fork.
        walls.forEach(wall -> canvas.brighten(wall, PARENCHYMA));
        lumens.forEach(canvas::cover);
    }

    private static void airway(List<Point> line, double from, double to, List<Tube> walls, List<Tube> lumens) {
        walls.add(Tube.of(line, new double[] {from + 0.8, to + 0.7}, -250));
        lumens.add(Tube.of(line, new double[] {from, to}, -985));
    }
}
