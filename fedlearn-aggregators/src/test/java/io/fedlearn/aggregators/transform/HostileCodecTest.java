package io.fedlearn.aggregators.transform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorData;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Decoders get what no encoder would send: each is refused by name, and the round goes on. */
class HostileCodecTest {
    private static final Model GLOBAL = Model.builder()
            .trainable("w", Tensor.copyOf(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 2, 5))
            .buffer("mean", Tensor.copyOf(new float[] {1, 2}))
            .counter("batches", Tensor.scalar(3L))
            .build();
    private static final Model DELTA = Model.builder()
            .trainable("w", Tensor.copyOf(new float[] {1, -2, 3, -4, 5, -6, 7, -8, 9, -10}, 2, 5))
            .buffer("mean", Tensor.copyOf(new float[] {1, 2}))
            .counter("batches", Tensor.scalar(1L))
            .build();

    private static final Codec HALF = ReducedPrecision.float16();
    private static final Codec INT8 = StochasticQuantization.withBlockSize(4);
    private static final Codec TOP = TopK.withShare(0.3);
    private static final Codec MASK = RandomMask.withShare(0.5);

    /** A lie, and what the refusal must say. */
    record Lie(String name, Codec codec, ClientUpdate update, String reason) {
        @Override
        public String toString() {
            return codec.encoder().name() + ": " + name;
        }
    }

    private static ClientUpdate honest(Codec codec) {
        return Codecs.encode(codec, ClientUpdate.ofModelDelta(DELTA, 5), GLOBAL, 11);
    }

    /** The honest update with another tensor of this name, or with one more. */
    private static ClientUpdate replaced(Codec codec, String name, Tensor tensor) {
        return withModel(codec, replaced(honest(codec).model().orElseThrow(), name, tensor));
    }

    private static ClientUpdate withModel(Codec codec, Model model) {
        ClientUpdate honest = honest(codec);
        return honest.withModel(honest.form(), model);
    }

    private static Model replaced(Model model, String name, Tensor tensor) {
        Model.Builder builder = Model.builder();
        for (int i = 0; i < model.spec().size(); i++) {
            String own = model.spec().tensors().get(i).name();
            if (!own.equals(name)) {
                builder.add(
                        own,
                        model.tensors().get(i),
                        model.spec().tensors().get(i).role());
            } else if (tensor.type().isFloating()) {
                builder.add(own, tensor, model.spec().tensors().get(i).role());
            } else {
                builder.buffer(own, tensor);
            }
        }
        if (model.find(name).isEmpty()) {
            builder.buffer(name, tensor);
        }
        return builder.build();
    }

    private static ClientUpdate side(Codec codec, String name, Tensor tensor) {
        ClientUpdate honest = honest(codec);
        String group = codec.encoder().name();
        return honest.withTensors(
                group, replaced(Objects.requireNonNull(honest.tensors().get(group)), name, tensor));
    }

    private static Tensor bytes(int... values) {
        return integers(TensorType.UINT8, values);
    }

    private static Tensor integers(TensorType type, int... values) {
        long[] wide = new long[values.length];
        for (int i = 0; i < values.length; i++) {
            wide[i] = values[i];
        }
        return Tensor.ofIntegers(type, Shape.of(values.length), wide);
    }

    private static Tensor floats(float... values) {
        return Tensor.copyOf(values);
    }

    /** A tensor that says it is long, of which nothing may be read. */
    private static Tensor boundless(TensorType type, long elements) {
        return Tensor.of(type, Shape.of(elements), new TensorData() {
            @Override
            public void read(long byteOffset, ByteBuffer target) {
                throw new AssertionError("nothing of an absurdly long tensor may be read");
            }
        });
    }

