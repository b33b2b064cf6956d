package io.fedlearn.aggregators.transform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.UpdateTransform;
import io.fedlearn.testkit.generator.ModelGenerator;
import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What all codecs have in common. */
class CodecTest {
    static List<Codec> codecs() {
        return List.of(
                ReducedPrecision.float16(),
                ReducedPrecision.bfloat16(),
                StochasticQuantization.create(),
                TopK.withShare(0.2),
                TopK.withShare(0.2).withoutErrorFeedback(),
                RandomMask.withShare(0.5),
                RandomMask.withShare(0.5).unscaled());
    }

    private static Model decoded(Codec codec, ClientUpdate update, Model global) {
        return Codecs.decode(codec, Codecs.encode(codec, update, global, 3), global)
                .model()
                .orElseThrow();
    }

    /** Values whose differences and sums float64 holds exactly. */
    private static Model grid(Model model) {
        Model.Builder builder = Model.builder();
        for (int t = 0; t < model.spec().size(); t++) {
            Tensor tensor = model.tensors().get(t);
            double[] values = tensor.toDoubleArray();
            if (tensor.type().isFloating()) {
                for (int i = 0; i < values.length; i++) {
                    values[i] = Math.rint(16 * values[i]) / 16;
                }
            }
            builder.add(
                    model.spec().tensors().get(t).name(),
                    tensor.type().isFloating() ? Tensor.rounded(tensor.type(), tensor.shape(), values) : tensor,
                    model.spec().tensors().get(t).role());
        }
        return builder.build();
    }

    @ParameterizedTest
    @MethodSource("codecs")
    void encodesAModelAsItsDifferenceToTheGlobalOne(Codec codec) {
        Model global = grid(ModelGenerator.of(1).nextModerate(ModelGenerator.networkSpec()));
        Model mine = grid(ModelGenerator.of(2).nextModerate(global.spec()));
        Model.Builder delta = Model.builder();
        for (int t = 0; t < global.spec().size(); t++) {
            double[] difference = mine.tensors().get(t).toDoubleArray();
            for (int i = 0; i < difference.length; i++) {
                difference[i] -= global.tensors().get(t).get(i);
            }
            delta.add(
                    global.spec().tensors().get(t).name(),
                    Tensor.rounded(
                            global.spec().tensors().get(t).type(),
                            global.spec().tensors().get(t).shape(),
                            difference),
                    global.spec().tensors().get(t).role());
        }

        ClientUpdate encoded = Codecs.encode(codec, ClientUpdate.ofModel(mine, 9), global, 3);

        assertThat(encoded.form()).isEqualTo(UpdateForm.MODEL_DELTA);
        assertThat(encoded.exampleCount()).isEqualTo(9);
        assertThat(decoded(codec, ClientUpdate.ofModel(mine, 9), global))
                .isEqualTo(decoded(codec, ClientUpdate.ofModelDelta(delta.build(), 9), global));
    }

    @ParameterizedTest
    @MethodSource("codecs")
    void givesEveryTypeAndShapeBack(Codec codec) {
        Model global = ModelGenerator.of(1).nextModerate(ModelGenerator.everyTypeSpec());

        Model still = decoded(codec, ClientUpdate.ofModel(global, 1), global);

        assertThat(still).isEqualTo(Model.zeros(global.spec()));
    }

    @ParameterizedTest
    @MethodSource("codecs")
    void leavesIntegersAndTensorsBesideTheModelAlone(Codec codec) {
        Model global = Model.builder()
                .trainable("w", Tensor.copyOf(new float[] {1, 2}))
                .counter("up", Tensor.scalar(5L))
                .buffer("down", Tensor.copyOf(new int[] {7, 8}))
                .build();
        Model mine = Model.builder()
                .trainable("w", Tensor.copyOf(new float[] {1, 2}))
                .counter("up", Tensor.scalar(9L))
                .buffer("down", Tensor.copyOf(new int[] {-7, Integer.MAX_VALUE}))
                .build();
        Model beside = Model.builder()
                .trainable("w", Tensor.copyOf(new float[] {0.1f, 1e-9f}))
                .build();

        ClientUpdate encoded = Codecs.encode(
                codec,
                ClientUpdate.ofModel(mine, 1).withTensors("control", beside).withMetric("loss", 2),
                global,
                3);
        ClientUpdate decoded = Codecs.decode(codec, encoded, global);

        assertThat(encoded.tensors().get("control")).isSameAs(beside);
        assertThat(decoded.tensors()).containsOnlyKeys("control");
        assertThat(decoded.metrics().get("loss")).hasValue(2);
        assertThat(decoded.model().orElseThrow().tensor("up").get(0)).isEqualTo(4);
        assertThat(decoded.model().orElseThrow().tensor("down").toLongArray())
                .containsExactly(-14, Integer.MAX_VALUE - 8);
    }

