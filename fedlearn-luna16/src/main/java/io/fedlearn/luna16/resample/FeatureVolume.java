package io.fedlearn.luna16.resample;

import io.fedlearn.luna16.image.HuWindow;
import io.fedlearn.luna16.image.ImageGeometry;

/**
 * A CT as a network sees it: {@link HuWindow#feature} of each voxel, not rounded. Immutable by convention: whoever asks for
 * {@link #values()} must not write to them.
 */
public final class FeatureVolume {
    private final ImageGeometry geometry;
    private final HuWindow window;
    private final float[] values;

    FeatureVolume(ImageGeometry geometry, HuWindow window, float[] values) {
        this.geometry = geometry;
        this.window = window;
        this.values = values;
    }

    /** Where the voxels lie. */
    public ImageGeometry geometry() {
        return geometry;
    }

    /** Which HU can be told apart. */
    public HuWindow window() {
        return window;
    }

    /** The feature of a voxel. */
    public float get(int x, int y, int z) {
        return values[(z * geometry.size().y() + y) * geometry.size().x() + x];
    }

    /** All features: voxel (x, y, z) is at {@code (z * sizeY + y) * sizeX + x}. The volume's own array, not to be written. */
    public float[] values() {
        return values;
    }
}
