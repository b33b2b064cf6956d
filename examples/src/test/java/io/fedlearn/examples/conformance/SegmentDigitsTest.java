package io.fedlearn.examples.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.InMemoryExamples;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

final class SegmentDigitsTest {
    private static float[] pixels(InMemoryExamples images) {
        Batch batch = Batch.of(Math.toIntExact(images.exampleCount()), images);
        try (BatchReader reader = images.open(ExampleOrder.sequential())) {
            assertThat(reader.read(batch)).isTrue();
        }
        return batch.features();
    }

    @Test
    void hasAsManyOfEachDigit() {
        int[] counts = new int[10];
        for (int digit : SegmentDigits.generate(200, 1).classes()) {
            counts[digit]++;
        }
        assertThat(counts).containsOnly(20);
    }

    @Test
    void anEightIsBrighterThanAOne() {
        InMemoryExamples images = SegmentDigits.generate(400, 1);
        float[] pixels = pixels(images);
        int length = Math.toIntExact(images.featureShape().elementCount());
        double[] light = new double[10];
        int[] classes = images.classes();
        for (int i = 0; i < classes.length; i++) {
            for (int j = 0; j < length; j++) {
                light[classes[i]] += pixels[i * length + j];
            }
        }
        assertThat(Arrays.stream(light).max().orElseThrow()).isEqualTo(light[8]);
        assertThat(Arrays.stream(light).min().orElseThrow()).isEqualTo(light[1]);
    }

    @Test
    void sameSeedSameImages() {
        assertThat(pixels(SegmentDigits.generate(20, 3))).isEqualTo(pixels(SegmentDigits.generate(20, 3)));
        assertThat(pixels(SegmentDigits.generate(20, 4))).isNotEqualTo(pixels(SegmentDigits.generate(20, 3)));
    }
}
