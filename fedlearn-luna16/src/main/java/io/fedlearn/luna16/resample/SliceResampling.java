package io.fedlearn.luna16.resample;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.Volume;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Resampling along the scan's own axes, one after the other, as slices come: rows are blended along y, what comes out along x,
 * and the resulting slices, of which only the last few are kept, along z.
 *
 * <p>The target is cut into bands of rows that different threads may do; each band sees all slices in their order. Nothing
 * but the bands' places depends on how many bands there are.
 */
final class SliceResampling {
    /** How many of the target's rows make a band. */
    private static final int BAND_ROWS = 32;

    private final GridSize source;
    private final AxisLine alongX;
    private final AxisLine alongY;
    private final AxisLine alongZ;
    private final int strideX;
    private final int strideY;
    private final int strideZ;
    private final Output output;
    /** The places along z in the order in which the last slice they need comes. */
    private final int[] order;

    private final Band[] bands;

    /**
     * @param lines along the scan's x, y and z: the places that the target's voxels have there
     * @param strides how far apart in the target two places are that follow each other along the scan's x, y and z
     */
    SliceResampling(GridSize source, AxisLine[] lines, int[] strides, Output output) {
        this.source = source;
        this.alongX = lines[0];
        this.alongY = lines[1];
        this.alongZ = lines[2];
        this.strideX = strides[0];
        this.strideY = strides[1];
        this.strideZ = strides[2];
        this.output = output;
        this.order = IntStream.range(0, alongZ.length())
                .boxed()
                .sorted((a, b) -> Integer.compare(readyAfter(a), readyAfter(b)))
                .mapToInt(Integer::intValue)
                .toArray();
        int count = (alongY.length() + BAND_ROWS - 1) / BAND_ROWS;
        this.bands = new Band[count];
        for (int i = 0; i < count; i++) {
            bands[i] = new Band(
                    (int) ((long) i * alongY.length() / count), (int) ((long) (i + 1) * alongY.length() / count));
        }
    }

    /** How many slices must have come before a place along z can be blended. */
    private int readyAfter(int place) {
        if (!alongZ.isInside(place)) {
            return 0;
        }
        int last = alongZ.most() - 1;
        while (last > 0 && alongZ.weight(place, last) == 0) {
            last--;
        }
        return alongZ.first(place) + last + 1;
    }

    /** How many parts there are to the work on some slices. */
    int parts() {
        return bands.length;
    }

    /** Does a part of the work on the slices that come next: as many as not came yet, in order, for each part once. */
    void part(int part, short[] values, int offset, int count) {
        bands[part].take(values, offset, count);
    }

    /** Some of the target's rows. */
    private final class Band {
        private final int from;
        private final int to;
        /** The last slices, resampled along x and y: slice z is at {@code z % ring.length}. */
        private final float[][] ring;

        private int slices;
        private int written;

        Band(int from, int to) {
            this.from = from;
            this.to = to;
            this.ring = new float[alongZ.most()][(to - from) * alongX.length()];
        }

        void take(short[] values, int offset, int count) {
            Scratch scratch = new Scratch();
            int sliceLength = source.x() * source.y();
            for (int i = 0; i < count; i++) {
                int z = slices++;
                if (z >= alongZ.low() && z < alongZ.low() + alongZ.range()) {
                    shrink(values, offset + i * sliceLength, ring[z % ring.length], scratch);
                }
                write(scratch);
            }
        }

        /** Resamples a slice along y, then along x. */
        private void shrink(short[] values, int offset, float[] target, Scratch scratch) {
            scratch.begin(values, offset);
            for (int i = from; i < to; i++) {
                int at = (i - from) * alongX.length();
                if (alongY.isInside(i) && alongX.range() > 0) {
                    scratch.blend(i);
                    alongX.blend(scratch.blended, target, at);
                } else {
                    Arrays.fill(target, at, at + alongX.length(), 0);
                }
            }
        }

        /** Blends and writes what the slices so far are enough for. */
        private void write(Scratch scratch) {
            while (written < order.length && readyAfter(order[written]) <= slices) {
                int z = order[written++];
                for (int i = from; i < to; i++) {
                    int at = (i - from) * alongX.length();
                    blend(z, at, scratch.row);
                    output.put(scratch.row, alongX.length(), z * strideZ + i * strideY, strideX);
                }
            }
        }

        private void blend(int z, int at, float[] row) {
            boolean isFirst = true;
            for (int t = 0; t < alongZ.most() && alongZ.isInside(z); t++) {
                float weight = alongZ.weight(z, t);
                if (weight == 0) {
                    continue;
                }
                float[] slice = ring[(alongZ.first(z) + t) % ring.length];
                if (isFirst) {
                    scale(slice, at, weight, row);
                } else {
                    AxisLine.addScaled(slice, at, weight, row, 0, row.length);
                }
                isFirst = false;
            }
            if (isFirst) {
                Arrays.fill(row, 0);
            }
        }
    }

    private static void scale(float[] source, int from, float weight, float[] target) {
        for (int i = 0; i < target.length; i++) {
            target[i] = weight * source[from + i];
        }
    }

    /** What one thread needs while it works on a band. */
    private final class Scratch {
        private final float[] row = new float[alongX.length()];
        private final float[] blended = new float[alongX.range()];
        /** Rows of the slice in HU above air: row y is at {@code y % most}, as far as {@link #held} says so. */
        private final float[][] rows = new float[alongY.most()][alongX.range()];

        private final int[] held = new int[alongY.most()];
        private short[] values = {};
        private int offset;

        void begin(short[] slices, int at) {
            values = slices;
            offset = at;
            Arrays.fill(held, -1);
        }

        private float[] row(int y) {
            int slot = y % rows.length;
            float[] held = rows[slot];
            if (this.held[slot] != y) {
                int from = offset + y * source.x() + alongX.low();
                for (int x = 0; x < held.length; x++) {
                    held[x] = Math.max(values[from + x] - Volume.AIR, 0);
                }
                this.held[slot] = y;
            }
            return held;
        }

        /** Blends the rows around a place along y. */
        void blend(int place) {
            int first = alongY.first(place);
            if (alongY.most() == 2) {
                blendTwo(row(first), alongY.weight(place, 0), row(first + 1), alongY.weight(place, 1));
                return;
            }
            scale(row(first), 0, alongY.weight(place, 0), blended);
            for (int t = 1; t < alongY.most(); t++) {
                float weight = alongY.weight(place, t);
                if (weight != 0) {
                    AxisLine.addScaled(row(first + t), 0, weight, blended, 0, blended.length);
                }
            }
        }

        private void blendTwo(float[] first, float firstWeight, float[] second, float secondWeight) {
            for (int i = 0; i < blended.length; i++) {
                blended[i] = firstWeight * first[i] + secondWeight * second[i];
            }
        }
    }
}
