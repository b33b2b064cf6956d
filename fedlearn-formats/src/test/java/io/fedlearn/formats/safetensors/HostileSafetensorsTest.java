package io.fedlearn.formats.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.ReadLimits;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class HostileSafetensorsTest {
    private static final int MUTATIONS = 4000;

    @TempDir
    private Path folder;

    private static Arguments header(String json, String reason) {
        return Arguments.of(json.replace('\'', '"'), reason);
    }

    private static Arguments entry(String entry, String reason) {
        return header("{'w':" + entry + "}", "tensor 'w': " + reason);
    }

    static Stream<Arguments> headers() {
        String good = "{'dtype':'F32','shape':[2],'data_offsets':[0,8]}";
        String tooManyLengths = "[" + "1,".repeat(32) + "1]";
        return Stream.of(
                header("", "must start with '{'"),
                header(" {}", "must start with '{'"),
                header("[]", "must start with '{'"),
                header("{", "is not valid JSON"),
                header("{}{}", "must end with its JSON object"),
                header("{} x", "is not valid JSON"),
                header("{'w':" + good + ",}", "is not valid JSON"),
                header("{'w':" + good + ",'w':" + good + "}", "Duplicate field 'w'"),
                header("{'w':" + good + ",'\\u0077':" + good + "}", "Duplicate field 'w'"),
                header("{'__metadata__':{'a':'1','a':'2'}}", "Duplicate field 'a'"),
                header("{'__metadata__':[]}", "__metadata__ must be an object"),
                header("{'__metadata__':{'a':1}}", "must map to strings, does not at 'a'"),
                header("{'__metadata__':{'a':null}}", "must map to strings"),
                header("{'__metadata__':{'a':{'b':{'c':{'d':{}}}}}}", "must map to strings"),
                header("{'w':{'dtype':'F32','dtype':'F32'}}", "Duplicate field 'dtype'"),
                entry("[]", "its entry must be an object"),
                entry("null", "its entry must be an object"),
                entry("{}", "its entry has no dtype"),
                entry("{'dtype':'F32','data_offsets':[0,8]}", "its entry has no shape"),
                entry("{'dtype':'F32','shape':[2]}", "its entry has no data_offsets"),
                entry(
                        "{'dtype':'F32','shape':[2],'data_offsets':[0,8],'x':[[[[[]]]]]}",
                        "its entry has the unknown field 'x'"),
                entry("{'dtype':4,'shape':[2],'data_offsets':[0,8]}", "dtype must be a string"),
                entry("{'dtype':'F8_E4M3','shape':[8],'data_offsets':[0,8]}", "dtype 'F8_E4M3' is not supported"),
                entry("{'dtype':'f32','shape':[2],'data_offsets':[0,8]}", "dtype 'f32' is not supported"),
                entry("{'dtype':'F32','shape':2,'data_offsets':[0,8]}", "shape must be an array"),
                entry("{'dtype':'F32','shape':[2.0],'data_offsets':[0,8]}", "shape must hold integers"),
                entry("{'dtype':'F32','shape':['2'],'data_offsets':[0,8]}", "shape must hold integers"),
                entry("{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}", "shape must hold integers"),
                entry("{'dtype':'F32','shape':[[2]],'data_offsets':[0,8]}", "shape must hold integers"),
                entry("{'dtype':'F32','shape':[9223372036854775808],'data_offsets':[0,8]}", "shape must hold integers"),
                entry(
                        "{'dtype':'F32','shape':" + tooManyLengths + ",'data_offsets':[0,4]}",
                        "shape must have <= 32 numbers"),
                entry("{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,8]}", "the number of elements"),
                entry(
                        "{'dtype':'F32','shape':[4611686018427387904],'data_offsets':[0,8]}",
                        "tensor 'w': values of FLOAT32 4611686018427387904 take more"),
                entry("{'dtype':'F32','shape':[2],'data_offsets':[0]}", "data_offsets must be a begin and an end"),
                entry("{'dtype':'F32','shape':[2],'data_offsets':[0,8,8]}", "data_offsets must have <= 2 numbers"),
                entry("{'dtype':'F32','shape':[2],'data_offsets':[8,0]}", "data_offsets must be a begin and an end"),
                entry("{'dtype':'F32','shape':[2],'data_offsets':[0,4]}", "data_offsets must span the 8 bytes"),
                entry("{'dtype':'F32','shape':[2],'data_offsets':[4,12]}", "its data must begin"),
                header("{'':" + good + "}", "tensor '': a tensor's name must have 1 to 512 characters"),
                header("{'" + "n".repeat(513) + "':" + good + "}", "had 513"),
                header("{'a\\u0000':" + good + "}", "tensor 'a<0>': a tensor's name must not hold control characters"),
                header("{'a\\udc00':" + good + "}", "valid"),
                header("{'a\\ud800':" + good + "}", "valid"),
                header("{'__metadata__':{'a':'\\ud800'}}", "__metadata__ must be valid Unicode, is not at 'a'"),
                header(
                        "{'a':" + good + ",'b':{'dtype':'U8','shape':[4],'data_offsets':[4,8]}}",
                        "tensor 'b': its data must begin where that of the tensor before it ends, at 8, begins at 4"),
                header("{'a':" + good + ",'b':" + good + "}", "tensor 'b': its data must begin"),
                header(
                        "{'a':" + good + ",'b':{'dtype':'U8','shape':[0],'data_offsets':[4,4]}}",
                        "tensor 'b': its data must begin"),
                header(
                        "{'a':" + good + ",'b':{'dtype':'U8','shape':[0],'data_offsets':[9,9]}}",
                        "tensor 'b': its data must begin"),
                roles("x", good, "fedlearn.roles is not valid JSON"),
                roles("[]", good, "fedlearn.roles must be a JSON object"),
                roles("{}", good, "tensor 'w': has no role in fedlearn.roles"),
                roles("{#w#:#buffer#} {}", good, "fedlearn.roles must end with its JSON object"),
                roles("{#w#:#buffer#,#v#:#buffer#}", good, "tensor 'v': has a role in fedlearn.roles, but no entry"),
                roles("{#w#:#buffer#,#w#:#buffer#}", good, "Duplicate field"),
                roles("{#w#:1}", good, "tensor 'w': its role must be a string"),
                roles("{#w#:#boss#}", good, "tensor 'w': its role 'boss' is unknown"),
                roles("{#w#:#counter#}", good, "tensor 'w': cannot be a counter, its type is FLOAT32"));
    }

    private static Arguments roles(String roles, String good, String reason) {
        return header(
                "{'__metadata__':{'fedlearn.roles':'" + roles.replace("#", "\\\"") + "'},'w':" + good + "}", reason);
    }

    @ParameterizedTest
    @MethodSource("headers")
    void refusesHeader(String json, String reason) throws IOException {
        byte[] bytes = SafetensorsBytes.of(json, "00".repeat(8));
        Path path = Files.write(folder.resolve("hostile"), bytes);

        assertThatThrownBy(() -> Safetensors.open(path))
                .isInstanceOf(FormatException.class)
                .hasMessageStartingWith(path + ": ")
                .hasMessageContaining(reason);
        assertThatThrownBy(() -> Safetensors.read(new ByteArrayInputStream(bytes), "stream", ReadLimits.defaults()))
                .isInstanceOf(FormatException.class)
                .hasMessageStartingWith("stream: ")
                .hasMessageContaining(reason);
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE, 100_000_001, 1L << 32})
    void refusesLengthOfHeaderBeyondTheLimit(long length) {
        byte[] bytes = ByteBuffer.allocate(64)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(length)
                .array();

        assertThatThrownBy(() -> Safetensors.read(new ByteArrayInputStream(bytes), "s", ReadLimits.defaults()))
                .isInstanceOf(FormatException.class)
                .hasMessage("s: its header must have <= 100000000 bytes, has " + Long.toUnsignedString(length));
    }

    @Test
    void refusesHeadersThatAreNotUtf8() {
        byte[] latin = "{\"w\u00e9\":1}".getBytes(StandardCharsets.ISO_8859_1);
        byte[] overlong = {'{', '"', (byte) 0xc1, (byte) 0xb7, '"', ':', '1', '}'};
        byte[] wide = "{}".getBytes(StandardCharsets.UTF_16LE);
        for (byte[] header : new byte[][] {latin, overlong}) {
            assertThatThrownBy(() -> read(SafetensorsBytes.of(header, new byte[0])))
                    .isInstanceOf(FormatException.class)
                    .hasMessage("s: its header must be UTF-8");
        }
        assertThatThrownBy(() -> read(SafetensorsBytes.of(wide, new byte[0])))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining("not valid JSON");
    }

    @Test
    void refusesDeepNestingWithoutOverflowingTheStack() {
        String deep = "{\"w\":{\"dtype\":" + "[".repeat(1_000_000) + "}}";

        assertThatThrownBy(() -> read(SafetensorsBytes.of(deep, "")))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining("dtype must be a string");
        String deeper = "{\"__metadata__\":{\"a\":\"b\"},\"w\":{\"shape\":[" + "[".repeat(1_000_000) + "}}";
        assertThatThrownBy(() -> read(SafetensorsBytes.of(deeper, ""))).isInstanceOf(FormatException.class);
    }

    @Test
    void refusesMoreMetadataThanTheLimit() {
        byte[] bytes = SafetensorsBytes.of("{\"__metadata__\":{\"a\":\"\",\"b\":\"\",\"c\":\"\"}}", "");
        ReadLimits limits = ReadLimits.defaults().withMaxTensors(2);

        assertThatThrownBy(() -> Safetensors.read(new ByteArrayInputStream(bytes), "s", limits))
                .hasMessage("s: __metadata__ must have <= 2 entries");
    }

    @Test
    void shortensHostileNamesInMessages() {
        String name = "n\\u001b".repeat(200);
        byte[] bytes = SafetensorsBytes.of("{\"" + name + "\":1}", "");

        assertThatThrownBy(() -> read(bytes)).isInstanceOfSatisfying(FormatException.class, e -> {
            assertThat(e.getMessage())
                    .hasSizeLessThan(400)
                    .doesNotContain("\u001b")
                    .contains("n<1b>");
            assertThat(e.tensor())
                    .hasValueSatisfying(tensor -> assertThat(tensor).hasSize(400));
        });
    }

    @Test
    void survivesMutations() throws IOException {
        Model model = Model.builder()
                .trainable("w", Tensor.copyOf(new float[] {1, 2, 3, 4}, 2, 2))
                .counter("n", Tensor.scalar(3L))
                .buffer("e", Tensor.copyOf(new double[0]))
                .build();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Safetensors.write(model, Map.of("k", "v"), out);
        byte[] original = out.toByteArray();
        Path path = folder.resolve("mutant");
        int refused = 0;
        for (int seed = 0; seed < MUTATIONS; seed++) {
            byte[] mutant = mutate(original, new Random(seed));
            refused += outcome(seed, () -> read(mutant));
            if (seed % 8 == 0) {
                Files.write(path, mutant);
                outcome(seed, () -> Safetensors.open(path));
            }
        }
        assertThat(refused).isBetween(MUTATIONS / 2, MUTATIONS - 1);
    }

    private interface Reading {
        SafetensorsFile run() throws IOException;
    }

    private static int outcome(int seed, Reading reading) {
        try {
            reading.run().model().digest();
            return 0;
        } catch (FormatException expected) {
            return 1;
        } catch (Throwable e) {
            throw new AssertionError("seed " + seed, e);
        }
    }

    private static byte[] mutate(byte[] original, Random random) {
        byte[] bytes = original.clone();
        int changes = 1 + random.nextInt(3);
        for (int i = 0; i < changes; i++) {
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(4)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) "{}[]\",:0123456789-e \\\u0000".charAt(random.nextInt(22));
                case 2 -> bytes = Arrays.copyOf(bytes, Math.max(1, random.nextInt(bytes.length + 8)));
                default -> {
                    int length = random.nextInt(Math.min(8, bytes.length - at));
                    System.arraycopy(original, random.nextInt(original.length - length), bytes, at, length);
                }
            }
        }
        return bytes;
    }

    private static SafetensorsFile read(byte[] bytes) throws IOException {
        return Safetensors.read(new ByteArrayInputStream(bytes), "s", ReadLimits.defaults());
    }
}
