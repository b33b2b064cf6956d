package io.fedlearn.luna16.detect;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.resample.Resampler;
import java.util.function.Consumer;

/** A part of a scan in which blobs are looked for, with as much around it as Gaussians reach. */
final class BlobBlock {
    /** To how many standard deviations a Gaussian reaches. */
    private static final double REACH = 3;

    private final ImageGeometry geometry;
    private final double[] deviations;
    private final int margin;
    private final int sizeX;
    private final int sizeY;
    private final int sizeZ;
    private final int slice;
    private float[] values;
    private float[] spare;
    private final float[] laplacian;

    private BlobBlock(ImageGeometry geometry, double[] deviations, int margin, float[] values, GridSize size) {
        this.geometry = geometry;
        this.deviations = deviations;
        this.margin = margin;
        this.values = values;
        this.sizeX = size.x();
        this.sizeY = size.y();
        this.sizeZ = size.z();
        this.slice = sizeX * sizeY;
        this.spare = new float[values.length];
        this.laplacian = new float[values.length];
    }

    /**
     * Takes a part of a scan.
     *
     * @param core where blobs are looked for
     * @param deviations of the Gaussians, in voxels, from the narrowest to the widest
     */
    static BlobBlock of(Volume scan, ImageGeometry core, double[] deviations) {
        int margin = (int) Math.ceil(REACH * deviations[deviations.length - 1]) + 2;
        GridSize size = new GridSize(
                core.size().x() + 2 * margin,
                core.size().y() + 2 * margin,
                core.size().z() + 2 * margin);
        ImageGeometry around = ImageGeometry.of(size, core.spacing(), core.toWorld(-margin, -margin, -margin));
        short[] hu = Resampler.onto(around).resample(scan).values();
        float[] values = new float[hu.length];
        for (int i = 0; i < hu.length; i++) {
            values[i] = Math.min(Math.max(hu[i], BlobFinder.LOW), BlobFinder.HIGH);
        }
        return new BlobBlock(around, deviations, margin, values, size);
    }

    /** Hands over the maxima of all scales, in the order of scales and of places. */
    void find(double leastResponse, double leastRoundness, Consumer<BlobFinder.Blob> blobs) {
        double before = 0;
        for (double deviation : deviations) {
            smooth(Math.sqrt(deviation * deviation - before * before));
            before = deviation;
            findMaxima(deviation, leastResponse, leastRoundness, blobs);
        }
    }

    private void findMaxima(
            double deviation, double leastResponse, double leastRoundness, Consumer<BlobFinder.Blob> blobs) {
        float factor = (float) (deviation * deviation);
        int low = margin - 1;
        for (int z = low; z < sizeZ - low; z++) {
            for (int y = low; y < sizeY - low; y++) {
                int row = z * slice + y * sizeX;
                for (int at = row + low; at < row + sizeX - low; at++) {
                    laplacian[at] = factor
                            * (6 * values[at]
                                    - values[at - 1]
                                    - values[at + 1]
                                    - values[at - sizeX]
                                    - values[at + sizeX]
                                    - values[at - slice]
                                    - values[at + slice]);
                }
            }
        }
        double[] offsets = new double[3];
        for (int z = margin; z < sizeZ - margin; z++) {
            for (int y = margin; y < sizeY - margin; y++) {
                for (int x = margin; x < sizeX - margin; x++) {
                    int at = z * slice + y * sizeX + x;
                    if (laplacian[at] >= leastResponse && isMaximum(at) && roundness(at) >= leastRoundness) {
                        offsets[0] = offset(at, 1);
                        offsets[1] = offset(at, sizeX);
                        offsets[2] = offset(at, slice);
                        Point center = geometry.toWorld(x + offsets[0], y + offsets[1], z + offsets[2]);
                        blobs.accept(new BlobFinder.Blob(
                                center,
                                laplacian[at],
                                deviation * geometry.spacing().x()));
                    }
                }
            }
        }
    }

