package io.fedlearn.aggregators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.aggregators.catalogue.MethodCatalogue;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.Config;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MethodsTest {
    @Test
    void haveTheDefaultsThatTheirConstantsSay() {
        assertSettings(
                FedAvgM.create(),
                Map.of(
                        "serverLearningRate", FedAvgM.DEFAULT_SERVER_LEARNING_RATE,
                        "serverMomentum", FedAvgM.DEFAULT_SERVER_MOMENTUM));
        assertSettings(
                FedAdagrad.create(),
                Map.of(
                        "serverLearningRate", FedAdagrad.DEFAULT_SERVER_LEARNING_RATE,
                        "beta1", FedAdagrad.DEFAULT_BETA1,
                        "tau", FedAdagrad.DEFAULT_TAU));
        assertSettings(
                FedAdam.create(),
                Map.of(
                        "serverLearningRate", FedAdam.DEFAULT_SERVER_LEARNING_RATE,
                        "beta1", FedAdam.DEFAULT_BETA1,
                        "beta2", FedAdam.DEFAULT_BETA2,
                        "tau", FedAdam.DEFAULT_TAU,
                        "biasCorrection", "NONE"));
        assertSettings(
                FedYogi.create(),
                Map.of(
                        "serverLearningRate", FedYogi.DEFAULT_SERVER_LEARNING_RATE,
                        "beta1", FedYogi.DEFAULT_BETA1,
                        "beta2", FedYogi.DEFAULT_BETA2,
                        "tau", FedYogi.DEFAULT_TAU));
        assertSettings(FedAvg.create(), Map.of());
    }

    /** The published values, once more by hand. */
    @Test
    void haveThePublishedDefaults() {
        assertThat(FedAdam.create().settings().asMap())
                .containsEntry("beta1", 0.9)
                .containsEntry("beta2", 0.99)
                .containsEntry("tau", 0.001)
                .containsEntry("serverLearningRate", 0.1);
        assertThat(FedYogi.create().settings().asMap()).containsEntry("serverLearningRate", 0.01);
        assertThat(FedAdagrad.create().settings().asMap()).containsEntry("beta1", 0.0);
        assertThat(FedAvgM.create().settings().asMap()).containsEntry("serverMomentum", 0.9);
    }

    private static void assertSettings(Strategy strategy, Map<String, Object> expected) {
        Config all = Config.of(expected)
                .with("selector", "all")
                .with("weighting", "by-examples")
                .with("aggregator", "weighted-mean")
                .with(
                        "serverOptimizer",
                        strategy.settings().getString("serverOptimizer").orElseThrow());
        assertThat(strategy.settings()).isEqualTo(all);
    }

    @Test
    void takeAServerLearningRateAlone() {
        for (Strategy strategy : new Strategy[] {
            FedAvgM.withServerLearningRate(0.25),
            FedAdagrad.withServerLearningRate(0.25),
            FedAdam.withServerLearningRate(0.25),
            FedYogi.withServerLearningRate(0.25)
        }) {
            assertThat(strategy.settings().getDouble("serverLearningRate")).contains(0.25);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "fedavgm, serverLearningRate, 0.0, > 0 and finite",
        "fedavgm, serverMomentum, 1.0, 'in [0, 1)'",
        "fedavgm, serverMomentum, -0.1, 'in [0, 1)'",
        "fedprox, mu, -1.0, >= 0 and finite",
        "fedadagrad, serverLearningRate, -1.0, > 0 and finite",
        "fedadagrad, beta1, 1.0, 'in [0, 1)'",
        "fedadagrad, tau, 0.0, > 0 and finite",
        "fedadam, serverLearningRate, Infinity, > 0 and finite",
        "fedadam, serverLearningRate, NaN, > 0 and finite",
        "fedadam, beta1, 1.0, 'in [0, 1)'",
        "fedadam, beta1, NaN, 'in [0, 1)'",
        "fedadam, beta2, 1.5, 'in [0, 1)'",
        "fedadam, tau, -0.001, > 0 and finite",
        "fedyogi, serverLearningRate, 0.0, > 0 and finite",
        "fedyogi, beta1, -0.5, 'in [0, 1)'",
        "fedyogi, beta2, 1.0, 'in [0, 1)'",
        "fedyogi, tau, NaN, > 0 and finite"
    })
    void refuseASettingOutOfRangeByNameRangeAndValue(String method, String name, String value, String range) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MethodCatalogue.parse(method, Map.of(name, value)))
                .withMessage(name + " must be " + range + ", was " + value);
    }

    private static Strategy withAllThatIsNeeded(MethodCatalogue.Method method) {
        Map<String, String> needed = new TreeMap<>();
        method.settings().forEach((name, value) -> {
            if (value.isEmpty()) {
                needed.put(name, "1");
            }
        });
        return method.create(needed);
    }

    /** One word for a setting on the method's page, on a command line and in the header of a run. */
    @Test
    void haveTheirSettingsInTheRunsHeaderUnderTheNamesOfTheCatalogue() {
        for (MethodCatalogue.Method method : MethodCatalogue.methods()) {
            assertThat(withAllThatIsNeeded(method).settings().names())
                    .as(method.name())
                    .containsAll(method.settings().keySet());
        }
    }

    @Test
    void areFoundByName() {
        for (MethodCatalogue.Method method : MethodCatalogue.methods()) {
            assertThat(MethodCatalogue.find(method.name().toUpperCase(Locale.ROOT)))
                    .isSameAs(method);
            assertThat(withAllThatIsNeeded(method).name()).isEqualToIgnoringCase(method.name());
        }
        assertThat(MethodCatalogue.find("fedprox").settings()).isEqualTo(Map.of("mu", ""));
        assertThat(MethodCatalogue.find("fedavgm").settings())
                .isEqualTo(Map.of("serverLearningRate", "1.0", "serverMomentum", "0.9"));
        assertThat(MethodCatalogue.parse("FedProx", Map.of("mu", "0.5")).settings())
                .isEqualTo(FedProx.withMu(0.5).settings());
        assertThat(MethodCatalogue.parse("fedadam", Map.of("biasCorrection", "kingma-ba"))
                        .settings()
                        .getString("biasCorrection"))
                .contains("KINGMA_BA");
    }

    @Test
    void bearAsManyBadClientsAsACommandLineSays() {
        for (String method : new String[] {"coordinatemedian", "trimmedmean", "rfa", "krum", "multikrum", "bulyan"}) {
            assertThat(MethodCatalogue.parse(method, Map.of("badClients", "2"))
                            .settings()
                            .getLong("badClients"))
                    .as(method)
                    .contains(2L);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"fedavg", "fedavgm", "fedprox", "fedadagrad", "fedadam", "fedyogi"})
    void refuseSettingsThatTheyDoNotHave(String method) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MethodCatalogue.parse(method, Map.of("mu", "1", "eta", "0.1")))
                .withMessageContaining("eta");
    }

    @Test
    void sayWhatIsWrongWithACommandLine() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MethodCatalogue.parse("fedsgd", Map.of()))
                .withMessageContaining("fedavg, fedavgm")
                .withMessageContaining("fedsgd");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MethodCatalogue.parse("fedprox", Map.of()))
                .withMessage("mu must be given");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MethodCatalogue.parse("fedadam", Map.of("tau", "small")))
                .withMessage("tau must be a number, was small");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MethodCatalogue.parse("fedadam", Map.of("biasCorrection", "some")))
                .withMessageContaining("KINGMA_BA");
    }

    @Test
    void mix() {
        Strategy mixed = FedProx.withMu(0.1).toBuilder()
                .serverOptimizer(FedAdam.builder().serverOptimizer())
                .build();

        ServerOptimizer first = mixed.start(Config.empty()).serverOptimizer();
        assertThat(mixed.start(Config.empty()).serverOptimizer()).isNotSameAs(first);
        assertThat(first).isInstanceOf(MomentOptimizer.class);
        assertThat(mixed.clientConfig().getDouble("mu")).contains(0.1);
    }
}
