package io.fedlearn.examples.run;

import io.fedlearn.aggregators.FedAdagrad;
import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.FedAvgM;
import io.fedlearn.aggregators.FedProx;
import io.fedlearn.aggregators.FedYogi;
import io.fedlearn.core.strategy.Strategy;
import java.util.Locale;
import java.util.Optional;

/** The training algorithms that can be named on a command line. */
enum StrategyName {
    FEDAVG,
    FEDAVGM,
    FEDPROX,
    FEDADAGRAD,
    FEDADAM,
    FEDYOGI;

    /** Default of FedProx's proximal {@code mu}: {@value}. */
    static final double DEFAULT_MU = 0.01;

    /** The strategy with these settings; a setting that the strategy does not have is refused. */
    Strategy create(Optional<Double> mu, Optional<Double> serverLearningRate) {
        if (mu.isPresent() && this != FEDPROX) {
            throw new InputException("--mu belongs to --strategy fedprox, not to " + this);
        }
        if (serverLearningRate.isPresent() && (this == FEDAVG || this == FEDPROX)) {
            throw new InputException(
                    "--server-learning-rate belongs to fedavgm, fedadagrad, fedadam and fedyogi, not to " + this);
        }
        return switch (this) {
            case FEDAVG -> FedAvg.create();
            case FEDPROX -> FedProx.withMu(mu.orElse(DEFAULT_MU));
            case FEDAVGM ->
                serverLearningRate.map(FedAvgM::withServerLearningRate).orElseGet(FedAvgM::create);
            case FEDADAGRAD ->
                serverLearningRate.map(FedAdagrad::withServerLearningRate).orElseGet(FedAdagrad::create);
            case FEDADAM ->
                serverLearningRate.map(FedAdam::withServerLearningRate).orElseGet(FedAdam::create);
            case FEDYOGI ->
                serverLearningRate.map(FedYogi::withServerLearningRate).orElseGet(FedYogi::create);
        };
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
