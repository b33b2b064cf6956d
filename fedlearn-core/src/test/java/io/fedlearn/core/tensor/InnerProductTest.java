package io.fedlearn.core.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.random.SeededRandom;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InnerProductTest {
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 4, 5, 4096, 4099})
    void addsEachProductOnceToTheLanesInTurn(int length) {
        SeededRandom random = SeededRandom.of(length);
        double[] a = new double[length];
        double[] b = new double[length];
        double[] lanes = new double[4];
        for (int i = 0; i < length; i++) {
            a[i] = random.nextGaussian() * (i % 7 == 0 ? 1e10 : 1);
            b[i] = random.nextGaussian();
            lanes[i < length - length % 4 ? i % 4 : 0] += a[i] * b[i];
        }
        InnerProduct product = new InnerProduct();
        product.add(a, b, length);

        assertThat(product.total()).isEqualTo((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]));
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 8, 4096})
    void goesOnWhereTheLastBlockEnded(int block) {
        double[] ones = new double[block];
        Arrays.fill(ones, 1);
        InnerProduct product = new InnerProduct();
        for (int i = 0; i < 5; i++) {
            product.add(ones, ones, block);
        }

        assertThat(product.total()).isEqualTo(5.0 * block);
    }
}
