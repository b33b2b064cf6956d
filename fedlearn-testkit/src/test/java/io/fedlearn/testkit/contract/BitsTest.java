package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import org.junit.jupiter.api.Test;

final class BitsTest {
    private static Model model(float... values) {
        return Model.builder()
                .trainable("bias", Tensor.scalar(1f))
                .trainable("weight", Tensor.copyOf(values, values.length))
                .build();
    }

    @Test
    void tellsTensorAndFirstValueThatDiffer() {
        assertThat(Bits.differences(model(1, 2, 3), model(1, 4, 5)))
                .containsExactly("tensor 'weight': value 1 of 3 is 2.0, must be 4.0");
    }

    @Test
    void tellsWhichZeroOrNaNDiffers() {
        assertThat(Bits.differences(model(-0f), model(0f)))
                .containsExactly("tensor 'weight': value 0 of 1 is -0.0, must be 0.0");
    }

    @Test
    void tellsEveryPartOfAnUpdateThatDiffers() {
        assertThat(Bits.differences(
                        Bits.copyOf(ClientUpdate.ofModel(model(1), 5)), Bits.copyOf(ClientUpdate.ofModel(model(2), 6))))
                .containsExactly(
                        "model tensor 'weight': value 0 of 1 is 1.0, must be 2.0", "exampleCount is 5, must be 6");
    }

    @Test
    void tellsNothingOfEqualCopies() {
        assertThat(Bits.differences(Bits.copyOf(model(1)), model(1))).isEmpty();
    }
}
