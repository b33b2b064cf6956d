package io.fedlearn.aggregators;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.catalogue.MethodCatalogue;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundPolicy;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.testkit.client.DriftClient;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One finite lie that no state of a server optimizer could hold is its sender's outcome, and ends no round. */
class StepLimitTest {
    private static final int LENGTH = 10_001;

    private static Model model(float value) {
        float[] values = new float[LENGTH];
        Arrays.fill(values, 0.5f);
        values[LENGTH - 1] = value;
        return Model.builder().trainable("weight", Tensor.wrap(values)).build();
    }

    private static Run run(Strategy strategy, Client liar) throws InterruptedException {
        return Federation.of(Map.of("a", DriftClient.withExamples(1), "b", liar, "c", DriftClient.withExamples(2)))
                .strategy(strategy)
                .initialModel(model(0.5f))
                .federatedEvaluation(false)
                .policy(RoundPolicy.defaults().withQuorum(2))
                .rounds(2)
                .run();
    }

    @ParameterizedTest
    @ValueSource(strings = {"fedavgm", "fedadagrad", "fedadam", "fedyogi"})
    void rejectsTheLongUpdateAndGoesOn(String method) throws Exception {
        Run run =
                run(MethodCatalogue.parse(method, Map.of()), (task, context) -> ClientUpdate.ofModel(model(1e25f), 3));

        assertThat(run.records())
                .noneMatch(record -> record.isAborted())
                .allSatisfy(record -> assertThat(record.outcomes())
                        .extracting(OutcomeRecord::outcome)
                        .containsExactly("completed", "rejected", "completed"));
        assertThat(run.records().get(0).outcomes().get(1).reason())
                .startsWith("the norm of the model delta must be at most 1.0E15");
    }

    @Test
    void looksAtTheMeanOfAWeightedSum() throws Exception {
        double[] sum = new double[LENGTH];
        Arrays.fill(sum, 1e16);
        Client honest = (task, context) -> ClientUpdate.of(
                UpdateForm.WEIGHTED_SUM,
                Model.builder()
                        .trainable("weight", Tensor.rounded(TensorType.FLOAT64, Shape.of(LENGTH), sum))
                        .build(),
                10_000_000_000L);
        Client lying = (task, context) -> ClientUpdate.of(
                UpdateForm.WEIGHTED_SUM,
                Model.builder()
                        .trainable("weight", Tensor.rounded(TensorType.FLOAT64, Shape.of(LENGTH), sum))
                        .build(),
                2);

        assertThat(run(FedAdam.create(), honest)
                        .records()
                        .get(0)
                        .outcomes()
                        .get(1)
                        .outcome())
                .isEqualTo("completed");
        assertThat(run(FedAdam.create(), lying)
                        .records()
                        .get(0)
                        .outcomes()
                        .get(1)
                        .outcome())
                .isEqualTo("rejected");
    }

    @Test
    void takesAnUpdateThatIsLongAndWithinReason() throws Exception {
        Run run = run(FedAdam.create(), (task, context) -> ClientUpdate.ofModel(model(1e14f), 3));

        assertThat(run.records())
                .allSatisfy(record -> assertThat(record.outcomes()).allMatch(OutcomeRecord::isCompleted));
    }
}
