package io.fedlearn.core.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InMemoryExamplesTest {
    /** Example {@code i} has the features {@code i} and {@code i + 0.5} and the target {@code i % 3}. */
    private static InMemoryExamples examples(int count) {
        float[] features = new float[2 * count];
        float[] targets = new float[count];
        for (int i = 0; i < count; i++) {
            features[2 * i] = i;
            features[2 * i + 1] = i + 0.5f;
            targets[i] = i % 3;
        }
        return InMemoryExamples.wrap(Shape.of(2), features, targets);
    }

    /** The numbers of the examples, batch by batch. */
    private static List<List<Integer>> read(BatchReader reader, Batch batch) {
        List<List<Integer>> batches = new ArrayList<>();
        while (reader.read(batch)) {
            List<Integer> numbers = new ArrayList<>();
            for (int i = 0; i < batch.size(); i++) {
                int number = (int) batch.features()[2 * i];
                assertThat(batch.features()[2 * i + 1]).isEqualTo(number + 0.5f);
                assertThat(batch.targets()[i]).isEqualTo(number % 3);
                numbers.add(number);
            }
            batches.add(numbers);
        }
        assertThat(batch.size()).isZero();
        assertThat(reader.read(batch)).isFalse();
        return batches;
    }

    private static List<List<Integer>> read(ExampleSource source, ExampleOrder order, int capacity) {
        try (BatchReader reader = source.open(order)) {
            return read(reader, Batch.of(capacity, source));
        }
    }

    @Test
    void givesExamplesAsTheyLie() {
        assertThat(read(examples(5), ExampleOrder.sequential(), 2))
                .containsExactly(List.of(0, 1), List.of(2, 3), List.of(4));
        assertThat(read(examples(4), ExampleOrder.sequential(), 2)).containsExactly(List.of(0, 1), List.of(2, 3));
        assertThat(read(examples(2), ExampleOrder.sequential(), 9)).containsExactly(List.of(0, 1));
        assertThat(read(examples(0), ExampleOrder.sequential(), 2)).isEmpty();
    }

    @Test
    void shuffledGivesEachExampleOnceInAnOrderOfTheSeed() {
        InMemoryExamples examples = examples(100);

        List<List<Integer>> first = read(examples, ExampleOrder.shuffled(1), 7);

        assertThat(first.stream().flatMap(List::stream))
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(0, 100).boxed().toList());
        assertThat(first.stream().map(List::size).limit(14)).containsOnly(7);
        assertThat(first.get(14)).hasSize(2);
        assertThat(read(examples, ExampleOrder.shuffled(1), 7)).isEqualTo(first);
        assertThat(read(examples, ExampleOrder.shuffled(2), 7)).isNotEqualTo(first);
        assertThat(read(examples, ExampleOrder.sequential(), 100).get(0)).isSorted();
    }

    @Test
    void orderDoesNotDependOnTheBatchSize() {
        assertThat(read(examples(50), ExampleOrder.shuffled(3), 8).stream().flatMap(List::stream))
                .containsExactlyElementsOf(
                        read(examples(50), ExampleOrder.shuffled(3), 50).get(0));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 3, 14, 15, 16, Integer.MAX_VALUE, Long.MAX_VALUE / 7 + 1, Long.MAX_VALUE})
    void skippingLeadsWhereReadingWouldHave(long batches) {
        InMemoryExamples examples = examples(100);
        for (ExampleOrder order : List.of(ExampleOrder.sequential(), ExampleOrder.shuffled(5))) {
            List<List<Integer>> all = read(examples, order, 7);
            try (BatchReader reader = examples.open(order)) {
                Batch batch = Batch.of(7, examples);

                reader.skip(batches, batch);

                assertThat(read(reader, batch)).isEqualTo(all.subList((int) Math.min(15, batches), 15));
            }
        }
    }

    @Test
    void skipsAgainFromWhereItIs() {
        InMemoryExamples examples = examples(10);
        try (BatchReader reader = examples.open(ExampleOrder.sequential())) {
            Batch batch = Batch.of(3, examples);
            reader.skip(1, batch);
            reader.skip(1, batch);

            assertThat(read(reader, batch)).containsExactly(List.of(6, 7, 8), List.of(9));
        }
    }

    @Test
    void refusesToSkipBackwards() {
        try (BatchReader reader = examples(10).open(ExampleOrder.sequential())) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> reader.skip(-1, Batch.of(2, 2, 1)))
                    .withMessage("batches must be >= 0, was -1");
        }
    }

    @Test
    void poissonSamplingTakesEachExampleAtItsRate() {
        InMemoryExamples examples = examples(200);

        List<List<Integer>> batches = read(examples, ExampleOrder.poissonSampled(1, 0.1, 500), 200);

        assertThat(batches).hasSize(500);
        double taken = batches.stream().mapToInt(List::size).sum();
        // 100,000 independent trials: six standard deviations, 2e-9.
        assertThat(taken / 100_000).isCloseTo(0.1, within(6 * Math.sqrt(0.1 * 0.9 / 100_000)));
        int[] perExample = new int[200];
        batches.forEach(batch -> batch.forEach(example -> perExample[example]++));
        // Binomial(500, 0.1): mean 50, standard deviation 6.7. With 200 examples, seven of them keep 1e-6.
        assertThat(IntStream.of(perExample).boxed()).allMatch(count -> Math.abs(count - 50) <= 47);
        // And batches vary: Binomial(200, 0.1) has variance 18.
        double variance = batches.stream()
                .mapToDouble(batch -> (batch.size() - 20.0) * (batch.size() - 20.0))
                .average()
                .orElseThrow();
        assertThat(variance).isCloseTo(18, within(18 * 6 * Math.sqrt(2.0 / 500)));
    }

    @Test
    void poissonSamplingRepeatsForASeedAndCountsEmptyBatches() {
        InMemoryExamples examples = examples(3);
        ExampleOrder order = ExampleOrder.poissonSampled(4, 0.05, 50);

        List<List<Integer>> batches = read(examples, order, 3);

        assertThat(batches).hasSize(50).contains(List.of()).isEqualTo(read(examples, order, 3));
        assertThat(batches).isNotEqualTo(read(examples, ExampleOrder.poissonSampled(5, 0.05, 50), 3));
    }

    @Test
    void poissonSamplingWithRateOneTakesAll() {
        assertThat(read(examples(4), ExampleOrder.poissonSampled(1, 1, 2), 4))
                .containsExactly(List.of(0, 1, 2, 3), List.of(0, 1, 2, 3));
    }

    @Test
    void poissonSamplingSkipsAsItReads() {
        InMemoryExamples examples = examples(30);
        ExampleOrder order = ExampleOrder.poissonSampled(6, 0.3, 10);
        try (BatchReader reader = examples.open(order)) {
            Batch batch = Batch.of(30, examples);

            reader.skip(4, batch);

            assertThat(read(reader, batch)).isEqualTo(read(examples, order, 30).subList(4, 10));
        }
    }

    @Test
    void poissonSamplingFailsRatherThanDropExamples() {
        try (BatchReader reader = examples(4).open(ExampleOrder.poissonSampled(1, 1, 1))) {
            assertThatIllegalStateException()
                    .isThrownBy(() -> reader.read(Batch.of(3, 2, 1)))
                    .withMessage("a Poisson-sampled batch is larger than its capacity of 3");
        }
    }

    @Test
    void refusesImpossibleRatesAndCounts() {
        for (double rate : new double[] {0, -0.1, 1.1, Double.NaN}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> ExampleOrder.poissonSampled(1, rate, 1))
                    .withMessage("rate must be in (0, 1], was " + rate);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExampleOrder.poissonSampled(1, 0.5, 0))
                .withMessage("batches must be >= 1, was 0");
    }

    @Test
    void subsetsAreOfTheSubset() {
        InMemoryExamples part = examples(10).subset(9, 1, 4, 7).subset(3, 0);

        assertThat(part.exampleCount()).isEqualTo(2);
        assertThat(read(part, ExampleOrder.sequential(), 5)).containsExactly(List.of(7, 9));
        assertThat(part.classes()).containsExactly(1, 0);
        assertThat(examples(4).subset().exampleCount()).isZero();
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> examples(4).subset(4));
    }

    @Test
    void severalReadersReadIndependently() {
        InMemoryExamples examples = examples(4);
        try (BatchReader one = examples.open(ExampleOrder.sequential());
                BatchReader two = examples.open(ExampleOrder.sequential())) {
            one.read(Batch.of(3, examples));

            assertThat(read(two, Batch.of(4, examples))).containsExactly(List.of(0, 1, 2, 3));
        }
    }

    @Test
    void carriesSeveralTargets() {
        InMemoryExamples examples =
                InMemoryExamples.wrap(Shape.of(1, 1), new float[] {1, 2}, new float[] {10, 11, 20, 21});
        Batch batch = Batch.of(1, examples);
        try (BatchReader reader = examples.open(ExampleOrder.sequential())) {
            reader.read(batch);
            reader.read(batch);
        }

        assertThat(examples.targetLength()).isEqualTo(2);
        assertThat(examples.featureShape()).isEqualTo(Shape.of(1, 1));
        assertThat(batch.targets()).containsExactly(20, 21);
    }

    @Test
    void refusesArraysThatAreNotRows() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> InMemoryExamples.wrap(Shape.of(2), new float[3], new float[1]))
                .withMessage("features must be rows of 2 values, were 3 values");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> InMemoryExamples.wrap(Shape.of(0), new float[0], new float[0]))
                .withMessage("features must be rows of 0 values, were 0 values");
        for (int targets : new int[] {0, 1, 3}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> InMemoryExamples.wrap(Shape.of(2), new float[4], new float[targets]))
                    .withMessage("targets must have an equal number of values for each of 2 examples, had " + targets);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> InMemoryExamples.wrap(Shape.of(2), new float[0], new float[1]));
    }

    @Test
    void batchesRefuseSizesThatTheyCannotHave() {
        Batch batch = Batch.of(3, 2, 1);
        assertThat(batch.features()).hasSize(6);
        assertThat(batch.targets()).hasSize(3);
        for (int size : new int[] {-1, 4}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> batch.resize(size))
                    .withMessage("examples must be in [0, 3], were " + size);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Batch.of(0, 2, 1))
                .withMessage("capacity and featureLength must be >= 1 and targetLength >= 0, were 0, 2, 1");
    }
}
