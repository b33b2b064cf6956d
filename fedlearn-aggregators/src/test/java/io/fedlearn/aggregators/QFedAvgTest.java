package io.fedlearn.aggregators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.core.update.InvalidUpdateException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QFedAvgTest {
    private static final Model GLOBAL = model(1, -1, 10);

    private static Model model(double first, double second, float buffer) {
        return Model.builder()
                .trainable("weights", Tensor.copyOf(new double[] {first, second}))
                .buffer("mean", Tensor.scalar(buffer))
                .build();
    }

    private static WeightedUpdate update(String id, double weight, double loss, Model model) {
        return new WeightedUpdate(
                id, ClientUpdate.ofModel(model, 5).withMetric(LocalTrainingClient.LOSS_BEFORE, loss), weight);
    }

    private static Aggregate aggregate(double q, double learningRate, WeightedUpdate... updates) {
        Aggregator.Streaming rule =
                (Aggregator.Streaming) QFedAvg.builder().q(q).aggregator().get();
        rule.configure(
                TrainingSettings.defaults().withLearningRate(learningRate).toConfig());
        rule.begin(GLOBAL);
        rule.accumulate(List.of(updates));
        return rule.finish();
    }

    @Test
    void movesByTheEquation() {
        double q = 2;
        double l = 1 / 0.25;
        Aggregate aggregate =
                aggregate(q, 0.25, update("a", 1, 0.5, model(1.5, -1, 20)), update("b", 1, 3, model(0, 1, 40)));

        double a = 0.5 + 1e-10;
        double b = 3 + 1e-10;
        double h = q * a * l * l * 0.25 + l * a * a + q * b * l * l * (1 + 4) + l * b * b;
        assertThat(aggregate.values(0)[0])
                .isCloseTo(1 - (a * a * l * (1 - 1.5) + b * b * l * (1 - 0)) / h, within(1e-14));
        assertThat(aggregate.values(0)[1]).isCloseTo(-1 - (b * b * l * (-1 - 1)) / h, within(1e-14));
        assertThat(aggregate.values(1)[0]).as("a buffer is averaged").isEqualTo(30);
    }

    @Test
    void isTheUniformMeanWhereQIs0() {
        Aggregate aggregate =
                aggregate(0, 0.01, update("a", 1, 0, model(2, -1, 20)), update("b", 1, 1e6, model(0.5, 3, 40)));

        assertThat(aggregate.values(0)).containsExactly(1.25, 1);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.001, 0.5, 0.999, 1, 5, 15})
    void isDefinedWhereALossIs0(double q) {
        Model moved = model(1.001, -1, 10);

        Aggregate alone = aggregate(q, 0.1, update("a", 1, 0, moved));
        Aggregate both = aggregate(q, 0.1, update("a", 1, 0, moved), update("b", 1, 1, model(2, -1, 10)));

        assertThat(alone.values(0)[0]).isBetween(1.0, 1.001);
        assertThat(both.values(0)[0]).isBetween(1.0, 2.0);
    }

    @Test
    void clientThatLosesMoreCountsForMore() {
        double last = 0.5;
        for (double q : new double[] {0.5, 1, 2, 5}) {
            Aggregate aggregate = aggregate(
                    q, 0.1, update("a", 1, 1, model(1 + 1e-6, -1, 10)), update("b", 1, 2, model(1, -1 + 1e-6, 10)));
            double a = aggregate.values(0)[0] - 1;
            double b = aggregate.values(0)[1] + 1;
            assertThat(b / (a + b)).isGreaterThan(last);
            last = b / (a + b);
        }
    }

    @Test
    void readsTheLossBeforeTrainingAndNoOther() {
        WeightedUpdate update = update("a", 1, 0.5, model(1.5, -1, 20));
        WeightedUpdate withTrainingLoss =
                new WeightedUpdate("a", update.update().withMetric("loss", 77), 1);

        assertThat(aggregate(1, 0.1, withTrainingLoss).values(0))
                .isEqualTo(aggregate(1, 0.1, update).values(0));
    }

    @ParameterizedTest
    @ValueSource(doubles = {-1e-300, -1, 1e6 + 1, 1e149})
    void rejectsALossOutOfRange(double loss) {
        Aggregator rule = QFedAvg.builder().aggregator().get();

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> rule.check(update("a", 1, loss, GLOBAL).update(), GLOBAL.spec()))
                .withMessage("metric 'lossBefore' must be in [0, 1000000.0], was " + loss);
    }

    @Test
    void rejectsAnUpdateWithoutTheLossBefore() {
        Aggregator rule = QFedAvg.builder().aggregator().get();
        ClientUpdate update = ClientUpdate.ofModel(GLOBAL, 5).withMetric("loss", 0.5);

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> rule.check(update, GLOBAL.spec()))
                .withMessage("metric 'lossBefore' is missing, which q-FedAvg needs");
        ClientUpdate sum = update("a", 1, 1, GLOBAL).update().withModel(UpdateForm.WEIGHTED_SUM, GLOBAL);
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> rule.check(sum, GLOBAL.spec()))
                .withMessageContaining("WEIGHTED_SUM");
    }

    @Test
    void survivesTheMostHostileReportsInRange() {
        Aggregator.Streaming rule = (Aggregator.Streaming)
                QFedAvg.builder().q(QFedAvg.MOST_Q).aggregator().get();
        rule.begin(GLOBAL);
        rule.accumulate(List.of(
                update("a", 1, 0, model(1e150, -1e150, 10)),
                update("b", 1L << 40, QFedAvg.DEFAULT_MAX_LOSS, model(-1e150, 2, 10))));

        // The huge norm divides: who goes that far holds everybody back, and cannot end the round.
        assertThat(rule.finish().values(0)).containsExactly(1, -1);
    }

    @Test
    void refusesSettingsOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> QFedAvg.withQ(-0.1))
                .withMessage("q must be in [0.0, 15.0], was -0.1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> QFedAvg.withQ(Double.NaN))
                .withMessage("q must be in [0.0, 15.0], was NaN");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> QFedAvg.builder().maxLoss(0).build())
                .withMessage("maxLoss must be > 0 and finite, was 0.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> QFedAvg.builder().q(10).maxLoss(1e11).build())
                .withMessageContaining("maxLoss^q must be in [0.0, 1.0E100], was 1.0");
    }

    @Test
    void asksClientsForTheLossBeforeTrainingAndCountsThemAlike() {
        Strategy strategy = QFedAvg.create();

        assertThat(strategy.name()).isEqualTo("q-FedAvg");
        assertThat(strategy.clientConfig().getBoolean(LocalTrainingClient.REPORT_LOSS_BEFORE))
                .contains(true);
        assertThat(strategy.requirements()).containsExactly(Capability.TRAINING_SETTINGS);
        assertThat(strategy.settings().getDouble("q")).contains(QFedAvg.DEFAULT_Q);
        assertThat(strategy.settings().getDouble("maxLoss")).contains(QFedAvg.DEFAULT_MAX_LOSS);
        assertThat(strategy.settings().getString("weighting")).contains("uniform");
    }
}
