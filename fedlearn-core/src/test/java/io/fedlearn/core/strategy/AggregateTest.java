package io.fedlearn.core.strategy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AggregateTest {
    private final Model global = Model.builder()
            .trainable("sums", Tensor.copyOf(new float[] {1, 2, 3}))
            .trainable("means", Tensor.copyOf(new float[] {4, 5}))
            .build();

    private Aggregate sums(UpdateForm form) {
        List<double[]> values = List.of(new double[] {1, 2, -0.0}, new double[] {1, 2});
        return Aggregate.wrap(form, global.spec(), values, 2, 3).withDivisor(3, Set.of(0));
    }

    @ParameterizedTest
    @EnumSource(
            value = UpdateForm.class,
            names = {"MODEL", "MODEL_DELTA"})
    void modelIsTheSameBeforeAndAfterTheValuesWereRead(UpdateForm form) {
        Aggregate unread = sums(form);
        Aggregate read = sums(form);

        assertThat(read.values(0)).containsExactly(1 / 3.0, 2 / 3.0, -0.0);
        assertThat(read.values(1)).containsExactly(1, 2);

        assertThat(unread.toModel(global)).isEqualTo(read.toModel(global));
        assertThat(unread.toModel(global)).isEqualTo(read.toModel(global));
    }

    @Test
    void valuesAreDividedOnceHoweverOftenTheyAreReadAndByWhom() {
        Aggregate aggregate = sums(UpdateForm.MODEL);
        Aggregate sameArrays = aggregate.withTensors("more", Model.empty()).withRemainders(Map.of());

        assertThat(sameArrays.values(0)).containsExactly(1 / 3.0, 2 / 3.0, -0.0);
        assertThat(aggregate.values(0)).containsExactly(1 / 3.0, 2 / 3.0, -0.0);
    }

    @Test
    void changesMadeInPlaceReachTheModel() {
        Aggregate aggregate = sums(UpdateForm.MODEL);

        aggregate.values(0)[1] = 7;

        assertThat(aggregate.toTensor(global, 0)).isEqualTo(Tensor.copyOf(new float[] {1 / 3f, 7, -0f}));
    }

    @Test
    void integersAreDividedToo() {
        Model counts = Model.builder()
                .counter("narrow", Tensor.copyOf(new int[] {0}))
                .counter("wide", Tensor.scalar(0L))
                .build();
        Aggregate aggregate = Aggregate.wrap(
                        UpdateForm.MODEL, counts.spec(), List.of(new double[] {8}, new double[] {9}), 1, 1)
                .withDivisor(2, Set.of(0, 1));

        assertThat(aggregate.toTensor(counts, 0).get(0)).isEqualTo(4);
        assertThat(aggregate.toTensor(counts, 1).get(0)).isEqualTo(4);
        assertThat(aggregate.toTensor(counts, 0).type()).isEqualTo(TensorType.INT32);
    }

    @Test
    void refusesADivisorForATensorThatIsNotThere() {
        Aggregate aggregate = sums(UpdateForm.MODEL);

        assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> aggregate.withDivisor(3, Set.of(2)));
    }
}
