package io.fedlearn.core.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.task.Config;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LearningRateScheduleTest {
    private static final Config TOLD =
            TrainingSettings.defaults().withLearningRate(0.5).toConfig().with("other", "stays");

    @Test
    void constantTellsWhatIsToldAnyway() {
        assertThat(LearningRateSchedule.constant().apply(TOLD, 7)).isSameAs(TOLD);
    }

    @Test
    void cosineStartsAtTheWholeRateAndIsHalfwayInTheMiddle() {
        LearningRateSchedule cosine = LearningRateSchedule.cosine(10);
        assertThat(cosine.factor(1)).isEqualTo(1);
        assertThat(cosine.factor(6)).isEqualTo(0.5, within(1e-15));
        // (1 + cos(0.9 pi)) / 2
        assertThat(cosine.factor(10)).isEqualTo(0.024471741852423234, within(1e-15));
    }

    @Test
    void cosineNeverRisesAndStaysAfterItsEnd() {
        LearningRateSchedule cosine = new LearningRateSchedule.Cosine(5, 0.1);
        for (int round = 1; round < 20; round++) {
            assertThat(cosine.factor(round + 1)).isLessThanOrEqualTo(cosine.factor(round));
        }
        assertThat(cosine.factor(1000)).isEqualTo(cosine.factor(5)).isGreaterThan(0.1);
    }

    @Test
    void stepMultipliesAfterSoManyRounds() {
        LearningRateSchedule step = new LearningRateSchedule.Step(3, 0.5);
        assertThat(step.factor(1)).isEqualTo(1);
        assertThat(step.factor(3)).isEqualTo(1);
        assertThat(step.factor(4)).isEqualTo(0.5);
        assertThat(step.factor(7)).isEqualTo(0.25);
    }

    @Test
    void stepNeverComesToNothing() {
        Config told = LearningRateSchedule.step(1).apply(TOLD, Integer.MAX_VALUE);
        assertThat(TrainingSettings.of(told).learningRate()).isPositive();
    }

    @Test
    void appliesToTheRateAlone() {
        Config told = new LearningRateSchedule.Step(1, 0.5).apply(TOLD, 3);
        assertThat(told).isEqualTo(TOLD.with(TrainingSettings.LEARNING_RATE, 0.125));
    }

    @ParameterizedTest
    @ValueSource(strings = {"constant", "cosine:20", "cosine:20:0.05", "step:10", "step:10:0.5"})
    void parsesWhatItIsWrittenAs(String text) {
        assertThat(LearningRateSchedule.parse(text, 3)).hasToString(text);
    }

    @Test
    void cosineWithoutALengthTakesTheGivenOne() {
        assertThat(LearningRateSchedule.parse(" Cosine ", 30)).isEqualTo(LearningRateSchedule.cosine(30));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "linear",
                "constant:1",
                "cosine:0",
                "cosine:x",
                "cosine:5:2",
                "cosine:5:NaN",
                "step",
                "step:0",
                "step:5:0",
                "step:5:1.5",
                "step:5:1:1"
            })
    void refusesWhatIsNoSchedule(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LearningRateSchedule.parse(text, 3))
                .withMessageContaining("'" + text + "'")
                .withMessageContaining("cosine[:ROUNDS[:FINAL_SHARE]]");
    }

    @Test
    void refusesRoundsBeforeTheFirst() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LearningRateSchedule.constant().factor(0))
                .withMessage("round must be >= 1, was 0");
    }
}
