package io.fedlearn.luna16.resample;

import io.fedlearn.luna16.image.HuWindow;
import io.fedlearn.luna16.image.Volume;

/** Where resampled values go, each place once. Thread-safe as far as places differ. */
interface Output {
    /** Takes {@code count} values, in HU above air, to the places {@code at}, {@code at + stride}, … */
    void put(float[] aboveAir, int count, int at, int stride);

    /** Whole HU, halves upwards. */
    static Output ofHu(short[] target) {
        return (aboveAir, count, at, stride) -> {
            if (stride == 1) {
                for (int i = 0; i < count; i++) {
                    target[at + i] = rounded(aboveAir[i]);
                }
            } else {
                for (int i = 0; i < count; i++) {
                    target[at + i * stride] = rounded(aboveAir[i]);
                }
            }
        };
    }

    private static short rounded(float aboveAir) {
        return (short) Math.min((int) (aboveAir + 0.5f) + Volume.AIR, Short.MAX_VALUE);
    }

    /** What a network sees of them. */
    static Output ofFeatures(HuWindow window, float[] target) {
        float low = window.low() - Volume.AIR;
        float share = 1f / (window.high() - window.low());
        float scale = HuWindow.GREATEST_FEATURE - HuWindow.LEAST_FEATURE;
        return (aboveAir, count, at, stride) -> {
            for (int i = 0; i < count; i++) {
                aboveAir[i] = scale * Math.min(Math.max((aboveAir[i] - low) * share, 0), 1) + HuWindow.LEAST_FEATURE;
            }
            if (stride == 1) {
                System.arraycopy(aboveAir, 0, target, at, count);
            } else {
                for (int i = 0; i < count; i++) {
                    target[at + i * stride] = aboveAir[i];
                }
            }
        };
    }

    /** HU as they come, neither rounded nor cut off. */
    static Output ofExact(float[] target) {
        return (aboveAir, count, at, stride) -> {
            for (int i = 0; i < count; i++) {
                target[at + i * stride] = aboveAir[i] + Volume.AIR;
            }
        };
    }
}
