package io.fedlearn.aggregators;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.testkit.contract.ServerOptimizerContract;
import io.fedlearn.testkit.generator.ModelGenerator;
import org.junit.jupiter.api.Nested;

/** The contract, once for each server optimizer. */
class ServerOptimizerContractTest {
    @Nested
    class OfFedAvgM extends ServerOptimizerContract {
        @Override
        protected ServerOptimizer create() {
            return FedAvgM.builder().serverOptimizer().get();
        }
    }

    @Nested
    class OfFedAdagrad extends ServerOptimizerContract {
        @Override
        protected ServerOptimizer create() {
            return FedAdagrad.builder().serverOptimizer().get();
        }
    }

    @Nested
    class OfFedAdam extends ServerOptimizerContract {
        @Override
        protected ServerOptimizer create() {
            return FedAdam.builder().serverOptimizer().get();
        }
    }

    @Nested
    class OfFedAdamWithBiasCorrection extends ServerOptimizerContract {
        @Override
        protected ServerOptimizer create() {
            return FedAdam.builder()
                    .biasCorrection(BiasCorrection.KINGMA_BA)
                    .serverOptimizer()
                    .get();
        }
    }

    @Nested
    class OfFedYogi extends ServerOptimizerContract {
        @Override
        protected ServerOptimizer create() {
            return FedYogi.builder().serverOptimizer().get();
        }
    }

    @Nested
    class OfScaffold extends ServerOptimizerContract {
        @Override
        protected ServerOptimizer create() {
            return Scaffold.builder(7).serverLearningRate(0.5).serverOptimizer().get();
        }

        @Override
        protected Aggregate withReports(Aggregate aggregate) {
            Model change = ModelGenerator.of(1).nextModerate(SideTensors.specFor(spec()));
            return aggregate.withTensors(Scaffold.CHANGE, change);
        }
    }

    @Nested
    class OfFedDyn extends ServerOptimizerContract {
        @Override
        protected ServerOptimizer create() {
            return FedDyn.serverOptimizer(7, 0.1).get();
        }
    }
}
