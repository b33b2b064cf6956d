package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.Point;

/**
 * A scan while it is painted. Voxel {@code i} lies at {@code i} times the spacing, in millimetres; a voxel that a shape
 * fills in part takes its HU in part. Confined to one thread at a time.
 */
final class Canvas {
    /** Slices thicker than this are sampled at several heights. */
    private static final double SUBSLICE = 0.9;
    // How far above the parenchyma a voxel is something of its own, which a shape does not add to but covers.
    private static final double FAINT = 120;
    private static final double DISTINCT = 360;

    private final GridSize size;
    private final Point spacing;
    private final double edge;
    private final float[] values;

    /**
     * An empty scan.
     *
     * @param edge over how many millimetres an edge goes from one HU to the other
     */
    Canvas(GridSize size, Point spacing, double edge) {
        this.size = size;
        this.spacing = spacing;
        this.edge = edge;
        this.values = new float[Math.toIntExact(size.voxelCount())];
    }

    GridSize size() {
        return size;
    }

    Point spacing() {
        return spacing;
    }

    double edge() {
        return edge;
    }

    /** All HU, x fastest: the canvas' own, to be written. */
    float[] values() {
        return values;
    }

    /** Paints over what is there. */
    void cover(Shape shape) {
        paint(shape, true, 0);
    }

    /**
     * Paints where that is brighter than what is there. What differs little from the parenchyma's HU is taken for its
     * texture and noise, and stays visible in what is painted.
     */
    void brighten(Shape shape, double parenchyma) {
        paint(shape, false, parenchyma);
    }

    private void paint(Shape shape, boolean covers, double parenchyma) {
        int heights = (int) Math.ceil(spacing.z() / SUBSLICE);
        for (int piece = 0; piece < shape.pieces(); piece++) {
            Point least = shape.least(piece);
            Point greatest = shape.greatest(piece);
            int x0 = first(least.x(), spacing.x());
            int x1 = last(greatest.x(), spacing.x(), size.x());
            int y0 = first(least.y(), spacing.y());
            int y1 = last(greatest.y(), spacing.y(), size.y());
            // A slice whose middle is beyond the piece may reach into it.
            int z0 = first(least.z() - spacing.z() / 2, spacing.z());
            int z1 = last(greatest.z() + spacing.z() / 2, spacing.z(), size.z());
            for (int z = z0; z <= z1; z++) {
                for (int y = y0; y <= y1; y++) {
                    int row = (z * size.y() + y) * size.x();
                    for (int x = x0; x <= x1; x++) {
                        if (!shape.owns(piece, x * spacing.x(), y * spacing.y(), z * spacing.z())) {
                            continue;
                        }
                        double filled = 0;
                        double sum = 0;
                        for (int h = 0; h < heights; h++) {
                            double height = (z + (h + 0.5) / heights - 0.5) * spacing.z();
                            double distance = shape.distance(piece, x * spacing.x(), y * spacing.y(), height);
                            double share = 0.5 - distance / edge;
                            if (share > 0) {
                                share = Math.min(1, share) / heights;
                                filled += share;
                                sum += share * shape.hu(-distance);
                            }
                        }
                        if (filled > 0) {
                            float before = values[row + x];
                            double change = sum - filled * (covers ? before : ground(before, parenchyma));
                            values[row + x] = (float) (before + (covers ? change : Math.max(0, change)));
                        }
                    }
                }
            }
        }
    }

    private static double ground(double before, double parenchyma) {
        double above = before - parenchyma;
        double distinct = Math.max(0, Math.min(1, (above - FAINT) / (DISTINCT - FAINT)));
        return parenchyma + distinct * above;
    }

    private int first(double least, double spacing) {
        return Math.max(0, (int) Math.floor((least - edge) / spacing));
    }

    private int last(double greatest, double spacing, int count) {
        return Math.min(count - 1, (int) Math.ceil((greatest + edge) / spacing));
    }
}
