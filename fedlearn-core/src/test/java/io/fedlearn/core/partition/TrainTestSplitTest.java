package io.fedlearn.core.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrainTestSplitTest {
    private static final int[] CLASSES = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2};

    @Test
    void givesItsGoldenParts() {
        TrainTestSplit split = TrainTestSplit.random(IntStream.range(0, 10).toArray(), 0.3, 5);

        assertThat(split.training()).containsExactly(1, 3, 4, 5, 6, 8, 9);
        assertThat(split.test()).containsExactly(0, 2, 7);
        assertThat(split).hasToString("7 to train on, 3 to test on");
    }

    @Test
    void givesItsGoldenPartsWithinClasses() {
        TrainTestSplit split = TrainTestSplit.stratified(IntStream.range(0, 12).toArray(), CLASSES, 0.3, 5);

        assertThat(split.training()).containsExactly(1, 3, 4, 5, 6, 9, 10, 11);
        assertThat(split.test()).containsExactly(0, 2, 7, 8);
    }

    @Test
    void dependsOnTheSetOfExamplesAndNotOnItsOrder() {
        int[] examples = {9, 4, 100, 7, 3};

        TrainTestSplit split = TrainTestSplit.random(examples, 0.4, 1);

        assertThat(examples).containsExactly(9, 4, 100, 7, 3);
        assertThat(split).isEqualTo(TrainTestSplit.random(new int[] {3, 4, 7, 9, 100}, 0.4, 1));
        assertThat(IntStream.concat(Arrays.stream(split.training()), Arrays.stream(split.test())))
                .containsExactlyInAnyOrder(3, 4, 7, 9, 100);
    }

    @ParameterizedTest
    @CsvSource({"0, 0.5, 0", "1, 0.5, 1", "1, 0.4, 0", "2, 0.2, 0", "3, 0.2, 1", "303, 0.2, 61"})
    void roundsTheTestShareToTheNearestWhole(int examples, double share, int tests) {
        int[] all = IntStream.range(0, examples).toArray();

        assertThat(TrainTestSplit.random(all, share, 1).test()).hasSize(tests);
        assertThat(TrainTestSplit.stratified(all, new int[examples], share, 1).test())
                .hasSize(tests);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 2, 3, 4})
    void keepsTheProportionsOfClasses(long seed) {
        // 11 examples of each of 9 classes: 2.2 of each belong into the test, 19.8 in all.
        int[] classes = IntStream.range(0, 99).map(example -> example % 9).toArray();

        int[] test = TrainTestSplit.stratified(IntStream.range(0, 99).toArray(), classes, 0.2, seed)
                .test();

        assertThat(test).hasSize(20);
        for (int wanted = 0; wanted < 9; wanted++) {
            int label = wanted;
            assertThat(Arrays.stream(test)
                            .filter(example -> classes[example] == label)
                            .count())
                    .isBetween(2L, 3L);
        }
    }

    @Test
    void refusesWhatIsNotASetOfExamples() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TrainTestSplit.random(new int[] {1, 2, 1}, 0.5, 1))
                .withMessage("examples must be distinct, 1 came twice");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TrainTestSplit.stratified(new int[] {0, 3}, new int[3], 0.5, 1))
                .withMessage("examples must be in [0, 3) as classes are, one was 3");
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 1, -0.5, Double.NaN})
    void refusesAShareThatLeavesNothing(double share) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TrainTestSplit.random(new int[] {0, 1}, share, 1))
                .withMessage("testShare must be in (0, 1), was " + share);
    }
}
