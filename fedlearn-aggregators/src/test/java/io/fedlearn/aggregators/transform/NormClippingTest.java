package io.fedlearn.aggregators.transform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import java.util.Optional;
import java.util.Random;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NormClippingTest {
    private final NormClipping clipping = NormClipping.withClippingNorm(1);

    @Test
    void shortensAModelsWayFromTheGlobalModel() {
        Model global = model(1, 2, 10, 5);

        ClientUpdate clipped = clipping.apply(ClientUpdate.ofModel(model(4, 6, 77, 9), 3), context(global));

        assertThat(clipped.model().orElseThrow()).isEqualTo(model(1 + 3 / 5f, 2 + 4 / 5f, 77, 9));
        assertThat(clipped.form()).isEqualTo(UpdateForm.MODEL);
        assertThat(clipped.exampleCount()).isEqualTo(3);
    }

    @Test
    void shortensAModelDelta() {
        ClientUpdate clipped =
                clipping.apply(ClientUpdate.ofModelDelta(model(-3, 4, 77, 9), 3), context(model(1, 2, 10, 5)));

        assertThat(clipped.model().orElseThrow()).isEqualTo(model(-3 / 5f, 4 / 5f, 77, 9));
        assertThat(clipped.form()).isEqualTo(UpdateForm.MODEL_DELTA);
    }

    @Test
    void returnsAnUpdateWithinTheNormAsItCame() {
        ClientUpdate onTheNorm = ClientUpdate.ofModelDelta(model(0, -1, 1e9f, 9), 3);
        ClientUpdate still = ClientUpdate.ofModel(model(1, 2, 10, 5), 3);

        assertThat(clipping.apply(onTheNorm, context(model(1, 2, 10, 5)))).isSameAs(onTheNorm);
        assertThat(clipping.apply(still, context(model(1, 2, 10, 5)))).isSameAs(still);
    }

    @Test
    void takesAllTrainablesTogetherOverManyBlocks() {
        Random random = new Random(1);
        float[] first = new float[20_003];
        double[] second = new double[9_001];
        double squares = 0;
        for (int i = 0; i < first.length; i++) {
            first[i] = (float) random.nextGaussian();
            squares += (double) first[i] * first[i];
        }
        for (int i = 0; i < second.length; i++) {
            second[i] = random.nextGaussian();
            squares += second[i] * second[i];
        }
        Model modelDelta = Model.builder()
                .trainable("a", Tensor.copyOf(first))
                .trainable("b", Tensor.copyOf(second))
                .build();

        Model clipped = clipping.apply(
                        ClientUpdate.ofModelDelta(modelDelta, 1), context(Model.zeros(modelDelta.spec())))
                .model()
                .orElseThrow();

        double factor = 1 / Math.sqrt(squares);
        double norm = 0;
        for (int i = 0; i < first.length; i++) {
            double value = clipped.tensor("a").get(i);
            assertThat(value).isCloseTo(first[i] * factor, within(1e-8));
            norm += value * value;
        }
        for (int i = 0; i < second.length; i++) {
            double value = clipped.tensor("b").get(i);
            assertThat(value).isCloseTo(second[i] * factor, within(1e-15));
            norm += value * value;
        }
        assertThat(Math.sqrt(norm)).isCloseTo(1, within(1e-7));
    }

    @Test
    void refusesWhatHasNoModelDeltaOfOneClient() {
        Model global =
                Model.builder().trainable("w", Tensor.copyOf(new double[] {1})).build();

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> clipping.apply(ClientUpdate.ofValues(Config.empty()), context(global)));
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> clipping.apply(ClientUpdate.of(UpdateForm.WEIGHTED_SUM, global, 5), context(global)))
                .withMessageContaining("WEIGHTED_SUM");
    }

    @Test
    void namesATensorThatTheGlobalModelDoesNotHave() {
        Model global =
                Model.builder().trainable("w", Tensor.copyOf(new double[] {1})).build();
        Model renamed =
                Model.builder().trainable("x", Tensor.copyOf(new double[] {1})).build();
        Model longer = Model.builder()
                .trainable("w", Tensor.copyOf(new double[] {1, 2}))
                .build();

        for (Model model : new Model[] {renamed, longer}) {
            assertThatExceptionOfType(InvalidUpdateException.class)
                    .isThrownBy(() -> clipping.apply(ClientUpdate.ofModel(model, 5), context(global)))
                    .satisfies(e -> assertThat(e.tensor())
                            .contains(model.spec().tensors().get(0).name()));
        }
    }

    @Test
    void refusesANormThatIsNotFinite() {
        Model huge = Model.builder()
                .trainable("w", Tensor.copyOf(new double[] {1e200}))
                .build();

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> clipping.apply(ClientUpdate.ofModelDelta(huge, 5), context(huge)))
                .withMessageContaining("norm");
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
    void refusesANormOutOfRange(double norm) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> NormClipping.withClippingNorm(norm))
                .withMessage("clippingNorm must be > 0 and finite, was " + norm);
        assertThatIllegalArgumentException().isThrownBy(() -> NormClipping.atClient(norm));
    }

    @Test
    void isFoundByTheNameThatATaskGives() {
        TransformSpec told = NormClipping.atClient(1.5);

        UpdateTransform.Factory factory = ServiceLoader.load(UpdateTransform.Factory.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(candidate -> candidate.name().equals(told.name()))
                .findFirst()
                .orElseThrow();

        assertThat(factory.create(told.settings()).description()).isEqualTo("norm-clipping(clippingNorm=1.5)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> factory.create(Config.empty()))
                .withMessageContaining("clippingNorm");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> factory.create(told.settings().with("norm", 1)))
                .withMessageContaining("'norm'");
    }

    @Test
    void goesIntoBothChainsOfAStrategy() {
        Strategy strategy = FedAvg.create().toBuilder()
                .clientTransform(NormClipping.atClient(2))
                .serverTransform(() -> NormClipping.withClippingNorm(3))
                .build();

        assertThat(strategy.requirements()).containsExactly(Capability.CLIENT_TRANSFORMS);
        assertThat(strategy.settings().getString("serverTransforms")).contains("norm-clipping(clippingNorm=3.0)");
        assertThat(strategy.start(Config.empty()).clientTransforms()).containsExactly(NormClipping.atClient(2));
    }

    private static TransformContext context(Model global) {
        return new TransformContext("a", 1, 0, global, Optional.empty());
    }

    private static Model model(float first, float second, float buffer, long counter) {
        return Model.builder()
                .trainable("w", Tensor.copyOf(new float[] {first}))
                .buffer("mean", Tensor.scalar(buffer))
                .trainable("b", Tensor.scalar(second))
                .counter("batches", Tensor.scalar(counter))
                .build();
    }
}
