package io.fedlearn.testkit.generator;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ModelGeneratorTest {
    @Test
    void sameSeedGivesSameModels() {
        ModelGenerator first = ModelGenerator.of(1);
        ModelGenerator second = ModelGenerator.of(1);
        for (int i = 0; i < 20; i++) {
            ModelSpec spec = first.nextSpec();
            assertThat(second.nextSpec()).isEqualTo(spec);
            assertThat(second.nextAnyBits(spec)).isEqualTo(first.nextAnyBits(spec));
            assertThat(second.nextModerate(spec)).isEqualTo(first.nextModerate(spec));
            assertThat(second.nextUpdate(spec).model())
                    .isEqualTo(first.nextUpdate(spec).model());
        }
        assertThat(ModelGenerator.of(2).nextAnyBits(ModelGenerator.everyTypeSpec()))
                .isNotEqualTo(ModelGenerator.of(1).nextAnyBits(ModelGenerator.everyTypeSpec()));
    }

    @Test
    void everyValueIsFinite() {
        ModelGenerator generator = ModelGenerator.of(3);
        for (int i = 0; i < 10; i++) {
            for (Tensor tensor :
                    generator.nextAnyBits(ModelGenerator.everyTypeSpec()).tensors()) {
                assertThat(tensor.firstNonFinite()).isEqualTo(-1);
            }
        }
    }

    @Test
    void everyTypeIsThere() {
        Set<TensorType> types = EnumSet.noneOf(TensorType.class);
        ModelGenerator.everyTypeSpec().tensors().forEach(tensor -> types.add(tensor.type()));

        assertThat(types).containsExactlyInAnyOrder(TensorType.values());
    }

    @Test
    void anyBitsHoldTheSpecialValues() {
        Model model = ModelGenerator.of(4).nextAnyBits(ModelGenerator.everyTypeSpec());
        Set<Double> values = new HashSet<>();
        Arrays.stream(model.tensor("long").toDoubleArray()).forEach(values::add);

        assertThat(values)
                .contains(0.0, -0.0, (double) Float.MIN_VALUE, (double) -Float.MIN_VALUE, (double) Float.MAX_VALUE);
    }

    @Test
    void moderateIntegersStayInTheirBounds() {
        Model model = ModelGenerator.of(5).nextModerate(ModelGenerator.everyTypeSpec());

        assertThat(Arrays.stream(model.tensor("counter INT8").toLongArray()))
                .allMatch(value -> value >= 0 && value < ModelGenerator.INTEGER_BOUND);
        assertThat(Arrays.stream(model.tensor("buffer BOOL").toLongArray()))
                .allMatch(value -> value == 0 || value == 1);
    }
}
