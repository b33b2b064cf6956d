package io.fedlearn.aggregators.transform;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every codec against NumPy, to the last bit; {@code src/test/python/codecs.py} wrote the values. */
class CodecGoldenTest {
    /** What one round's line says must come out, by what it is. */
    record Round(double[] delta, Map<String, double[]> expected) {}

    record Case(String codec, TensorType type, Map<String, String> settings, List<Round> rounds) {
        @Override
        public String toString() {
            return codec + " " + type + " " + settings;
        }

        double number(String setting) {
            return Double.parseDouble(Objects.requireNonNull(settings.get(setting)));
        }

        Codec create() {
            return switch (codec) {
                case ReducedPrecision.NAME ->
                    "FLOAT16".equals(settings.get("type")) ? ReducedPrecision.float16() : ReducedPrecision.bfloat16();
                case StochasticQuantization.NAME -> StochasticQuantization.withBlockSize((int) number("blockSize"));
                case TopK.NAME -> TopK.withShare(number("share"));
                default -> RandomMask.withShare(number("share"));
            };
        }
    }

    static List<Case> cases() throws IOException {
        Map<Integer, List<String[]>> lines;
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(
                CodecGoldenTest.class.getResourceAsStream("codecs.csv"), StandardCharsets.US_ASCII))) {
            lines = reader.lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> line.split(","))
                    .collect(Collectors.groupingBy(
                            line -> Integer.parseInt(line[0]), TreeMap::new, Collectors.toList()));
        }
        return lines.values().stream().map(CodecGoldenTest::parse).toList();
    }

    private static Case parse(List<String[]> lines) {
        Map<String, String> settings = new TreeMap<>();
        for (String setting : lines.get(0)[4].split(";")) {
            settings.put(setting.substring(0, setting.indexOf('=')), setting.substring(setting.indexOf('=') + 1));
        }
        List<Round> rounds = new ArrayList<>();
        for (String[] line : lines.subList(1, lines.size())) {
            double[] values = Arrays.stream(line, 2, line.length)
                    .mapToDouble(Double::parseDouble)
                    .toArray();
            if (line[1].equals("delta")) {
                rounds.add(new Round(values, new TreeMap<>()));
            } else {
                rounds.get(rounds.size() - 1).expected().put(line[1], values);
            }
        }
        return new Case(
                lines.get(0)[2], TensorType.valueOf(lines.get(0)[3].toUpperCase(Locale.ROOT)), settings, rounds);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void encodesAndDecodesAsNumpyDoes(Case golden) {
        Codec codec = golden.create();
        Codecs.State state = new Codecs.State();
        long seed = golden.settings().containsKey("seed") ? (long) golden.number("seed") : 0;
        for (Round round : golden.rounds()) {
            Shape shape = Shape.of(1, round.delta().length);
            Model delta = Model.builder()
                    .trainable("w", Tensor.rounded(golden.type(), shape, round.delta()))
                    .build();
            Model global = Model.zeros(delta.spec());

            ClientUpdate encoded = Codecs.encode(codec, ClientUpdate.ofModelDelta(delta, 3), global, seed, state);
            ClientUpdate decoded = Codecs.decode(codec, encoded, global);

            assertThat(values(encoded.model().orElseThrow().tensor("w"))).containsExactly(expected(round, "encoded"));
            if (round.expected().containsKey("scales")) {
                assertThat(Objects.requireNonNull(
                                        encoded.tensors().get(codec.encoder().name()))
                                .tensor("w")
                                .toDoubleArray())
                        .containsExactly(expected(round, "scales"));
            }
            if (round.expected().containsKey("places")) {
                assertThat(places(encoded)).containsExactly(expected(round, "places"));
                assertThat(Objects.requireNonNull(state.values.get(TopK.NAME)).tensor("w"))
                        .isEqualTo(Tensor.rounded(golden.type(), shape, expected(round, "remainder")));
            }
            assertThat(decoded.form()).isEqualTo(UpdateForm.MODEL_DELTA);
            assertThat(decoded.tensors()).isEmpty();
            assertThat(decoded.model().orElseThrow().tensor("w"))
                    .isEqualTo(Tensor.rounded(golden.type(), shape, expected(round, "decoded")));
        }
    }

    private static double[] expected(Round round, String what) {
        return Objects.requireNonNull(round.expected().get(what));
    }

    /** The values, of 16-bit types the bits. */
    private static double[] values(Tensor tensor) {
        if (tensor.type() != TensorType.FLOAT16 && tensor.type() != TensorType.BFLOAT16) {
            return tensor.toDoubleArray();
        }
        ByteBuffer bytes = ByteBuffer.allocate((int) tensor.byteCount());
        tensor.encodeTo(0, bytes);
        Tensor bits = Tensor.decode(TensorType.UINT16, tensor.shape(), bytes.flip());
        return bits.toDoubleArray();
    }

    private static double[] places(ClientUpdate encoded) {
        long[] gaps = Objects.requireNonNull(encoded.tensors().get(TopK.NAME))
                .tensor("w")
                .toLongArray();
        long[] ends = new long[gaps.length];
        long position = -1;
        for (int i = 0; i < gaps.length; i++) {
            position += gaps[i] + 1;
            ends[i] = position;
        }
        return LongStream.of(ends).limit(gaps.length - 1).asDoubleStream().toArray();
    }
}
