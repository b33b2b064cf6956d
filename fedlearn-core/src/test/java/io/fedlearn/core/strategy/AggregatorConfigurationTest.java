package io.fedlearn.core.strategy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class AggregatorConfigurationTest {
    private static final class Listening implements Aggregator.WholeCohort {
        private final List<Config> told;

        Listening(List<Config> told) {
            this.told = told;
        }

        @Override
        public void configure(Config clientConfig) {
            if (clientConfig.getDouble("mu").isPresent()) {
                throw new IllegalArgumentException("this rule works without mu");
            }
            told.add(clientConfig);
        }

        @Override
        public Aggregate aggregate(Model global, List<WeightedUpdate> updates) {
            throw new IllegalStateException("not called here");
        }
    }

    private final List<Config> told = new ArrayList<>();

    private Strategy.Builder strategy() {
        return Strategy.builder("Listening", () -> new Listening(told), ServerOptimizer::identity);
    }

    @Test
    void ruleIsToldOnceWhatEveryClientIsTold() {
        Strategy strategy = strategy().tellClients("momentum", 0.9).build();

        StrategyParts parts =
                strategy.start(Config.empty().with("momentum", 0.0).with("learningRate", 0.5));

        assertThat(told).containsExactly(parts.clientConfig());
        assertThat(parts.clientConfig().getDouble("momentum")).contains(0.9);
        assertThat(parts.clientConfig().getDouble("learningRate")).contains(0.5);
    }

    @Test
    void describingAStrategyTellsNothing() {
        assertThat(strategy().build().settings().isEmpty()).isFalse();
        assertThat(told).isEmpty();
    }

    @Test
    void ruleThatCannotWorkSoRefusesTheStart() {
        Strategy strategy = strategy().tellClients("mu", 0.1).build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> strategy.start(Config.empty()))
                .withMessage("this rule works without mu");
    }
}