    @ParameterizedTest
    @MethodSource("codecs")
    void refusesAnIntegerWhoseDifferenceItsTypeCannotHold(Codec codec) {
        record Change(TensorType type, long before, long after) {}
        for (Change change : List.of(
                new Change(TensorType.UINT8, 3, 2),
                new Change(TensorType.BOOL, 1, 0),
                new Change(TensorType.INT8, -100, 100),
                new Change(TensorType.UINT64, -1, 0),
                new Change(TensorType.INT64, Long.MIN_VALUE, 0),
                new Change(TensorType.INT64, Long.MAX_VALUE, -2))) {
            assertThatExceptionOfType(InvalidUpdateException.class)
                    .isThrownBy(() -> decoded(
                            codec,
                            ClientUpdate.ofModel(integer(change.type(), change.after()), 1),
                            integer(change.type(), change.before())))
                    .withMessageContaining("tensor 'n' changed by more than its type can say");
        }
        assertThat(decoded(
                                codec,
                                ClientUpdate.ofModel(integer(TensorType.UINT64, -1), 1),
                                integer(TensorType.UINT64, 0))
                        .tensor("n")
                        .toLongArray())
                .containsExactly(-1);
        assertThat(decoded(
                                codec,
                                ClientUpdate.ofModel(integer(TensorType.INT64, -1), 1),
                                integer(TensorType.INT64, Long.MAX_VALUE))
                        .tensor("n")
                        .toLongArray())
                .containsExactly(Long.MIN_VALUE);
    }

    private static Model integer(TensorType type, long value) {
        return Model.builder()
                .buffer("n", Tensor.ofIntegers(type, Shape.of(1), new long[] {value}))
                .build();
    }

    @ParameterizedTest
    @MethodSource("codecs")
    void refusesToEncodeWhatIsNoUpdateOfTheGlobalModel(Codec codec) {
        Model global = Codecs.model(1, 2);

        for (ClientUpdate update : List.of(
                ClientUpdate.ofValues(Config.empty()),
                ClientUpdate.of(UpdateForm.WEIGHTED_SUM, global, 5),
                ClientUpdate.ofModel(Codecs.model(1, 2, 3), 5),
                ClientUpdate.ofModel(
                        Model.builder()
                                .trainable("w", Tensor.copyOf(new double[] {1, 2}))
                                .build(),
                        5),
                ClientUpdate.ofModel(
                        Model.builder()
                                .trainable("x", Tensor.copyOf(new float[] {1, 2}))
                                .build(),
                        5))) {
            assertThatExceptionOfType(InvalidUpdateException.class)
                    .isThrownBy(() -> Codecs.encode(codec, update, global, 3));
        }
    }

    @ParameterizedTest
    @MethodSource("codecs")
    void isFoundByTheNameThatATaskGives(Codec codec) {
        UpdateTransform.Factory factory = ServiceLoader.load(UpdateTransform.Factory.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(candidate -> candidate.name().equals(codec.encoder().name()))
                .findFirst()
                .orElseThrow();

        assertThat(factory.create(codec.encoder().settings()).description())
                .isEqualTo(codec.toString())
                .isEqualTo(codec.decoder().description());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> factory.create(Config.empty()))
                .withMessageContaining("needs the setting");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> factory.create(codec.encoder().settings().with("colour", 1)))
                .withMessageContaining("'colour'");
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -0.1, 1.0001, Double.NaN, Double.POSITIVE_INFINITY})
    void refusesAShareOutOfRange(double share) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TopK.withShare(share))
                .withMessage("share must be in (0, 1], was " + share);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RandomMask.withShare(share))
                .withMessage("share must be in (0, 1], was " + share);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, StochasticQuantization.MAX_BLOCK_SIZE + 1, Integer.MIN_VALUE})
    void refusesABlockSizeOutOfRange(int blockSize) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> StochasticQuantization.withBlockSize(blockSize))
                .withMessageContaining("blockSize must be")
                .withMessageContaining("was " + blockSize);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new StochasticQuantization.Factory()
                        .create(Config.empty().with(StochasticQuantization.BLOCK_SIZE, blockSize)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new StochasticQuantization.Factory()
                        .create(Config.empty().with(StochasticQuantization.BLOCK_SIZE, 1L << 32 | 64)));
    }

    @Test
    void refusesAnUnknownType() {
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        new ReducedPrecision.Factory().create(Config.empty().with(ReducedPrecision.TYPE, "FLOAT8")))
                .withMessage("type must be FLOAT16 or BFLOAT16, was 'FLOAT8'");
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 2e38f, 3.4e38f})
    void refusesWhatItCannotHold(float value) {
        for (Codec codec : List.of(ReducedPrecision.float16(), StochasticQuantization.create())) {
            assertThatExceptionOfType(InvalidUpdateException.class)
                    .isThrownBy(() -> Codecs.encode(
                            codec, ClientUpdate.ofModelDelta(Codecs.model(1, value, 2), 1), Codecs.model(0, 0, 0), 3))
                    .satisfies(e -> assertThat(e.tensor()).contains("w"));
        }
    }
}
