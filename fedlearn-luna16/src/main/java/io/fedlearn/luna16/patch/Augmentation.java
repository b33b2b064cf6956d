package io.fedlearn.luna16.patch;

import java.util.Objects;

/**
 * By how much training examples are varied, at random, each time they are shown: flips, turns in the axial plane, shifts,
 * noise, intensity. Immutable. What happens to an example depends on the seed of the order that it is read in and its place
 * alone, so that an epoch repeats bit for bit.
 *
 * <p><b>Settings</b> (default, range), each off in {@link #none()}:
 * <ul>
 *   <li>flips along z, y, x, each with probability 1/2 (all);
 *   <li>rotation in the axial plane ({@link Rotation#QUARTER_TURNS});
 *   <li>shift along each axis by up to so many whole voxels ({@value #DEFAULT_SHIFT}; {@code >= 0} and at most the
 *       {@linkplain PatchSettings#margin() margin} of the patches);
 *   <li>noise: standard deviation of Gaussian noise in HU ({@value #DEFAULT_NOISE_HU}; {@code [0, 1000]});
 *   <li>intensity: attenuation, that is HU + 1000, is multiplied by a number from {@code [1-s, 1+s]} (0; {@code [0, 1)}).
 * </ul>
 */
public final class Augmentation {
    /** Default of the greatest shift, in voxels: {@value}, the default margin. */
    public static final int DEFAULT_SHIFT = PatchSettings.DEFAULT_MARGIN;

    /** Default standard deviation of noise, in HU: {@value}. */
    public static final double DEFAULT_NOISE_HU = 25;

    private static final double MAX_NOISE_HU = 1000;
    private static final Augmentation NONE = new Augmentation(false, false, false, Rotation.NONE, 0, 0, 0);
    private static final Augmentation DEFAULTS =
            new Augmentation(true, true, true, Rotation.QUARTER_TURNS, DEFAULT_SHIFT, DEFAULT_NOISE_HU, 0);

    private final boolean flipsZ;
    private final boolean flipsY;
    private final boolean flipsX;
    private final Rotation rotation;
    private final int shift;
    private final double noiseHu;
    private final double intensity;

    private Augmentation(
            boolean flipsZ,
            boolean flipsY,
            boolean flipsX,
            Rotation rotation,
            int shift,
            double noiseHu,
            double intensity) {
        if (shift < 0) {
            throw new IllegalArgumentException("shift must be >= 0 voxels, was " + shift);
        }
        if (!(noiseHu >= 0 && noiseHu <= MAX_NOISE_HU)) {
            throw new IllegalArgumentException("noiseHu must be in [0, " + MAX_NOISE_HU + "], was " + noiseHu);
        }
        if (!(intensity >= 0 && intensity < 1)) {
            throw new IllegalArgumentException("intensity must be in [0, 1), was " + intensity);
        }
        this.flipsZ = flipsZ;
        this.flipsY = flipsY;
        this.flipsX = flipsX;
        this.rotation = rotation;
        this.shift = shift;
        this.noiseHu = noiseHu;
        this.intensity = intensity;
    }

    /** How patches are turned in the axial plane, about their centre. */
    public enum Rotation {
        /** Not at all. */
        NONE,
        /**
         * By 0, 90, 180 or 270 degrees; a patch that is not as high as wide, in voxels and in millimetres, by 0 or 180.
         * Values stay as they are.
         */
        QUARTER_TURNS,
        /**
         * By any angle, each as likely, with linear interpolation, which blurs noise a little. Where a corner reaches beyond
         * the margin, the values of its edge go on.
         */
        FREE
    }

    /** No variation. */
    public static Augmentation none() {
        return NONE;
    }

    /** The defaults. */
    public static Augmentation defaults() {
        return DEFAULTS;
    }

    /** This with flips along these axes. */
    public Augmentation withFlips(boolean z, boolean y, boolean x) {
        return new Augmentation(z, y, x, rotation, shift, noiseHu, intensity);
    }

    /** This with another rotation. */
    public Augmentation withRotation(Rotation rotation) {
        return new Augmentation(flipsZ, flipsY, flipsX, rotation, shift, noiseHu, intensity);
    }

    /** This with shifts of up to so many voxels along each axis. */
    public Augmentation withShift(int voxels) {
        return new Augmentation(flipsZ, flipsY, flipsX, rotation, voxels, noiseHu, intensity);
    }

    /** This with noise of such a standard deviation, in HU. */
    public Augmentation withNoise(double hu) {
        return new Augmentation(flipsZ, flipsY, flipsX, rotation, shift, hu, intensity);
    }

    /** This with attenuation multiplied by a number from {@code [1-share, 1+share]}. */
    public Augmentation withIntensity(double share) {
        return new Augmentation(flipsZ, flipsY, flipsX, rotation, shift, noiseHu, share);
    }

    boolean flipsZ() {
        return flipsZ;
    }

    boolean flipsY() {
        return flipsY;
    }

    boolean flipsX() {
        return flipsX;
    }

    /** How patches are turned. */
    public Rotation rotation() {
        return rotation;
    }

    /** The greatest shift along each axis, in voxels. */
    public int shift() {
        return shift;
    }

    /** The standard deviation of noise, in HU. */
    public double noiseHu() {
        return noiseHu;
    }

    /** By what share attenuation varies. */
    public double intensity() {
        return intensity;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Augmentation that && toString().equals(that.toString());
    }

    @Override
    public int hashCode() {
        return Objects.hash(toString());
    }

    /**
     * All settings as a text that equal settings share, for run records:
     * {@code flips=zyx,rotation=QUARTER_TURNS,shift=3,noise=25.0,intensity=0.0}, or {@code none}.
     */
    @Override
    public String toString() {
        String flips = (flipsZ ? "z" : "") + (flipsY ? "y" : "") + (flipsX ? "x" : "");
        if (flips.isEmpty() && rotation == Rotation.NONE && shift == 0 && noiseHu == 0 && intensity == 0) {
            return "none";
        }
        return "flips=" + (flips.isEmpty() ? "none" : flips) + ",rotation=" + rotation + ",shift=" + shift + ",noise="
                + noiseHu + ",intensity=" + intensity;
    }
}
