package io.fedlearn.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.training.Objective;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OutputLossTest {
    private final OutputLoss binary = OutputLoss.of(Objective.BINARY);
    private final OutputLoss multiclass = OutputLoss.of(Objective.MULTICLASS);
    private final OutputLoss regression = OutputLoss.of(Objective.REGRESSION);

    @ParameterizedTest
    @ValueSource(floats = {40, 1000, 1e30f, Float.MAX_VALUE})
    void binaryLossOfAConfidentMistakeIsItsLogit(float logit) {
        float[] values = {logit};
        assertThat(binary.lossAndDelta(values, new float[] {0}, 0)).isEqualTo(logit);
        assertThat(values[0]).isEqualTo(1f);
        values[0] = -logit;
        assertThat(binary.lossAndDelta(values, new float[] {1}, 0)).isEqualTo(logit);
        assertThat(values[0]).isEqualTo(-1f);
        values[0] = logit;
        assertThat(binary.loss(values, new float[] {1}, 0)).isBetween(0.0, 1e-17);
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 40, 1000, Float.MAX_VALUE, -40, -1000, -Float.MAX_VALUE})
    void probabilitiesStayInTheUnitInterval(float logit) {
        float[] outputs = new float[4];
        binary.outputs(new float[] {logit}, outputs, 0);
        multiclass.outputs(new float[] {logit, 0, 3}, outputs, 1);
        for (float output : outputs) {
            assertThat(output).isBetween(0f, 1f);
        }
        assertThat((double) outputs[1] + outputs[2] + outputs[3]).isCloseTo(1, within(1e-6));
    }

    @Test
    void gradientOfACertainAndRightAnswerDoesNotVanishTooEarly() {
        float[] values = {60};
        binary.lossAndDelta(values, new float[] {1}, 0);
        assertThat((double) values[0]).isCloseTo(-Math.exp(-60), within(1e-32));
        float[] logits = {60, 0};
        double loss = multiclass.lossAndDelta(logits, new float[] {0}, 0);
        assertThat((double) logits[0]).isCloseTo(-Math.exp(-60), within(1e-32));
        assertThat(loss).isBetween(0.0, 1e-15);
    }

    @Test
    void crossEntropyOfHugeLogitsIsTheirDifference() {
        float[] logits = {-3e4f, 2e4f, 0};
        assertThat(multiclass.loss(logits, new float[] {0}, 0)).isEqualTo(5e4);
        assertThat(multiclass.lossAndDelta(logits, new float[] {0}, 0)).isEqualTo(5e4);
        assertThat(logits).containsExactly(-1, 1, 0);
    }

    @Test
    void crossEntropyOfEqualLogitsIsTheLogarithmOfTheClasses() {
        float[] logits = {7, 7, 7, 7};
        assertThat(multiclass.loss(logits, new float[] {2}, 0)).isCloseTo(Math.log(4), within(1e-15));
        multiclass.lossAndDelta(logits, new float[] {2}, 0);
        assertThat(logits).containsExactly(0.25f, 0.25f, -0.75f, 0.25f);
    }

    @Test
    void squaredErrorIsTheMeanOverTheOutputs() {
        float[] values = {1, 5};
        float[] targets = {9, 3, 2};
        assertThat(regression.loss(values, targets, 1)).isEqualTo((4 + 9) / 2.0);
        regression.lossAndDelta(values, targets, 1);
        assertThat(values).containsExactly(-2, 3);
    }

    @Test
    void refusesTargetsOfAnotherKindWithoutShowingThem() {
        assertThatThrownBy(() -> binary.loss(new float[1], new float[] {2.75f}, 0))
                .isInstanceOf(InvalidExampleException.class)
                .hasMessageContaining("0 or 1")
                .hasMessageNotContaining("2.75");
        for (float target : new float[] {-1, 3, 0.5f, Float.NaN}) {
            assertThatThrownBy(() -> multiclass.loss(new float[3], new float[] {target}, 0))
                    .isInstanceOf(InvalidExampleException.class)
                    .hasMessageContaining("[0, 3)");
        }
        assertThatThrownBy(() -> regression.loss(new float[1], new float[] {Float.NaN}, 0))
                .isInstanceOf(InvalidExampleException.class)
                .hasMessageContaining("finite");
    }
}
