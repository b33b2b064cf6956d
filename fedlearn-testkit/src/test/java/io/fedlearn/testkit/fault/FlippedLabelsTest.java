package io.fedlearn.testkit.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.testkit.contract.ExampleSourceContract;
import io.fedlearn.testkit.generator.SyntheticExamples;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class FlippedLabelsTest {
    @Nested
    class OnExamplesInMemory extends ExampleSourceContract {
        @Override
        protected ExampleSource create() {
            return FlippedLabels.of(SyntheticExamples.separableClasses(3, 40, 4, 3), 3);
        }
    }

    @Test
    void turnsClassesRoundAndLeavesFeatures() {
        InMemoryExamples honest = InMemoryExamples.wrap(Shape.of(1), new float[] {5, 6, 7}, new float[] {0, 3, 9});
        ExampleSource source = FlippedLabels.of(honest, 10);
        Batch batch = Batch.of(3, source);

        try (BatchReader reader = source.open(ExampleOrder.sequential())) {
            assertThat(reader.read(batch)).isTrue();
            assertThat(reader.read(batch)).isFalse();
        }

        assertThat(batch.features()).containsExactly(5, 6, 7);
        assertThat(batch.targets()).containsExactly(9, 6, 0);
        assertThat(honest.classes()).containsExactly(0, 3, 9);
    }

    @Test
    void refusesASingleClass() {
        ExampleSource honest = InMemoryExamples.wrap(Shape.of(1), new float[] {5}, new float[] {0});
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FlippedLabels.of(honest, 1))
                .withMessage("classes must be >= 2, were 1");
    }
}
