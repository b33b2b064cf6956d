package io.fedlearn.luna16.patch;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.image.HuWindow;
import io.fedlearn.luna16.image.Volume;

/** Turns a cached box into what a network sees, varied or not. Confined to one thread at a time. */
final class Augmenter {
    /** By what share voxels may be longer than wide for a quarter turn to keep shapes as they are. */
    private static final double SQUARE_WITHIN = 0.01;

    private static final int NOISE_BITS = 16;
    private static final int NOISE_MASK = (1 << NOISE_BITS) - 1;
    /** Drawn once: a voxel's noise is one of these, picked at random, which costs a tenth of drawing it anew. */
    private static final float[] NOISE = noise();

    private static final float FEATURE_SCALE = HuWindow.GREATEST_FEATURE - HuWindow.LEAST_FEATURE;

    private final Augmentation augmentation;
    private final PatchShape shape;
    private final PatchShape box;
    private final HuWindow window;
    /** For free rotation, for each voxel of a slice: where in the box's slice it comes from, and how far beyond that. */
    private final int[] froms;

    private final float[] beyondY;
    private final float[] beyondX;

    Augmenter(Augmentation augmentation, PatchSettings settings) {
        this.augmentation = augmentation;
        this.shape = settings.shape();
        this.box = settings.boxShape();
        this.window = settings.window();
        boolean free = augmentation.rotation() == Augmentation.Rotation.FREE;
        int slice = free ? shape.height() * shape.width() : 0;
        this.froms = new int[slice];
        this.beyondY = new float[slice];
        this.beyondX = new float[slice];
    }

    private static float[] noise() {
        SeededRandom random = SeededRandom.of(NOISE_BITS);
        double[] drawn = new double[1 << NOISE_BITS];
        double sum = 0;
        double squares = 0;
        for (int i = 0; i < drawn.length; i++) {
            drawn[i] = random.nextGaussian();
            sum += drawn[i];
            squares += drawn[i] * drawn[i];
        }
        double mean = sum / drawn.length;
        double deviation = Math.sqrt(squares / drawn.length - mean * mean);
        float[] noise = new float[drawn.length];
        for (int i = 0; i < noise.length; i++) {
            noise[i] = (float) ((drawn[i] - mean) / deviation);
        }
        return noise;
    }

    /** Writes the middle of a box, as it is. */
    void plain(short[] values, float[] target, int at) {
        cut(values, new Cut(), target, at);
        show(1, target, at);
    }

    /**
     * Writes the box's middle, varied.
     *
     * @param spacingRatio how many times further apart voxels are along y than along x
     * @param seed of all that is drawn
     */
    void varied(short[] values, double spacingRatio, long seed, float[] target, int at) {
        SeededRandom random = SeededRandom.of(seed);
        // Everything is drawn whether it is asked for or not: what one setting does is the same whatever the others
        // are.
        long coins = random.nextLong();
        int turns = random.nextInt(4);
        double angle = 2 * Math.PI * random.nextDouble();
        int range = 2 * augmentation.shift() + 1;
        Cut cut = new Cut();
        cut.shiftZ = random.nextInt(range) - augmentation.shift();
        cut.shiftY = random.nextInt(range) - augmentation.shift();
        cut.shiftX = random.nextInt(range) - augmentation.shift();
        double gain = 1 + augmentation.intensity() * (2 * random.nextDouble() - 1);
        if (augmentation.rotation() == Augmentation.Rotation.QUARTER_TURNS) {
            boolean square = shape.height() == shape.width() && Math.abs(spacingRatio - 1) < SQUARE_WITHIN;
            cut.turn(square ? turns : turns / 2 * 2);
        }
        cut.flip(
                augmentation.flipsZ() && (coins & 1) != 0,
                augmentation.flipsY() && (coins & 2) != 0,
                augmentation.flipsX() && (coins & 4) != 0);
        if (augmentation.rotation() == Augmentation.Rotation.FREE) {
            rotate(values, cut, angle, spacingRatio, target, at);
        } else {
            cut(values, cut, target, at);
        }
        if (augmentation.noiseHu() > 0) {
            addNoise(random, (float) augmentation.noiseHu(), target, at);
        }
        show((float) gain, target, at);
    }

    /** Copies voxels, in HU above air: each step along an axis of the patch is one along an axis of the box. */
    private void cut(short[] values, Cut cut, float[] target, int at) {
        int stepY = cut.yToY * box.width() + cut.yToX;
        int stepX = cut.xToY * box.width() + cut.xToX;
        int next = at;
        for (int z = 0; z < shape.depth(); z++) {
            int slice = cut.sourceZ(z) * box.height() * box.width();
            int corner = slice + cut.sourceY(0, 0) * box.width() + cut.sourceX(0, 0);
            for (int y = 0; y < shape.height(); y++) {
                int from = corner + y * stepY;
                for (int x = 0; x < shape.width(); x++) {
                    target[next + x] = values[from + x * stepX] - Volume.AIR;
                }
                next += shape.width();
            }
        }
    }

