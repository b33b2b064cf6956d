package io.fedlearn.formats.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.formats.DigestMismatchException;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.ReadLimits;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SafetensorsTest {
    private static final String TWO_FLOATS = "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";

    @TempDir
    private Path folder;

    private enum Way {
        MAPPED,
        HEAP,
        STREAM
    }

    private SafetensorsFile read(Way way, byte[] bytes) throws IOException {
        Path path = Files.write(folder.resolve(way + ".safetensors"), bytes);
        return switch (way) {
            case MAPPED -> Safetensors.open(path);
            case HEAP -> Safetensors.read(path);
            case STREAM -> Safetensors.read(new ByteArrayInputStream(bytes), "stream", ReadLimits.defaults());
        };
    }

    private static byte[] write(Model model, Map<String, String> metadata) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Safetensors.write(model, metadata, out);
        return out.toByteArray();
    }

    /** Every type, NaN payloads, a scalar, empty tensors between others, sizes that leave the next tensor unaligned. */
    private static Model mixedModel() {
        Model.Builder model = Model.builder();
        model.trainable("net.0/weight", Tensor.copyOf(new float[] {1, -2.5f, Float.intBitsToFloat(0x7fa01234)}, 3, 1));
        model.buffer("empty first", Tensor.zeros(TensorType.FLOAT32, Shape.of(0)));
        model.buffer("mask", Tensor.ofIntegers(TensorType.BOOL, Shape.of(3), new long[] {1, 0, 1}));
        model.buffer("another empty", Tensor.zeros(TensorType.INT64, Shape.of(2, 0, 5)));
        model.counter("steps", Tensor.scalar(Long.MIN_VALUE));
        model.buffer("mean", Tensor.copyOf(new double[] {Double.longBitsToDouble(0xfff0000000000001L), -0.0}));
        for (TensorType type : TensorType.values()) {
            long[] bits = new Random(type.code()).longs(5, 0, 2).toArray();
            Tensor tensor = type.isFloating()
                    ? Tensor.rounded(type, Shape.of(5), new double[] {0.5, -3, Double.NaN, 1e9, -0.0})
                    : Tensor.ofIntegers(type, Shape.of(5), bits);
            model.add("typ\u00e9 " + type, tensor, type.isFloating() ? TensorRole.TRAINABLE : TensorRole.BUFFER);
        }
        return model.buffer("last, empty", Tensor.zeros(TensorType.BOOL, Shape.of(0, 7)))
                .build();
    }

    @Test
    void writesTheBytesOfTheFormat() throws IOException {
        Model model = Model.builder()
                .trainable("b", Tensor.copyOf(new float[] {1, -2}, 2, 1))
                .counter("a", Tensor.scalar(258L))
                .build();
        String json = "{\"__metadata__\":{\"who\":\"me\",\"fedlearn.digest\":\"" + model.digest() + "\","
                + "\"fedlearn.roles\":\"{\\\"b\\\":\\\"trainable\\\",\\\"a\\\":\\\"counter\\\"}\"},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
                + "\"a\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[8,16]}}";
        String padded = json + " ".repeat((8 - json.length() % 8) % 8);

        assertThat(write(model, Map.of("who", "me")))
                .isEqualTo(SafetensorsBytes.of(padded, "0000803f 000000c0 0201000000000000"));
    }

    @Test
    void padsTheHeaderToEightBytesWhateverItsLength() throws IOException {
        for (int length = 1; length <= 8; length++) {
            Model model = Model.builder()
                    .trainable("x".repeat(length), Tensor.scalar(1f))
                    .build();
            byte[] bytes = write(model, Map.of());
            long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
            assertThat(header % 8).isZero();
            assertThat(bytes).hasSize((int) (8 + header + 4));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "F16,  FLOAT16,  003c 00c0,                          1, -2",
        "BF16, BFLOAT16, 803f 00c0,                          1, -2",
        "F32,  FLOAT32,  0000803f 000000c0,                  1, -2",
        "F64,  FLOAT64,  000000000000f03f 00000000000000c0,  1, -2",
        "I8,   INT8,     7f 80,                              127, -128",
        "I16,  INT16,    ff7f 0080,                          32767, -32768",
        "I32,  INT32,    ffffff7f 00000080,                  2147483647, -2147483648",
        "I64,  INT64,    ffffffffffff1f00 ffffffffffffffff,  9007199254740991, -1",
        "U8,   UINT8,    01 ff,                              1, 255",
        "U16,  UINT16,   0100 ffff,                          1, 65535",
        "U32,  UINT32,   01000000 ffffffff,                  1, 4294967295",
        "U64,  UINT64,   0100000000000000 0000000000000080,  1, 9223372036854775808",
        "BOOL, BOOL,     00 01,                              0, 1"
    })
    void readsEveryTypeWrittenByHand(String dtype, TensorType type, String hex, double first, double second)
            throws IOException {
        String json = "{\"t\":{\"dtype\":\"" + dtype + "\",\"shape\":[1,2],\"data_offsets\":[0," + 2 * type.byteSize()
                + "]}}  ";
        for (Way way : Way.values()) {
            Tensor tensor = read(way, SafetensorsBytes.of(json, hex)).model().tensor("t");
            assertThat(tensor.type()).isEqualTo(type);
            assertThat(tensor.shape()).isEqualTo(Shape.of(1, 2));
            assertThat(tensor.toDoubleArray()).containsExactly(first, second);
        }
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void readsBackEveryBitRoleAndPlace(Way way) throws IOException {
        Model model = mixedModel();
        Map<String, String> metadata = Map.of("note", "\u00fc \"quoted\" \ud83d\ude00", "empty", "");

        SafetensorsFile file = read(way, write(model, metadata));

        assertThat(file.model()).isEqualTo(model);
        assertThat(file.spec()).isEqualTo(model.spec());
        assertThat(file.metadata()).isEqualTo(metadata);
        assertThat(file.digest()).contains(model.digest());
        assertThat(file.verify().model().digest()).isEqualTo(model.digest());
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void readsBackAModelWithoutTensorsAndOneWithMany(Way way) throws IOException {
        Model.Builder many = Model.builder();
        for (int i = 0; i < 150; i++) {
            many.trainable("layer" + (i * 7919 % 150), Tensor.copyOf(new float[i % 5]));
        }
        for (Model model : List.of(Model.empty(), many.build())) {
            assertThat(read(way, write(model, Map.of())).verify().model()).isEqualTo(model);
        }
    }

    @Test
    void writesTheSameBytesToPathStreamAndChannel() throws IOException {
        Model model = mixedModel();
        Path path = folder.resolve("model.safetensors");
        Safetensors.write(model, path);
        ByteArrayOutputStream channelBytes = new ByteArrayOutputStream();
        Safetensors.write(model, Map.of(), new OneByteChannel(channelBytes));

        assertThat(Files.readAllBytes(path)).isEqualTo(write(model, Map.of())).isEqualTo(channelBytes.toByteArray());
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(path);
        }
    }

    /** Takes one byte at a time, as a channel may. */
    private record OneByteChannel(ByteArrayOutputStream out) implements WritableByteChannel {
        @Override
        public int write(ByteBuffer bytes) {
            out.write(bytes.get());
            return 1;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void readsWhatTheReferenceImplementationWrote(Way way) throws IOException {
        byte[] bytes;
        try (InputStream in = SafetensorsTest.class.getResourceAsStream("reference.safetensors")) {
            bytes = in.readAllBytes();
        }
        double[] weights = {0, 1, 2, 3, 4, 5};

        SafetensorsFile file = read(way, bytes);

        assertThat(file.model())
                .isEqualTo(Model.builder()
                        .counter("steps", Tensor.scalar(5L))
                        .trainable("empty", Tensor.zeros(TensorType.FLOAT64, Shape.of(0, 3)))
                        .trainable("weight", Tensor.rounded(TensorType.FLOAT32, Shape.of(2, 3), weights))
                        .trainable("half", Tensor.rounded(TensorType.FLOAT16, Shape.of(2), new double[] {1.5, -2}))
                        .counter("bytes", Tensor.ofIntegers(TensorType.UINT8, Shape.of(2), new long[] {0, 255}))
                        .buffer("mask", Tensor.ofIntegers(TensorType.BOOL, Shape.of(3), new long[] {1, 0, 1}))
                        .build());
        assertThat(file.metadata()).containsExactly(Map.entry("format", "np"));
    }

    @Test
    void takesOrderFromOffsetsAndRolesFromTypesOfForeignFiles() throws IOException {
        String json = "{\"z\":{\"data_offsets\":[4,8],\"shape\":[],\"dtype\":\"I32\"},"
                + "\"__metadata__\":{\"format\":\"pt\"},"
                + "\"none\":{\"data_offsets\":[4,4],\"shape\":[0],\"dtype\":\"F32\"},"
                + "\"b\":{\"data_offsets\":[8,9],\"shape\":[1],\"dtype\":\"BOOL\"},"
                + "\"y\":{\"data_offsets\":[0,4],\"shape\":[1,1],\"dtype\":\"F32\"}}";
        for (Way way : Way.values()) {
            SafetensorsFile file = read(way, SafetensorsBytes.of(json, "0000803f 02000000 01"));

            assertThat(file.spec().tensors())
                    .containsExactly(
                            new TensorSpec("y", TensorType.FLOAT32, Shape.of(1, 1), TensorRole.TRAINABLE),
                            new TensorSpec("none", TensorType.FLOAT32, Shape.of(0), TensorRole.TRAINABLE),
                            new TensorSpec("z", TensorType.INT32, Shape.scalar(), TensorRole.COUNTER),
                            new TensorSpec("b", TensorType.BOOL, Shape.of(1), TensorRole.BUFFER));
            assertThat(file.model().tensor("z").get(0)).isEqualTo(2);
            assertThat(file.metadata()).containsExactly(Map.entry("format", "pt"));
            assertThat(file.digest()).isEmpty();
            assertThatThrownBy(file::verify).isInstanceOf(FormatException.class).hasMessageContaining("no digest");
        }
    }

    @Test
    void readsAFileWhoseTensorsWereSortedByAnotherTool() throws IOException {
        Model model = Model.builder()
                .buffer("b", Tensor.copyOf(new float[] {1}))
                .trainable("a", Tensor.copyOf(new float[] {2}))
                .build();
        String json = "{\"__metadata__\":{\"fedlearn.digest\":\"" + model.digest()
                + "\",\"fedlearn.roles\":\"{\\\"b\\\":\\\"buffer\\\",\\\"a\\\":\\\"trainable\\\"}\"},"
                + "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}";

        assertThat(read(Way.MAPPED, SafetensorsBytes.of(json, "00000040 0000803f"))
                        .verify()
                        .model())
                .isEqualTo(model);
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void noticesValuesThatAreNotThoseOfTheDigest(Way way) throws IOException {
        Model model = Model.builder().trainable("w", Tensor.scalar(1f)).build();
        byte[] bytes = write(model, Map.of());
        bytes[bytes.length - 1] ^= 1;
        SafetensorsFile file = read(way, bytes);

        assertThatThrownBy(file::verify).isInstanceOfSatisfying(DigestMismatchException.class, mismatch -> {
            assertThat(mismatch.expected()).isEqualTo(model.digest());
            assertThat(mismatch.actual()).isEqualTo(file.model().digest()).isNotEqualTo(model.digest());
            assertThat(mismatch.source()).isEqualTo(file.source());
        });
    }

    @Test
    void keepsValuesOfAMappedFileOutOfTheHeap() throws IOException {
        byte[] bytes = write(mixedModel(), Map.of());

        assertThat(read(Way.MAPPED, bytes).model().heapBytes()).isZero();
        assertThat(read(Way.HEAP, bytes).model().heapBytes())
                .isEqualTo(mixedModel().byteCount());
    }

    @Test
    void keepsAMappedModelAfterItsFileIsReplacedAndDeleted() throws IOException {
        Model model = mixedModel();
        Path path = folder.resolve("model.safetensors");
        Safetensors.write(model, path);
        SafetensorsFile file = Safetensors.open(path);

        Safetensors.write(file.model(), Map.of("second", "time"), path);
        assertThat(Safetensors.read(path).verify().model()).isEqualTo(model);
        Files.delete(path);

        assertThat(file.verify().model()).isEqualTo(model);
    }

    @Test
    void refusesReadsOfAMappedModelAfterClose() throws IOException {
        SafetensorsFile file = read(Way.MAPPED, write(mixedModel(), Map.of()));
        file.close();
        file.close();

        assertThatIllegalStateException()
                .isThrownBy(() -> file.model().tensor("steps").get(0))
                .withMessageContaining("is closed");
    }

    @Test
    void readsAMappedTensorOfMoreThanTwoGibibytes() throws IOException {
        long count = 700_000_001;
        byte[] header = ("{\"__metadata__\":{},\"w\":{\"dtype\":\"F32\",\"shape\":[" + count + "],\"data_offsets\":[0,"
                        + 4 * count + "]}}")
                .getBytes(StandardCharsets.UTF_8);
        Path path = Files.write(folder.resolve("sparse.safetensors"), SafetensorsBytes.of(header, new byte[0]));
        long[] places = {0, (1 << 28) - 1, 1 << 28, 536_870_911, 536_870_912, count - 1};
        try (RandomAccessFile sparse = new RandomAccessFile(path.toFile(), "rw")) {
            for (int i = 0; i < places.length; i++) {
                sparse.seek(Long.BYTES + header.length + 4 * places[i]);
                sparse.writeInt(Integer.reverseBytes(Float.floatToIntBits(i + 1)));
            }
        }

        try (SafetensorsFile file = Safetensors.open(path)) {
            Tensor tensor = file.model().tensor("w");
            for (int i = 0; i < places.length; i++) {
                assertThat(tensor.get(places[i])).isEqualTo(i + 1);
            }
            float[] acrossSlices = new float[4];
            tensor.copyTo(536_870_910, acrossSlices, 0, 4);
            assertThat(acrossSlices).containsExactly(0, 4, 5, 0);
        }
    }

    @Test
    void refusesValuesBeyondTheHeapLimitButMapsThem() throws IOException {
        Path path = Files.write(folder.resolve("w.safetensors"), SafetensorsBytes.of(TWO_FLOATS, "0000803f 0000803f"));
        ReadLimits limits = ReadLimits.defaults().withMaxHeapBytes(7);

        assertThatThrownBy(() -> Safetensors.read(path, limits))
                .isInstanceOf(FormatException.class)
                .hasMessage(path + ": its values must take <= 7 bytes, take 8");
        assertThat(Safetensors.open(path, limits).model().tensor("w").toFloatArray())
                .containsExactly(1, 1);
    }

    @Test
    void refusesMoreTensorsOrHeaderThanTheLimits() throws IOException {
        byte[] bytes = write(mixedModel(), Map.of());
        InputStream first = new ByteArrayInputStream(bytes);
        InputStream second = new ByteArrayInputStream(bytes);

        assertThatThrownBy(
                        () -> Safetensors.read(first, "s", ReadLimits.defaults().withMaxTensors(18)))
                .hasMessage("s: must have <= 18 tensors");
        assertThatThrownBy(() ->
                        Safetensors.read(second, "s", ReadLimits.defaults().withMaxHeaderBytes(100)))
                .hasMessageStartingWith("s: its header must have <= 100 bytes, has ");
    }

    @Test
    void allocatesWhatAStreamDeliversNotWhatItAnnounces() {
        long huge = 1L << 42;
        String json = "{\"w\":{\"dtype\":\"F32\",\"shape\":[" + huge / 4 + "],\"data_offsets\":[0," + huge + "]}}";
        for (String dtype : List.of("F32", "F64", "U8")) {
            long size = dtype.equals("U8") ? 1 : dtype.equals("F64") ? 8 : 4;
            // The longest that still goes to one array, and one that goes to chunks.
            for (long count : new long[] {Integer.MAX_VALUE - 8, huge / size}) {
                byte[] bytes = SafetensorsBytes.of(
                        json.replace("F32", dtype)
                                .replace("[" + huge / 4 + "]", "[" + count + "]")
                                .replace("," + huge, "," + count * size),
                        "00".repeat(200));
                assertThatThrownBy(() -> Safetensors.read(
                                new ByteArrayInputStream(bytes),
                                "s",
                                ReadLimits.defaults().withMaxHeapBytes(Long.MAX_VALUE)))
                        .isInstanceOf(FormatException.class)
                        .hasMessageStartingWith("s: tensor 'w': the data is truncated: wanted " + count * size);
            }
        }
    }

    @Test
    void noticesEveryTruncation() throws IOException {
        byte[] bytes = write(
                Model.builder()
                        .trainable("w", Tensor.copyOf(new float[] {1, 2}))
                        .build(),
                Map.of());
        for (int length = 0; length < bytes.length; length++) {
            byte[] cut = Arrays.copyOf(bytes, length);
            for (Way way : Way.values()) {
                assertThatThrownBy(() -> read(way, cut))
                        .as("%s bytes, %s", length, way)
                        .isInstanceOf(FormatException.class)
                        .hasMessageContaining("truncated");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void refusesBytesAfterTheValues(Way way) {
        assertThatThrownBy(() -> read(way, SafetensorsBytes.of(TWO_FLOATS, "00".repeat(9))))
                .isInstanceOf(FormatException.class)
                .hasMessageMatching(".*(is longer than its header says|after the end of its content).*");
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void refusesBoolsThatAreNeitherZeroNorOne(Way way) {
        String json = "{\"m\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[0,2]}}";

        assertThatThrownBy(() -> read(way, SafetensorsBytes.of(json, "01 02")))
                .isInstanceOfSatisfying(
                        FormatException.class, e -> assertThat(e.tensor()).contains("m"));
    }

    @Test
    void leavesNamingAMissingFileToTheFileSystem() {
        Path path = folder.resolve("missing.safetensors");

        assertThatThrownBy(() -> Safetensors.open(path))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining(path.toString());
    }

    @Test
    void leavesTheOldFileWhenWritingFails() throws IOException {
        Path path = Files.writeString(folder.resolve("model.safetensors"), "old");
        Model failing = Model.builder()
                .trainable("w", Tensor.of(TensorType.FLOAT32, Shape.of(1), new FailingLater()))
                .build();

        assertThatThrownBy(() -> Safetensors.write(failing, path)).hasMessage("storage failed");

        assertThat(path).hasContent("old");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(path);
        }
    }

    /** Delivers its values once, for the digest, and fails then. */
    private static final class FailingLater implements io.fedlearn.core.tensor.TensorData {
        private int reads;

        @Override
        public void read(long byteOffset, ByteBuffer target) {
            if (reads++ > 0) {
                throw new IllegalStateException("storage failed");
            }
            target.put(new byte[target.remaining()]);
        }
    }

    @Test
    void refusesToWriteWhatTheFormatCannotHold() {
        Model named =
                Model.builder().trainable("__metadata__", Tensor.scalar(1f)).build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> write(Model.empty(), Map.of("fedlearn.digest", "x")))
                .withMessageContaining("'fedlearn.digest'");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> write(Model.empty(), Map.of("k", "\udc00")))
                .withMessageContaining("<dc00>");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> write(named, Map.of()))
                .withMessageContaining("'__metadata__'");
    }
}
