package io.fedlearn.aggregators;

import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.testkit.contract.AggregatorContract;
import io.fedlearn.testkit.generator.ModelGenerator;
import org.junit.jupiter.api.Nested;

/** The contract, once for each rule that reads what clients report. */
class ReportingRulesContractTest {
    private abstract static class OfFedNova extends AggregatorContract {
        @Override
        protected ClientUpdate withReports(ClientUpdate update, int client) {
            return update.withMetric(LocalTrainingClient.LOCAL_STEPS, 1 + 7 * client);
        }

        static Aggregator with(TrainingSettings settings, EffectiveSteps effectiveSteps) {
            Aggregator rule = FedNova.builder()
                    .effectiveSteps(effectiveSteps)
                    .aggregator()
                    .get();
            rule.configure(settings.toConfig());
            return rule;
        }
    }

    @Nested
    class OfFedNovaWithPlainSgd extends OfFedNova {
        @Override
        protected Aggregator create() {
            return with(TrainingSettings.defaults(), EffectiveSteps.NORMALISERS);
        }
    }

    @Nested
    class OfFedNovaByStepsWithPlainSgd extends OfFedNova {
        @Override
        protected Aggregator create() {
            return with(TrainingSettings.defaults(), EffectiveSteps.STEPS);
        }
    }

    @Nested
    class OfFedNovaWithMomentumAndMu extends OfFedNova {
        @Override
        protected Aggregator create() {
            return with(TrainingSettings.defaults().withMomentum(0.9).withMu(0.3), EffectiveSteps.NORMALISERS);
        }
    }

    @Nested
    class OfFedNovaByStepsWithMu extends OfFedNova {
        @Override
        protected Aggregator create() {
            return with(TrainingSettings.defaults().withMu(0.3), EffectiveSteps.STEPS);
        }

        /** The server goes further than any client did, as {@link EffectiveSteps#STEPS} says. */
        @Override
        protected boolean returnsEqualUpdates() {
            return false;
        }
    }

    private abstract static class OfQFedAvg extends AggregatorContract {
        @Override
        protected ClientUpdate withReports(ClientUpdate update, int client) {
            return update.withMetric(LocalTrainingClient.LOSS_BEFORE, client * 0.3);
        }
    }

    @Nested
    class OfQFedAvgWithoutFairness extends OfQFedAvg {
        @Override
        protected Aggregator create() {
            return QFedAvg.builder().q(0).aggregator().get();
        }
    }

    @Nested
    class OfQFedAvgWithFairness extends OfQFedAvg {
        @Override
        protected Aggregator create() {
            return QFedAvg.builder().q(0.5).aggregator().get();
        }

        /** The larger the change, the more of it is held back. */
        @Override
        protected boolean returnsEqualUpdates() {
            return false;
        }
    }

    @Nested
    class OfScaffold extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return new Scaffold.Rule();
        }

        @Override
        protected ClientUpdate withReports(ClientUpdate update, int client) {
            Model change = ModelGenerator.of(client).nextModerate(SideTensors.specFor(spec()));
            return update.withTensors(Scaffold.CHANGE, change);
        }
    }
}
