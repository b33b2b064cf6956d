package io.fedlearn.examples.conformance;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.InMemoryExamples;

/**
 * Made-up images of digits as a seven-segment display shows them, somewhere in the picture, in some brightness and under noise:
 * what experiments train on in place of MNIST when they have to be quick.
 */
final class SegmentDigits {
    /** How many digits there are. */
    static final int CLASSES = 10;

    private static final int SIDE = 9;
    private static final int GLYPH_HEIGHT = 7;
    private static final int GLYPH_WIDTH = 4;
    private static final double NOISE = 0.1;
    private static final double DIMMEST = 0.5;

    /** The segments that are lit: top, upper left, upper right, middle, lower left, lower right, bottom. */
    private static final int[] LIT = {
        0b1110111, 0b0010010, 0b1011101, 0b1011011, 0b0111010, 0b1101011, 0b1101111, 0b1010010, 0b1111111, 0b1111011
    };

    private SegmentDigits() {}

    /** So many images, as many of each digit as can be, the same for the same seed. */
    static InMemoryExamples generate(int count, long seed) {
        SeededRandom random = SeededRandom.of(seed);
        float[] features = new float[count * SIDE * SIDE];
        float[] targets = new float[count];
        for (int i = 0; i < count; i++) {
            int digit = i % CLASSES;
            targets[i] = digit;
            int from = i * SIDE * SIDE;
            for (int j = 0; j < SIDE * SIDE; j++) {
                features[from + j] = (float) (NOISE * random.nextGaussian());
            }
            float brightness = (float) (DIMMEST + (1 - DIMMEST) * random.nextDouble());
            int top = random.nextInt(SIDE - GLYPH_HEIGHT + 1);
            int left = (SIDE - GLYPH_WIDTH) / 2 + random.nextInt(2);
            for (int row = 0; row < GLYPH_HEIGHT; row++) {
                for (int column = 0; column < GLYPH_WIDTH; column++) {
                    if (isLit(LIT[digit], row, column)) {
                        features[from + (top + row) * SIDE + left + column] += brightness;
                    }
                }
            }
        }
        return InMemoryExamples.wrap(Shape.of(SIDE, SIDE), features, targets);
    }

    private static boolean isLit(int segments, int row, int column) {
        int middle = GLYPH_HEIGHT / 2;
        boolean upper = row <= middle;
        boolean lower = row >= middle;
        return row == 0 && isOn(segments, 0)
                || row == middle && isOn(segments, 3)
                || row == GLYPH_HEIGHT - 1 && isOn(segments, 6)
                || column == 0 && (upper && isOn(segments, 1) || lower && isOn(segments, 4))
                || column == GLYPH_WIDTH - 1 && (upper && isOn(segments, 2) || lower && isOn(segments, 5));
    }

    private static boolean isOn(int segments, int segment) {
        return (segments >> (6 - segment) & 1) == 1;
    }
}