    static List<Lie> lies() {
        List<Lie> lies = new ArrayList<>();
        for (Codec codec : List.of(HALF, INT8, TOP, MASK)) {
            lies.add(new Lie("no model", codec, ClientUpdate.ofValues(Config.empty()), "holds no model"));
            lies.add(new Lie("a model", codec, ClientUpdate.ofModel(GLOBAL, 5), "must be a MODEL_DELTA"));
            lies.add(new Lie(
                    "an unknown tensor", codec, replaced(codec, "x", floats(1)), "'x' is not in the global model"));
            lies.add(new Lie(
                    "an absurd length",
                    codec,
                    replaced(codec, "w", boundless(TensorType.FLOAT32, 1L << 40)),
                    "'w' must have at most 10 elements"));
            if (codec != HALF) {
                lies.add(new Lie(
                        "no tensors beside the model",
                        codec,
                        honest(codec).withoutTensors(codec.encoder().name()),
                        "holds no tensors '" + codec.encoder().name() + "'"));
            }
        }
        lies.add(new Lie("a wrong type", HALF, replaced(HALF, "w", bytes(new int[10])), "'w' must be of type FLOAT16"));
        lies.add(new Lie(
                "an infinity",
                HALF,
                replaced(HALF, "w", Tensor.wrap(TensorType.FLOAT16, Shape.of(1), new byte[] {0, 0x7c})),
                "'w' holds a value that is not finite"));

        lies.add(new Lie("a wrong type", INT8, replaced(INT8, "w", floats(new float[10])), "'w' must be of type INT8"));
        lies.add(new Lie("too few scales", INT8, side(INT8, "w", floats(1, 1)), "'w' must have 3 scales, had 2"));
        lies.add(new Lie(
                "absurdly many scales",
                INT8,
                side(INT8, "w", boundless(TensorType.FLOAT32, 1L << 40)),
                "'w' must have 3 scales"));
        lies.add(new Lie("a negative scale", INT8, side(INT8, "w", floats(1, -1, 1)), "'w' has a scale"));
        lies.add(new Lie("no number", INT8, side(INT8, "w", floats(1, Float.NaN, 1)), "'w' has a scale"));
        lies.add(new Lie(
                "an infinite scale", INT8, side(INT8, "w", floats(Float.POSITIVE_INFINITY, 1, 1)), "'w' has a scale"));
        lies.add(new Lie("a vast scale", INT8, side(INT8, "w", floats(3e38f, 1, 1)), "'w' has a scale"));
        lies.add(new Lie(
                "wide scales",
                INT8,
                side(INT8, "w", Tensor.copyOf(new double[] {1, 1, 1})),
                "must be of type [FLOAT32], was FLOAT64"));
        lies.add(new Lie(
                "square scales",
                INT8,
                side(INT8, "w", Tensor.copyOf(new float[] {1, 1, 1}, 3, 1)),
                "must have one dimension"));
        lies.add(new Lie("scales for nothing", INT8, side(INT8, "x", floats(1)), "must be 2, were 3"));

        // Three of ten values, so three distances and one to the end.
        lies.add(new Lie("a place beyond the end", TOP, side(TOP, "w", bytes(0, 0, 9, 0)), "'w' has a place"));
        lies.add(new Lie("an end beyond the end", TOP, side(TOP, "w", bytes(0, 0, 0, 8)), "'w' has a place"));
        lies.add(new Lie(
                "the largest distances",
                TOP,
                side(TOP, "w", Tensor.ofIntegers(TensorType.UINT32, Shape.of(4), new long[] {
                    0xffffffffL, 0xffffffffL, 0xffffffffL, 0xffffffffL
                })),
                "'w' has a place"));
        lies.add(new Lie(
                "negative distances",
                TOP,
                side(TOP, "w", integers(TensorType.INT32, 3, -2, 5, 0)),
                "must be of type [UINT8, UINT16, UINT32], was INT32"));
        lies.add(new Lie("too few distances", TOP, side(TOP, "w", bytes(0, 0, 7)), "'w' must have 4 distances"));
        lies.add(new Lie(
                "absurdly many distances",
                TOP,
                side(TOP, "w", boundless(TensorType.UINT8, 1L << 40)),
                "'w' must have 4 distances"));
        lies.add(new Lie(
                "too few values",
                TOP,
                replaced(TOP, "w", floats(1, 2)).withTensors(TopK.NAME, model("w", bytes(0, 0, 8))),
                "'w' must have 3 values, had 2"));
        lies.add(new Lie(
                "whole numbers",
                TOP,
                replaced(TOP, "w", Tensor.copyOf(new long[] {Long.MAX_VALUE, 1, 1})),
                "'w' must be of a floating-point type"));
        lies.add(new Lie("places for nothing", TOP, side(TOP, "x", bytes(0)), "must be 1, were 2"));

        lies.add(
                new Lie("another number of values", MASK, replaced(MASK, "w", floats(new float[10])), "'w' must have"));
        lies.add(new Lie(
                "whole numbers",
                MASK,
                replaced(MASK, "w", Tensor.copyOf(new long[] {Long.MAX_VALUE})),
                "'w' must be of a floating-point type"));
        lies.add(new Lie(
                "no seed",
                MASK,
                honest(MASK).withTensors(RandomMask.NAME, model("x", Tensor.copyOf(new long[] {1}))),
                "'seed' is missing"));
        lies.add(new Lie(
                "a short seed",
                MASK,
                side(MASK, "seed", integers(TensorType.INT32, 7)),
                "must be of type [INT64], was INT32"));
        lies.add(new Lie(
                "absurdly many lengths",
                MASK,
                side(MASK, "seed", boundless(TensorType.INT64, 1L << 40)),
                "must have 1 or 2 elements"));
        for (long length : new long[] {-1, 11, Long.MAX_VALUE}) {
            lies.add(new Lie(
                    "length " + length,
                    MASK,
                    side(MASK, "seed", Tensor.copyOf(new long[] {1, length})),
                    "'w' must have had 0 to 10 elements, had " + length));
        }
        return lies;
    }

