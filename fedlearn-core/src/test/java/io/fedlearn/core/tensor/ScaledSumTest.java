package io.fedlearn.core.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScaledSumTest {
    private static final int LENGTH = 17_003;

    private final ScaledSum kernel = new ScaledSum();

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8, 11})
    void addsWithTheBitsOfOneTensorAfterTheOther(int count) {
        Random random = new Random(count);
        Tensor[] tensors = new Tensor[count];
        double[] scales = new double[count];
        for (int k = 0; k < count; k++) {
            tensors[k] = tensor(random, k);
            scales[k] = 1 + random.nextDouble() * 1000;
        }
        double[] expected = random.doubles(LENGTH + 7).toArray();
        double[] actual = expected.clone();
        for (int k = 0; k < count; k++) {
            tensors[k].addScaledTo(20, expected, 7, LENGTH - 20, scales[k]);
        }

        kernel.add(tensors, scales, 20, actual, 7, LENGTH - 20);

        assertThat(actual).containsExactly(expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8, 11})
    void writesWhatAddingToNegativeZerosGives(int count) {
        Random random = new Random(count);
        Tensor[] tensors = new Tensor[count];
        double[] scales = new double[count];
        for (int k = 0; k < count; k++) {
            tensors[k] = tensor(random, k);
            scales[k] = 1 + random.nextDouble() * 1000;
        }
        double[] expected = random.doubles(LENGTH + 7).toArray();
        double[] actual = expected.clone();
        Arrays.fill(expected, 7, 7 + LENGTH - 20, -0.0);
        for (int k = 0; k < count; k++) {
            tensors[k].addScaledTo(20, expected, 7, LENGTH - 20, scales[k]);
        }

        kernel.set(tensors, scales, 20, actual, 7, LENGTH - 20);

        assertThat(actual).containsExactly(expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7})
    void keepsTheSignOfZeros(int count) {
        Tensor[] tensors = new Tensor[count];
        double[] scales = new double[count];
        Arrays.fill(tensors, Tensor.copyOf(new float[] {-0f, 0f}));
        Arrays.fill(scales, 3);
        double[] set = {1, 1};
        double[] added = {-0.0, -0.0};

        kernel.set(tensors, scales, 0, set, 0, 2);
        kernel.add(tensors, scales, 0, added, 0, 2);

        // Of doubles, equals tells the zeros apart.
        assertThat(set).containsExactly(-0.0, 0.0);
        assertThat(added).containsExactly(-0.0, 0.0);
        assertThat(1 / set[0]).isNegative();
        assertThat(1 / added[0]).isNegative();
    }

    /** Mostly float32 on the heap, some behind storage, and one of another type between them. */
    private static Tensor tensor(Random random, int k) {
        double[] values = new double[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            values[i] = random.nextGaussian() * Math.pow(10, i % 17 - 8);
        }
        Tensor tensor = Tensor.rounded(k == 6 ? TensorType.FLOAT64 : TensorType.FLOAT32, Shape.of(LENGTH), values);
        if (k % 3 != 1) {
            return tensor;
        }
        ByteBuffer bytes = ByteBuffer.allocate((int) tensor.byteCount());
        tensor.encodeTo(0, bytes);
        return Tensor.of(
                tensor.type(),
                tensor.shape(),
                (offset, target) -> target.put(bytes.array(), (int) offset, target.remaining()));
    }

    @Test
    void keepsNoTensorAlive() {
        List<WeakReference<float[]>> added = addFive();

        System.gc();

        assertThat(added).allSatisfy(array -> assertThat(array.get()).isNull());
    }

    // A method of its own, so that no variable of the test keeps the arrays alive.
    private List<WeakReference<float[]>> addFive() {
        Tensor[] tensors = new Tensor[5];
        List<WeakReference<float[]>> arrays = new ArrayList<>();
        for (int k = 0; k < tensors.length; k++) {
            float[] array = new float[10];
            arrays.add(new WeakReference<>(array));
            tensors[k] = Tensor.wrap(array);
        }
        kernel.add(tensors, new double[] {1, 2, 3, 4, 5}, 0, new double[10], 0, 10);
        return arrays;
    }

    @Test
    void refusesMoreThanABlock() {
        double[] target = new double[ScaledSum.MAX_BLOCK + 1];

        assertThatIllegalArgumentException()
                .isThrownBy(() -> kernel.add(new Tensor[0], new double[0], 0, target, 0, target.length))
                .withMessage("count must be <= 65536, was 65537");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> kernel.set(new Tensor[0], new double[0], 0, target, 0, target.length));
    }
}
