package io.fedlearn.aggregators.personal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PartialTransferTest {
    private static final Model GLOBAL = LineModel.start();
    private static final Model TRAINED = LineModel.model(5, 6, 7, 8, 9);
    private static final PartialTransfer WITHOUT_NORM = PartialTransfer.without(TensorSelection.matching("norm.*"));

    private static TransformContext context() {
        return new TransformContext("a", 1, 1, GLOBAL, Optional.empty());
    }

    private static UpdateTransform encoder() {
        return new PartialTransfer.Factory().create(WITHOUT_NORM.atClient().settings());
    }

    private static UpdateTransform decoder() {
        return WITHOUT_NORM.atServer();
    }

    @Test
    void leavesTensorsOutAndPutsTheGlobalModelsIn() {
        ClientUpdate update = ClientUpdate.ofModel(TRAINED, 12)
                .withMetric("loss", 1)
                .withTensors("more", GLOBAL)
                .withValue("x", 1);

        ClientUpdate sent = encoder().apply(update, context());
        ClientUpdate decoded = decoder().apply(sent, context());

        assertThat(sent.model().orElseThrow().spec().tensors())
                .extracting(TensorSpec::name)
                .containsExactly("body.weight", "head.bias");
        assertThat(update.byteCount() - sent.byteCount()).isEqualTo(4 + 4 + 8);
        assertThat(decoded.model()).contains(LineModel.model(5, 0.25f, 7, 0.75f, 3));
        assertThat(decoded.exampleCount()).isEqualTo(12);
        assertThat(decoded.metrics()).isEqualTo(update.metrics());
        assertThat(decoded.tensors()).isEqualTo(update.tensors());
        assertThat(decoded.values()).isEqualTo(update.values());
    }

    @Test
    void putsZerosIntoAModelDelta() {
        ClientUpdate sent = encoder().apply(ClientUpdate.ofModelDelta(TRAINED, 1), context());

        ClientUpdate decoded = decoder().apply(sent, context());

        assertThat(decoded.form()).isEqualTo(UpdateForm.MODEL_DELTA);
        assertThat(decoded.model()).contains(LineModel.model(5, 0, 7, 0, 0));
    }

    @Test
    void rejectsByNameWhatIsNotAsItShouldBe() {
        rejects(ClientUpdate.ofModel(TRAINED, 1), "tensor 'norm.shift' was to be left out");
        rejects(
                ClientUpdate.ofModel(
                        Model.builder()
                                .trainable("body.weight", Tensor.scalar(1f))
                                .build(),
                        1),
                "tensor 'head.bias' is missing");
        rejects(
                ClientUpdate.ofModel(
                        Model.builder().trainable("tail", Tensor.scalar(1f)).build(), 1),
                "tensor 'tail' is not in the global model");
        rejects(ClientUpdate.ofValues(Config.empty()), "the update holds no model");
        rejects(
                ClientUpdate.of(UpdateForm.WEIGHTED_SUM, TRAINED, 1),
                "a WEIGHTED_SUM over several clients is not taken in parts");
    }

    private static void rejects(ClientUpdate update, String message) {
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> decoder().apply(update, context()))
                .withMessage(message);
    }

    @Test
    void refusesSettingsThatItDoesNotKnow() {
        PartialTransfer.Factory factory = new PartialTransfer.Factory();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> factory.create(Config.empty()))
                .withMessage("partial-transfer needs the setting tensors");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> factory.create(Config.empty().with("tensor", "a")))
                .withMessage("partial-transfer has no setting 'tensor'");
        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> factory.create(Config.empty().with("tensors", "tail"))
                        .apply(ClientUpdate.ofModel(TRAINED, 1), context()))
                .withMessageStartingWith("no tensor of the model is 'tail': it has body.weight,");
    }

    @Test
    void leavesTensorsOutOfModelsOnly() {
        Model encoded =
                Model.builder().trainable("norm.code", Tensor.scalar(1f)).build();

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> encoder().apply(ClientUpdate.ofModel(encoded, 1), context()))
                .withMessage("partial-transfer works on a model with the global model's tensors: codecs come after it");
    }

    @Test
    void freezesTensorsThatNobodyKeepsAndSaysWhatItSaved() throws Exception {
        Strategy strategy = WITHOUT_NORM.addedTo(FedAvg.create().toBuilder()).build();

        Run run = Federation.of(Map.of("a", LineModel.site(1), "b", LineModel.site(2)))
                .strategy(strategy)
                .initialModel(GLOBAL)
                .rounds(3)
                .run();

        assertThat(run.model().tensor("norm.shift")).isEqualTo(GLOBAL.tensor("norm.shift"));
        assertThat(run.model().tensor("norm.batches")).isEqualTo(GLOBAL.tensor("norm.batches"));
        assertThat(run.model().tensor("body.weight")).isNotEqualTo(GLOBAL.tensor("body.weight"));
        assertThat(run.records())
                .allSatisfy(record -> assertThat(record.outcomes()).allSatisfy(outcome -> {
                    assertThat(outcome.updateBytes()).isEqualTo(8);
                    assertThat(outcome.savedBytes()).isEqualTo(16);
                }));
        assertThat(run.header().settings().getString("strategy.serverTransforms"))
                .contains("partial-transfer(norm.*)");
    }

    /** How a site may go wrong. */
    enum Wrong {
        SHAPE("tensor 'body.weight' must have shape 1, had 2"),
        ROLE("tensor 'body.weight' must have role TRAINABLE, had BUFFER"),
        TYPE("tensor 'body.weight' must be of type FLOAT32, was FLOAT64"),
        EXTRA("tensor 'norm.shift' was to be left out"),
        NAN("tensor 'body.weight' holds NaN at index 0");

        private final String reason;

        Wrong(String reason) {
            this.reason = reason;
        }

        private Model model() {
            Model.Builder model = Model.builder();
            switch (this) {
                case SHAPE -> model.trainable("body.weight", Tensor.copyOf(new float[2]));
                case ROLE -> model.buffer("body.weight", Tensor.copyOf(new float[1]));
                case TYPE -> model.trainable("body.weight", Tensor.copyOf(new double[1]));
                case NAN -> model.trainable("body.weight", Tensor.copyOf(new float[] {Float.NaN}));
                default ->
                    model.trainable("body.weight", Tensor.copyOf(new float[1]))
                            .trainable("norm.shift", Tensor.copyOf(new float[1]));
            }
            return model.trainable("head.bias", Tensor.copyOf(new float[1])).build();
        }
    }

    @ParameterizedTest
    @EnumSource(Wrong.class)
    void aMalformedRestIsItsSitesOutcome(Wrong wrong) throws Exception {
        Strategy plainClients = FedAvg.create().toBuilder()
                .serverTransform(WITHOUT_NORM::atServer)
                .build();
        Client bad = (task, context) -> ClientUpdate.ofModel(wrong.model(), 1);
        Client good = (task, context) -> encoder().apply(LineModel.site(1).fit(task, context), context());

        Run run = Federation.of(Map.of("bad", bad, "good", good))
                .strategy(plainClients)
                .initialModel(GLOBAL)
                .rounds(1)
                .run();

        assertThat(run.records().get(0).outcomes().get(0).outcome()).isEqualTo("rejected");
        assertThat(run.records().get(0).outcomes().get(0).reason()).isEqualTo(wrong.reason);
        assertThat(run.records().get(0).outcomes().get(1).isCompleted()).isTrue();
    }
}