    /** Whether a voxel's response is greater than its neighbours'; of equal ones the last counts. */
    private boolean isMaximum(int at) {
        float value = laplacian[at];
        for (int z = -slice; z <= slice; z += slice) {
            for (int y = -sizeX; y <= sizeX; y += sizeX) {
                for (int x = -1; x <= 1; x++) {
                    int other = at + z + y + x;
                    if (laplacian[other] > value || laplacian[other] == value && other > at) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    /** Where between neighbours along an axis the top of a parabola lies, in voxels from here. */
    private double offset(int at, int stride) {
        double below = laplacian[at - stride];
        double above = laplacian[at + stride];
        double bend = below - 2.0 * laplacian[at] + above;
        return bend < 0 ? Math.min(Math.max(0.5 * (below - above) / bend, -0.5), 0.5) : 0;
    }

    /** How round what is here is: the least by the greatest eigenvalue of the second derivatives, turned positive. */
    private double roundness(int at) {
        double[] eigenvalues = SymmetricMatrix.eigenvalues(
                second(at, 1),
                second(at, sizeX),
                second(at, slice),
                mixed(at, 1, sizeX),
                mixed(at, 1, slice),
                mixed(at, sizeX, slice));
        return eigenvalues[2] >= 0 ? 0 : eigenvalues[2] / eigenvalues[0];
    }

    private double second(int at, int stride) {
        return values[at - stride] - 2.0 * values[at] + values[at + stride];
    }

    private double mixed(int at, int one, int other) {
        return 0.25
                * ((double) values[at + one + other]
                        - values[at + one - other]
                        - values[at - one + other]
                        + values[at - one - other]);
    }

    /** Smooths all values. Near the border, as far as the kernel reaches, they lack what is beyond. */
    private void smooth(double deviation) {
        float[] kernel = kernel(deviation);
        for (int stride : new int[] {1, sizeX, slice}) {
            smooth(kernel, stride);
            float[] swapped = values;
            values = spare;
            spare = swapped;
        }
    }

    /** Along one axis, a row of voxels at a time: the inner loop goes along x, whatever the axis. */
    private void smooth(float[] kernel, int stride) {
        int length = stride == 1 ? sizeX : stride == sizeX ? sizeY : sizeZ;
        int reach = Math.min(kernel.length - 1, length - 1);
        for (int z = 0; z < sizeZ; z++) {
            for (int y = 0; y < sizeY; y++) {
                int row = z * slice + y * sizeX;
                if (stride == 1) {
                    smoothRow(kernel, row, reach);
                } else {
                    smoothAcross(kernel, row, stride, stride == sizeX ? y : z, length, reach);
                }
            }
        }
    }

    private void smoothRow(float[] kernel, int row, int reach) {
        for (int x = 0; x < sizeX; x++) {
            spare[row + x] = kernel[0] * values[row + x];
        }
        for (int d = 1; d <= reach; d++) {
            float weight = kernel[d];
            for (int x = d; x < sizeX - d; x++) {
                spare[row + x] += weight * (values[row + x - d] + values[row + x + d]);
            }
            for (int x = 0; x < Math.min(d, sizeX); x++) {
                spare[row + x] += weight * (values[row] + values[row + Math.min(x + d, sizeX - 1)]);
            }
            for (int x = Math.max(sizeX - d, d); x < sizeX; x++) {
                spare[row + x] += weight * (values[row + Math.max(x - d, 0)] + values[row + sizeX - 1]);
            }
        }
    }

    private void smoothAcross(float[] kernel, int row, int stride, int place, int length, int reach) {
        for (int x = 0; x < sizeX; x++) {
            spare[row + x] = kernel[0] * values[row + x];
        }
        for (int d = 1; d <= reach; d++) {
            float weight = kernel[d];
            // What is at the border goes on beyond it.
            int below = row - Math.min(d, place) * stride;
            int above = row + Math.min(d, length - 1 - place) * stride;
            for (int x = 0; x < sizeX; x++) {
                spare[row + x] += weight * (values[below + x] + values[above + x]);
            }
        }
    }

    /** Half a Gaussian, from its middle on. */
    private static float[] kernel(double deviation) {
        double[] weights = new double[(int) Math.ceil(REACH * deviation) + 1];
        double sum = 0;
        for (int i = 0; i < weights.length; i++) {
            weights[i] = StrictMath.exp(-0.5 * i * i / (deviation * deviation));
            sum += i == 0 ? weights[i] : 2 * weights[i];
        }
        float[] kernel = new float[weights.length];
        for (int i = 0; i < kernel.length; i++) {
            kernel[i] = (float) (weights[i] / sum);
        }
        return kernel;
    }
}
