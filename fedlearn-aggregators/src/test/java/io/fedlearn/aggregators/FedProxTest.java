package io.fedlearn.aggregators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.training.TrainingSettings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FedProxTest {
    @Test
    void tellsEveryClientItsMu() {
        Strategy strategy = FedProx.withMu(0.25);

        TrainingSettings told = TrainingSettings.of(
                strategy.start(TrainingSettings.defaults().withMu(7).toConfig()).clientConfig());

        assertThat(told.mu()).isEqualTo(0.25);
        assertThat(strategy.settings().getDouble("mu")).contains(0.25);
        assertThat(strategy.name()).isEqualTo("FedProx");
    }

    @Test
    void needsClientsThatHonourTrainingSettings() {
        assertThat(FedProx.withMu(1).requirements()).containsExactly(Capability.TRAINING_SETTINGS);
        assertThat(FedAvg.create().requirements()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.1, Double.NaN, Double.POSITIVE_INFINITY})
    void refusesAMuOutOfRange(double mu) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FedProx.withMu(mu))
                .withMessage("mu must be >= 0 and finite, was " + mu);
    }
}
