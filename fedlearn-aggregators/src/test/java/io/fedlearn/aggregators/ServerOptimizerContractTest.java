package io.fedlearn.aggregators;

import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.testkit.contract.ServerOptimizerContract;
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
}