    private static Model model(String name, Tensor tensor) {
        return Model.builder().buffer(name, tensor).build();
    }

    @ParameterizedTest
    @MethodSource("lies")
    void refusesALieByName(Lie lie) {
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> Codecs.decode(lie.codec(), lie.update(), GLOBAL))
                .withMessageContaining(lie.reason());
    }

    /** Answers every task with what it was made with, added to nothing. */
    private record Answering(ClientUpdate update) implements Client {
        @Override
        public ClientUpdate fit(Task task, TaskContext context) {
            return update;
        }

        @Override
        public ClientUpdate evaluate(Task task, TaskContext context) {
            throw new IllegalStateException("is not asked to");
        }
    }

    @Test
    void theRoundGoesOnWithTheHonestClients() throws Exception {
        for (Codec codec : List.of(HALF, INT8, TOP, MASK)) {
            Map<String, Client> clients = new TreeMap<>();
            clients.put("honest", new Answering(honest(codec)));
            for (Lie lie : lies()) {
                // What is not finite, or too long, does not come as far as the decoder.
                if (lie.codec() == codec) {
                    clients.put("liar, " + lie.name(), new Answering(lie.update()));
                }
            }
            // Clients here encode by themselves: a liar does not ask an encoder.
            Strategy strategy =
                    FedAvg.create().toBuilder().serverTransform(codec::decoder).build();

            Run run = Federation.of(clients)
                    .strategy(strategy)
                    .initialModel(GLOBAL)
                    .rounds(1)
                    .federatedEvaluation(false)
                    .run();

            List<OutcomeRecord> outcomes = run.records().get(0).outcomes();
            assertThat(outcomes).hasSizeGreaterThan(5).allSatisfy(outcome -> {
                assertThat(outcome.outcome())
                        .as(outcome.clientId() + ": " + outcome.reason())
                        .isEqualTo(outcome.clientId().equals("honest") ? "completed" : "rejected");
            });
            assertThat(run.model().tensor("batches").get(0)).isEqualTo(4);
        }
    }
}