    /** Interpolates voxels, in HU above air, of a slice that is turned after it was cut. */
    private void rotate(short[] values, Cut cut, double angle, double spacingRatio, float[] target, int at) {
        double cosine = StrictMath.cos(angle);
        double sine = StrictMath.sin(angle);
        double middleY = (box.height() - 1) / 2.0 + cut.shiftY;
        double middleX = (box.width() - 1) / 2.0 + cut.shiftX;
        int width = box.width();
        int rowStep = box.height() > 1 ? width : 0;
        int columnStep = width > 1 ? 1 : 0;
        for (int y = 0; y < shape.height(); y++) {
            double fromMiddleY = (y - (shape.height() - 1) / 2.0) * cut.yToY;
            for (int x = 0; x < shape.width(); x++) {
                double fromMiddleX = (x - (shape.width() - 1) / 2.0) * cut.xToX;
                // Turned in millimetres, not in voxels.
                double sourceY = middleY + cosine * fromMiddleY - sine * fromMiddleX / spacingRatio;
                double sourceX = middleX + sine * fromMiddleY * spacingRatio + cosine * fromMiddleX;
                sourceY = Math.min(Math.max(sourceY, 0), box.height() - 1);
                sourceX = Math.min(Math.max(sourceX, 0), width - 1);
                int row = Math.min((int) sourceY, Math.max(box.height() - 2, 0));
                int column = Math.min((int) sourceX, Math.max(width - 2, 0));
                int i = y * shape.width() + x;
                froms[i] = row * width + column;
                beyondY[i] = (float) (sourceY - row);
                beyondX[i] = (float) (sourceX - column);
            }
        }
        int next = at;
        for (int z = 0; z < shape.depth(); z++) {
            int slice = cut.sourceZ(z) * box.height() * width;
            for (int i = 0; i < froms.length; i++) {
                int from = slice + froms[i];
                float first = values[from] + beyondX[i] * (values[from + columnStep] - values[from]);
                int below = from + rowStep;
                float second = values[below] + beyondX[i] * (values[below + columnStep] - values[below]);
                target[next++] = first + beyondY[i] * (second - first) - Volume.AIR;
            }
        }
    }

    private void addNoise(SeededRandom random, float deviation, float[] target, int at) {
        int count = shape.voxelCount();
        for (int i = 0; i < count; ) {
            long bits = random.nextLong();
            int end = Math.min(count, i + Long.SIZE / NOISE_BITS);
            for (; i < end; i++) {
                target[at + i] += deviation * NOISE[(int) bits & NOISE_MASK];
                bits >>>= NOISE_BITS;
            }
        }
    }

    /** From HU above air to what a network sees. */
    private void show(float gain, float[] target, int at) {
        float low = window.low() - Volume.AIR;
        float share = 1f / (window.high() - window.low());
        int end = at + shape.voxelCount();
        for (int i = at; i < end; i++) {
            float inside = Math.min(Math.max((target[i] * gain - low) * share, 0), 1);
            target[i] = FEATURE_SCALE * inside + HuWindow.LEAST_FEATURE;
        }
    }

    /** Which voxel of the box a voxel of the patch is: a step along one axis, forwards or backwards, for each axis. */
    private final class Cut {
        private boolean flippedZ;
        private int yToY = 1;
        private int yToX;
        private int xToY;
        private int xToX = 1;
        private int shiftZ;
        private int shiftY;
        private int shiftX;

        void turn(int quarters) {
            for (int i = 0; i < quarters; i++) {
                int y = yToY;
                int x = xToY;
                yToY = -yToX;
                xToY = -xToX;
                yToX = y;
                xToX = x;
            }
        }

        void flip(boolean z, boolean y, boolean x) {
            flippedZ = z;
            if (y) {
                yToY = -yToY;
                yToX = -yToX;
            }
            if (x) {
                xToY = -xToY;
                xToX = -xToX;
            }
        }

        int sourceZ(int z) {
            int margin = (box.depth() - shape.depth()) / 2;
            return margin + shiftZ + (flippedZ ? shape.depth() - 1 - z : z);
        }

        /** Twice the way from the middle, so that it is a whole number for an even number of voxels, too. */
        int sourceY(int y, int x) {
            int twice = yToY * (2 * y - shape.height() + 1) + xToY * (2 * x - shape.width() + 1);
            return (box.height() - 1 + twice) / 2 + shiftY;
        }

        int sourceX(int y, int x) {
            int twice = yToX * (2 * y - shape.height() + 1) + xToX * (2 * x - shape.width() + 1);
            return (box.width() - 1 + twice) / 2 + shiftX;
        }
    }
}
