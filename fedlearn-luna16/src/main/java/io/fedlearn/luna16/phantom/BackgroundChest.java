package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.util.ArrayList;
import java.util.List;

/** A part of a real chest, as another patient might have it: other slices of it, mirrored, a little larger or smaller. */
final class BackgroundChest implements Chest {
    private static final double MOST_HEIGHT = 108;
    private static final double MARGIN = 12;
    private static final double GOOD_WINDOW = 0.7;

    private final Background background;
    private final GridSize size;
    private final Point spacing;
    private final int firstX;
    private final int firstY;
    private final int firstZ;
    private final boolean mirroredX;
    private final boolean mirroredZ;
    private final double scale;
    private final CoarseField lungs;
    private final CoarseField density;

    /** Plans a part of the background; the same seed is the same part. */
    BackgroundChest(Background background, long seed) {
        this.background = background;
        Draw draw = Draw.of(seed, "anatomy");
        Point original = background.volume().geometry().spacing();
        GridSize all = background.volume().geometry().size();
        this.scale = draw.between(0.92, 1.08);
        this.mirroredX = draw.chance(0.5);
        this.mirroredZ = draw.chance(0.5);
        double height = Math.min(MOST_HEIGHT / scale, (all.z() - 1) * original.z());
        double from = window(height, draw);
        Point[] box = background.lungBox(from, from + height);
        firstX = (int) Math.max(0, (box[0].x() - MARGIN) / original.x());
        firstY = (int) Math.max(0, (box[0].y() - MARGIN) / original.y());
        firstZ = (int) (from / original.z());
        size = new GridSize(
                (int) Math.min(all.x() - 1, (box[1].x() + MARGIN) / original.x()) - firstX + 1,
                (int) Math.min(all.y() - 1, (box[1].y() + MARGIN) / original.y()) - firstY + 1,
                (int) Math.min(all.z() - 1, (from + height) / original.z()) - firstZ + 1);
        spacing = Vectors.times(original, scale);
        lungs = seen(background.distance(), true);
        density = seen(background.density(), false);
    }

    /** Where to start, so that there is about as much lung as anywhere. */
    private double window(double height, Draw draw) {
        double room = (background.volume().geometry().size().z() - 1)
                        * background.volume().geometry().spacing().z()
                - height;
        int starts = 24;
        int[] nodes = new int[starts];
        int most = 0;
        for (int i = 0; i < starts; i++) {
            double from = room * i / (starts - 1);
            nodes[i] = background.lungNodes(from, from + height);
            most = Math.max(most, nodes[i]);
        }
        while (true) {
            int i = draw.below(starts);
            if (nodes[i] >= GOOD_WINDOW * most) {
                return room * i / (starts - 1);
            }
        }
    }

    private CoarseField seen(CoarseField field, boolean isLength) {
        Point original = background.volume().geometry().spacing();
        Point extent =
                new Point((size.x() - 1) * original.x(), (size.y() - 1) * original.y(), (size.z() - 1) * original.z());
        CoarseField part = field.seenFrom(
                        new Point(firstX * original.x(), firstY * original.y(), firstZ * original.z()))
                .mirrored(mirroredX, mirroredZ, extent);
        return part.scaled(scale, isLength);
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
        // Not where the patient has something already.
        return density.at(place) < background.parenchyma() + 170;
    }

    @Override
    public List<Point> vesselPoints(Draw draw) {
        Point original = background.volume().geometry().spacing();
        List<Point> points = new ArrayList<>();
        List<Point> all = new ArrayList<>(background.vesselPoints());
        Point extent = extent();
        while (!all.isEmpty()) {
            int i = draw.below(all.size());
            Point point = all.get(i);
            all.set(i, all.get(all.size() - 1));
            all.remove(all.size() - 1);
            double x = (point.x() - firstX * original.x()) * scale;
            double y = (point.y() - firstY * original.y()) * scale;
            double z = (point.z() - firstZ * original.z()) * scale;
            if (z > 0 && z < extent.z()) {
                points.add(new Point(mirroredX ? extent.x() - x : x, y, mirroredZ ? extent.z() - z : z));
            }
        }
        return points;
    }

    @Override
    public double parenchyma() {
        return background.parenchyma();
    }

    @Override
    public double leastNodule() {
        return Math.max(4, 1.6 * spacing.z());
    }

    @Override
    public double addedNoise() {
        return 0.5;
    }

    @Override
    public Canvas paint() {
        // The scan's own edges are soft already, and nothing blurs what is painted into it afterwards.
        Canvas canvas = new Canvas(size, spacing, Math.max(1.3, 1.5 * spacing.x()));
        Volume volume = background.volume();
        GridSize all = volume.geometry().size();
        short[] source = volume.values();
        float[] target = canvas.values();
        int i = 0;
        for (int z = 0; z < size.z(); z++) {
            int fromZ = firstZ + (mirroredZ ? size.z() - 1 - z : z);
            for (int y = 0; y < size.y(); y++) {
                int row = (fromZ * all.y() + firstY + y) * all.x() + firstX;
                for (int x = 0; x < size.x(); x++) {
                    target[i++] = source[row + (mirroredX ? size.x() - 1 - x : x)];
                }
            }
        }
        return canvas;
    }
}
