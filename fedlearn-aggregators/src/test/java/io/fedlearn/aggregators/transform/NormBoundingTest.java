package io.fedlearn.aggregators.transform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import io.fedlearn.testkit.contract.TransformContract;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NormBoundingTest {
    private final NormBounding bounding = NormBounding.withMaxNorm(5);

    @Nested
    class AtTheServer extends TransformContract {
        @Override
        protected UpdateTransform create() {
            return NormBounding.withMaxNorm(1e9);
        }

        @Override
        protected boolean runsAtClient() {
            return false;
        }
    }

    @Test
    void takesAnUpdateOnTheBoundAsItCame() {
        ClientUpdate model = ClientUpdate.ofModel(model(4, 6, 1e9f), 3);
        ClientUpdate modelDelta = ClientUpdate.ofModelDelta(model(-3, 4, 1e9f), 3);

        assertThat(bounding.apply(model, context(model(1, 2, 10)))).isSameAs(model);
        assertThat(bounding.apply(modelDelta, context(model(1, 2, 10)))).isSameAs(modelDelta);
    }

    @Test
    void rejectsAnUpdateBeyondTheBoundWithNormAndBound() {
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> bounding.apply(ClientUpdate.ofModel(model(7, 10, 10), 3), context(model(1, 2, 10))))
                .withMessage("the norm of the model delta must be at most 5.0 (maxNorm), was 10.0");
    }

    @Test
    void rejectsANormThatIsNotFinite() {
        Model huge = Model.builder()
                .trainable("w", Tensor.copyOf(new double[] {1e200}))
                .build();

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> bounding.apply(ClientUpdate.ofModelDelta(huge, 5), context(huge)))
                .withMessageContaining("Infinity");
    }

    @Test
    void rejectsASumOverSeveralClients() {
        Model sum =
                Model.builder().trainable("w", Tensor.copyOf(new double[] {1})).build();

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> bounding.apply(ClientUpdate.of(UpdateForm.WEIGHTED_SUM, sum, 5), context(sum)))
                .withMessageContaining("WEIGHTED_SUM");
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
    void refusesABoundOutOfRange(double bound) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> NormBounding.withMaxNorm(bound))
                .withMessage("maxNorm must be > 0 and finite, was " + bound);
    }

    @Test
    void roundGoesOnWithoutTheClientThatIsRejected() throws Exception {
        Client honest = (task, context) -> ClientUpdate.ofModel(model(4, 6, 10), 1);
        Client hostile = (task, context) -> ClientUpdate.ofModel(model(1e30f, 6, 10), 1_000_000);

        Run run = Federation.of(Map.of("a", honest, "b", hostile, "c", honest))
                .strategy(FedAvg.create().toBuilder()
                        .serverTransform(() -> NormBounding.withMaxNorm(5))
                        .build())
                .initialModel(model(1, 2, 10))
                .rounds(1)
                .federatedEvaluation(false)
                .run();

        OutcomeRecord outcome = run.records().get(0).outcomes().get(1);
        assertThat(outcome.outcome()).isEqualTo("rejected");
        assertThat(outcome.reason()).contains("at most 5.0");
        assertThat(run.model()).isEqualTo(model(4, 6, 10));
        assertThat(run.header().settings().toString()).contains("norm-bounding(maxNorm=5.0)");
    }

    private static TransformContext context(Model global) {
        return new TransformContext("a", 1, 0, global, Optional.empty());
    }

    private static Model model(float first, float second, float buffer) {
        return Model.builder()
                .trainable("w", Tensor.copyOf(new float[] {first}))
                .buffer("mean", Tensor.scalar(buffer))
                .trainable("b", Tensor.scalar(second))
                .build();
    }
}
