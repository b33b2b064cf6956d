package io.fedlearn.luna16.resample;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.Volume;

/** Interpolates a scan place by place, wherever they lie. For what cuts values out of scans. Confined to one thread at a time. */
public final class PointSampler {
    private final short[] source;
    private final GridSize size;
    private final int rowStride;
    private final int sliceStride;
    private final AxisTaps alongX;
    private final AxisTaps alongY;
    private final AxisTaps alongZ;
    private final boolean isAveraging;

    private PointSampler(Volume volume, AxisTaps alongX, AxisTaps alongY, AxisTaps alongZ) {
        this.source = volume.values();
        this.size = volume.geometry().size();
        this.rowStride = size.x();
        this.sliceStride = size.x() * size.y();
        this.alongX = alongX;
        this.alongY = alongY;
        this.alongZ = alongZ;
        this.isAveraging = alongX.isAveraging() || alongY.isAveraging() || alongZ.isAveraging();
    }

    /** Interpolates by taps for each of the scan's axes, which it then uses alone. */
    public static PointSampler of(Volume volume, AxisTaps alongX, AxisTaps alongY, AxisTaps alongZ) {
        return new PointSampler(volume, alongX, alongY, alongZ);
    }

    /**
     * The value at a place between voxels, in HU above air; what lies beyond the scan, and voxels below air, count as air.
     */
    public float aboveAir(double x, double y, double z) {
        if (!isAveraging && x >= 0 && y >= 0 && z >= 0 && x < size.x() - 1 && y < size.y() - 1 && z < size.z() - 1) {
            return between(x, y, z);
        }
        alongX.place(x);
        alongY.place(y);
        alongZ.place(z);
        float sum = 0;
        for (int k = 0; k < alongZ.count(); k++) {
            float slice = 0;
            for (int j = 0; j < alongY.count(); j++) {
                int at = (alongZ.first() + k) * sliceStride + (alongY.first() + j) * rowStride + alongX.first();
                float row = 0;
                for (int i = 0; i < alongX.count(); i++) {
                    row += alongX.weight(i) * voxel(at + i);
                }
                slice += alongY.weight(j) * row;
            }
            sum += alongZ.weight(k) * slice;
        }
        return sum;
    }

    /** The eight voxels around a place, which are most of what is asked for. */
    private float between(double x, double y, double z) {
        int i = (int) x;
        int j = (int) y;
        int k = (int) z;
        float toX = (float) (x - i);
        float toY = (float) (y - j);
        float toZ = (float) (z - k);
        float fromX = (float) (1 - (x - i));
        float fromY = (float) (1 - (y - j));
        float fromZ = (float) (1 - (z - k));
        int at = k * sliceStride + j * rowStride + i;
        float first = fromY * (fromX * voxel(at) + toX * voxel(at + 1))
                + toY * (fromX * voxel(at + rowStride) + toX * voxel(at + rowStride + 1));
        at += sliceStride;
        float second = fromY * (fromX * voxel(at) + toX * voxel(at + 1))
                + toY * (fromX * voxel(at + rowStride) + toX * voxel(at + rowStride + 1));
        return fromZ * first + toZ * second;
    }

    private int voxel(int at) {
        return Math.max(source[at] - Volume.AIR, 0);
    }
}
