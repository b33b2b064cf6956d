package io.fedlearn.core.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.task.Config;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainingSettingsTest {
    @Test
    void hasItsDefaults() {
        TrainingSettings settings = TrainingSettings.defaults();

        assertThat(settings.localEpochs()).isEqualTo(TrainingSettings.DEFAULT_LOCAL_EPOCHS);
        assertThat(settings.batchSize()).isEqualTo(TrainingSettings.DEFAULT_BATCH_SIZE);
        assertThat(settings.learningRate()).isEqualTo(TrainingSettings.DEFAULT_LEARNING_RATE);
        assertThat(settings.momentum()).isZero();
        assertThat(settings.weightDecay()).isZero();
        assertThat(settings.mu()).isZero();
        assertThat(settings.maxSteps()).isZero();
        assertThat(TrainingSettings.of(Config.empty())).isEqualTo(settings).hasSameHashCodeAs(settings);
    }

    @Test
    void travelsAsAConfig() {
        TrainingSettings settings = TrainingSettings.defaults()
                .withLocalEpochs(3)
                .withBatchSize(16)
                .withLearningRate(0.5)
                .withMomentum(0.9)
                .withWeightDecay(1e-4)
                .withMu(0.01)
                .withMaxSteps(100);

        assertThat(settings.toConfig().asMap())
                .isEqualTo(Map.of(
                        "localEpochs",
                        3L,
                        "batchSize",
                        16L,
                        "learningRate",
                        0.5,
                        "momentum",
                        0.9,
                        "weightDecay",
                        1e-4,
                        "mu",
                        0.01,
                        "maxSteps",
                        100L));
        assertThat(settings.toConfig().names()).isEqualTo(TrainingSettings.names());
        assertThat(TrainingSettings.of(settings.toConfig().with("unknown", "x")))
                .isEqualTo(settings);
        assertThat(settings.localEpochs()).isEqualTo(3);
        assertThat(settings.batchSize()).isEqualTo(16);
        assertThat(settings.learningRate()).isEqualTo(0.5);
        assertThat(settings.momentum()).isEqualTo(0.9);
        assertThat(settings.weightDecay()).isEqualTo(1e-4);
        assertThat(settings.mu()).isEqualTo(0.01);
        assertThat(settings.maxSteps()).isEqualTo(100);
        assertThat(TrainingSettings.defaults().localEpochs()).isEqualTo(1);
    }

    @Test
    void takesWholeNumbersWhereNumbersAreDue() {
        assertThat(TrainingSettings.of(Config.empty().with("learningRate", 1)))
                .isEqualTo(TrainingSettings.defaults().withLearningRate(1.0));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "localEpochs  | 0       | localEpochs must be in [1, 1000000], was 0",
                "localEpochs  | 1000001 | localEpochs must be in [1, 1000000], was 1000001",
                "batchSize    | 0       | batchSize must be in [1, 16777216], was 0",
                "batchSize    | 16777217 | batchSize must be in [1, 16777216], was 16777217",
                "maxSteps     | -1      | maxSteps must be in [0, 9223372036854775807], was -1"
            })
    void refusesWholeNumbersOutOfRange(String name, long value, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TrainingSettings.of(Config.empty().with(name, value)))
                .withMessage(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "learningRate | 0     | learningRate must be > 0, was 0.0",
                "learningRate | -0.1  | learningRate must be > 0, was -0.1",
                "momentum     | 1     | momentum must be in [0, 1), was 1.0",
                "momentum     | -0.1  | momentum must be in [0, 1), was -0.1",
                "weightDecay  | -1e-9 | weightDecay must be >= 0, was -1.0E-9",
                "mu           | -1    | mu must be >= 0, was -1.0",
                "mu           | NaN   | setting 'mu' must be finite, was NaN"
            })
    void refusesNumbersOutOfRange(String name, double value, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TrainingSettings.of(Config.empty().with(name, value)))
                .withMessage(message);
    }

    @Test
    void refusesAnotherType() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TrainingSettings.of(Config.empty().with("localEpochs", 1.5)))
                .withMessage("setting 'localEpochs' must be a whole number, was Double 1.5");
    }
}
