package io.fedlearn.formats.numpy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
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
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class NpyTest {
    private static final int MUTATIONS = 4000;

    @TempDir
    private Path folder;

    private static Tensor decode(byte[] bytes) {
        return Npy.decode(bytes, "bytes", ReadLimits.defaults());
    }

    private static Tensor stream(byte[] bytes) throws IOException {
        return Npy.read(new ByteArrayInputStream(bytes), "stream", ReadLimits.defaults());
    }

    private static byte[] array(String header, int version, byte[] values) {
        byte[] text = header.getBytes(StandardCharsets.ISO_8859_1);
        ByteBuffer bytes = ByteBuffer.allocate(12 + text.length + values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
        if (version == 1) {
            bytes.putShort((short) text.length);
        } else {
            bytes.putInt(text.length);
        }
        bytes.put(text).put(values);
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    private static Arguments golden(String file, Tensor tensor) {
        return Arguments.of(file, tensor);
    }

    private static Tensor integers(TensorType type, long... values) {
        return Tensor.ofIntegers(type, Shape.of(values.length), values);
    }

    static Stream<Arguments> goldenFiles() {
        double[] floats = {1.5, -2, 0, Double.POSITIVE_INFINITY};
        double[] sixValues = {0, 1, 2, 3, 4, 5};
        double[] counting = new double[24];
        Arrays.setAll(counting, i -> i);
        Tensor half = Tensor.rounded(TensorType.FLOAT16, Shape.of(4), floats);
        Tensor single = Tensor.rounded(TensorType.FLOAT32, Shape.of(4), floats);
        Tensor matrix = Tensor.rounded(TensorType.FLOAT32, Shape.of(2, 3), sixValues);
        Tensor cube = Tensor.rounded(TensorType.FLOAT32, Shape.of(1, 2, 3, 4), counting);
        long[] ones = new long[32];
        Arrays.fill(ones, 1);
        return Stream.of(
                golden("le_f2.npy", half),
                golden("be_f2.npy", half),
                golden("le_f4.npy", single),
                golden("be_f4.npy", single),
                golden("le_f8.npy", Tensor.copyOf(floats)),
                golden("be_f8.npy", Tensor.copyOf(floats)),
                golden("le_i1.npy", integers(TensorType.INT8, -128, 1, 127)),
                golden("be_i1.npy", integers(TensorType.INT8, -128, 1, 127)),
                golden("le_u1.npy", integers(TensorType.UINT8, 0, 1, 255)),
                golden("be_u1.npy", integers(TensorType.UINT8, 0, 1, 255)),
                golden("le_i2.npy", integers(TensorType.INT16, -32768, 1, 32767)),
                golden("be_i2.npy", integers(TensorType.INT16, -32768, 1, 32767)),
                golden("le_u2.npy", integers(TensorType.UINT16, 0, 1, 65535)),
                golden("be_u2.npy", integers(TensorType.UINT16, 0, 1, 65535)),
                golden("le_i4.npy", integers(TensorType.INT32, Integer.MIN_VALUE, 1, Integer.MAX_VALUE)),
                golden("be_i4.npy", integers(TensorType.INT32, Integer.MIN_VALUE, 1, Integer.MAX_VALUE)),
                golden("le_u4.npy", integers(TensorType.UINT32, 0, 1, 0xffffffffL)),
                golden("be_u4.npy", integers(TensorType.UINT32, 0, 1, 0xffffffffL)),
                golden("le_i8.npy", integers(TensorType.INT64, Long.MIN_VALUE, 1, Long.MAX_VALUE)),
                golden("be_i8.npy", integers(TensorType.INT64, Long.MIN_VALUE, 1, Long.MAX_VALUE)),
                golden("le_u8.npy", integers(TensorType.UINT64, 0, 1, -1)),
                golden("be_u8.npy", integers(TensorType.UINT64, 0, 1, -1)),
                golden("b1.npy", integers(TensorType.BOOL, 1, 0, 1)),
                golden("scalar.npy", Tensor.scalar(2.0625f)),
                golden("scalar_i8.npy", Tensor.scalar(7L)),
                golden("empty.npy", Tensor.zeros(TensorType.FLOAT32, Shape.of(0))),
                golden("empty_2x0x3.npy", Tensor.zeros(TensorType.FLOAT64, Shape.of(2, 0, 3))),
                golden("rows_2x3.npy", matrix),
                golden("columns_2x3.npy", matrix),
                golden("columns_2x3x4_be_i2.npy", Tensor.rounded(TensorType.INT16, Shape.of(2, 3, 4), counting)),
                golden("rows_1x2x3x4.npy", cube),
                golden("rank_32.npy", Tensor.copyOf(new float[] {1}, ones)),
                golden(
                        "boundary.npy",
                        Tensor.zeros(TensorType.FLOAT32, Shape.of(0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 10, 10))),
                golden("version_2.npy", matrix),
                golden("version_3.npy", matrix),
                golden("flower/npy_f4_2x3.bin", matrix),
                golden("flower/npy_f8_3.bin", Tensor.copyOf(new double[] {1.5, -2, 3})),
                golden(
                        "flower/npy_i8_2x2.bin",
                        Tensor.ofIntegers(TensorType.INT64, Shape.of(2, 2), new long[] {1, -2, 3, 4})),
                golden("flower/npy_f4_scalar0d.bin", Tensor.scalar(3.25f)),
                golden("flower/npy_f4_empty0.bin", Tensor.zeros(TensorType.FLOAT32, Shape.of(0))),
                golden("flower/npy_f2_4.bin", Tensor.rounded(TensorType.FLOAT16, Shape.of(4), new double[] {1, 2, 3, 4
                })),
                golden("flower/npy_b1_3.bin", integers(TensorType.BOOL, 1, 0, 1)),
                golden("flower/npy_u1_4.bin", integers(TensorType.UINT8, 0, 1, 254, 255)),
                golden("flower/npy_f4_fortran_2x3.bin", matrix),
                golden("flower/npy_be_f4_3.bin", Tensor.copyOf(new float[] {1, 2, 3})),
                golden("flower/npy_f4_4d_1x2x3x4.bin", cube),
                golden("flower/npy_i4_5.bin", Tensor.copyOf(new int[] {0, 1, 2, 3, 4})));
    }

    @ParameterizedTest
    @MethodSource("goldenFiles")
    void readsWhatNumpyWroteInEveryWay(String file, Tensor expected) throws IOException {
        byte[] bytes = GoldenFiles.bytes(file);
        Path path = Files.write(folder.resolve("golden.npy"), bytes);

        assertThat(decode(bytes)).isEqualTo(expected);
        assertThat(stream(bytes)).isEqualTo(expected);
        assertThat(Npy.read(path)).isEqualTo(expected);
        assertThat(Npy.map(path)).isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("goldenFiles")
    void writesTheBytesThatNumpyWrites(String file, Tensor tensor) throws IOException {
        Path path = folder.resolve("ours.npy");
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Npy.write(tensor, path);
        Npy.write(tensor, out);
        byte[] encoded = Npy.encode(tensor);

        boolean otherLayout = file.matches(".*(be_[fiu][248]|be_f4|columns|fortran|version_).*");
        if (!otherLayout) {
            assertThat(encoded).isEqualTo(GoldenFiles.bytes(file));
        }
        assertThat(decode(encoded)).isEqualTo(tensor);
        assertThat(Npy.encodedLength(tensor)).isEqualTo(encoded.length);
        assertThat(path).hasBinaryContent(encoded);
        assertThat(out.toByteArray()).isEqualTo(encoded);
    }

    @Test
    void startsValuesAtMultiplesOf64WhateverTheShape() {
        int longest = 0;
        for (int rank = 1; rank <= Shape.MAX_RANK; rank++) {
            long[] lengths = new long[rank];
            Arrays.fill(lengths, 1L << 60);
            lengths[rank - 1] = 0;
            Tensor tensor = Tensor.zeros(TensorType.UINT64, Shape.of(lengths));
            byte[] bytes = Npy.encode(tensor);
            assertThat(bytes.length % 64).isZero();
            assertThat(new String(bytes, StandardCharsets.ISO_8859_1)).endsWith(" \n");
            assertThat(decode(bytes)).isEqualTo(tensor);
            longest = bytes.length;
        }
        assertThat(longest).isGreaterThan(640);
    }

    @Test
    void keepsTheBitsOfNans() {
        float[] singles = {Float.intBitsToFloat(0x7fa01234), Float.intBitsToFloat(0xffc00001), -0f};
        double[] doubles = {Double.longBitsToDouble(0x7ff0000000000001L), Double.longBitsToDouble(-1)};

        assertThat(decode(Npy.encode(Tensor.copyOf(singles)))).isEqualTo(Tensor.copyOf(singles));
        assertThat(decode(Npy.encode(Tensor.copyOf(doubles)))).isEqualTo(Tensor.copyOf(doubles));
    }

    @ParameterizedTest
    @EnumSource(names = {"UINT8", "INT16", "FLOAT32", "FLOAT64"})
    void bringsColumnsIntoRowOrderForAnyShape(TensorType type) throws IOException {
        Random random = new Random(7);
        for (int run = 0; run < 40; run++) {
            long[] lengths = random.longs(1 + random.nextInt(4), 1, 7).toArray();
            checkColumnMajor(type, Shape.of(lengths));
        }
        // More than one block and, as 8-byte values, more than one chunk.
        checkColumnMajor(type, Shape.of(401, 3, 307));
    }

    private static void checkColumnMajor(TensorType type, Shape shape) throws IOException {
        int count = (int) shape.elementCount();
        double[] rows = new double[count];
        double[] columns = new double[count];
        for (int index = 0; index < count; index++) {
            long rest = index;
            long place = 0;
            long stride = count;
            for (int axis = shape.rank() - 1; axis >= 0; axis--) {
                stride /= shape.length(axis);
                place += rest % shape.length(axis) * stride;
                rest /= shape.length(axis);
            }
            rows[index] = index % 251;
            columns[(int) place] = rows[index];
        }
        byte[] file = Npy.encode(Tensor.rounded(type, shape, columns));
        String text = new String(file, StandardCharsets.ISO_8859_1).replaceFirst("False, ", "True,  ");

        byte[] fortran = text.getBytes(StandardCharsets.ISO_8859_1);

        assertThat(stream(fortran)).isEqualTo(Tensor.rounded(type, shape, rows));
        assertThat(decode(fortran)).isEqualTo(Tensor.rounded(type, shape, rows));
    }

    @Test
    void keepsMappedValuesOutOfTheHeapAfterTheFileIsGone() throws IOException {
        Tensor tensor = Tensor.copyOf(new float[] {1, 2, 3});
        Path path = folder.resolve("mapped.npy");
        Npy.write(tensor, path);

        Tensor mapped = Npy.map(path);
        Npy.write(mapped, path);
        Files.delete(path);

        assertThat(mapped.heapBytes()).isZero();
        assertThat(mapped).isEqualTo(tensor);
        Path columns = Files.write(path, GoldenFiles.bytes("columns_2x3.npy"));
        assertThat(Npy.map(columns).heapBytes()).isEqualTo(24);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'descr':'<f4','fortran_order':False,'shape':(2,)}",
                "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (2,)}",
                " { 'shape' : ( 2 , ) ,\t'descr' : '=f4' , 'fortran_order' : True , } \n\n",
                "{'fortran_order': False, 'shape': (2L,), 'descr': '<f4'}",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2,), }"
            })
    void readsHeadersThatOtherWritersSpellDifferently(String header) {
        for (int version = 1; version <= 3; version++) {
            Tensor tensor = decode(array(header, version, new byte[] {0, 0, (byte) 0x80, 0x3f, 0, 0, 0, 0x40}));
            assertThat(tensor.toFloatArray()).containsExactly(1, 2);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "refused_object.npy     | type '|O' holds Python objects",
                "refused_complex.npy    | type '<c8' is complex",
                "refused_text.npy       | type '<U2' is text",
                "refused_bytes.npy      | type '|S2' is text",
                "refused_date.npy       | type '<M8[D]' is a date",
                "refused_structured.npy | structured types are not supported",
                "flower/npy_U3.bin      | type '<U2' is text",
                "flower/npy_c8_2.bin    | type '<c8' is complex"
            })
    void refusesTypesOfNumpyByName(String file, String reason) {
        assertThatThrownBy(() -> decode(GoldenFiles.bytes(file)))
                .isInstanceOf(FormatException.class)
                .hasMessageStartingWith("bytes: ")
                .hasMessageContaining(reason);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '#',
            quoteCharacter = '~',
            value = {
                "~~                                                             # must have '{'",
                "[]                                                             # must have '{'",
                "{                                                              # must have a string at 1, has ended",
                "{}                                                             # has no 'descr'",
                "{'descr': '<f4', 'fortran_order': False}                       # has no 'shape'",
                "{'descr': '<f4', 'shape': (2,)}                                # has no 'fortran_order'",
                "{'descr': '<f4', 'descr': '<f4'}                               # has the key 'descr' twice",
                "{'fortran_order': True, 'fortran_order': True}                 # has the key 'fortran_order' twice",
                "{'shape': (), 'shape': ()}                                     # has the key 'shape' twice",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1} # unknown key 'x'",
                "{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}         # must have '}'",
                "{'descr' '<f4', 'fortran_order': False, 'shape': (2,)}         # must have ':'",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x      # must have the end",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)},       # must have the end",
                "{,'descr': '<f4'}                                              # must have a string",
                "{'descr                                                        # a string without end",
                "{'d\\x65scr': '<f4'}                                           # escapes in strings",
                "{'descr': 4, 'fortran_order': False, 'shape': (2,)}            # must have a string",
                "{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': ()}  # structured types",
                "{'descr': '|f4', 'fortran_order': False, 'shape': (2,)}        # must name its byte order",
                "{'descr': 'f4', 'fortran_order': False, 'shape': (2,)}         # type 'f4' is not supported",
                "{'descr': '', 'fortran_order': False, 'shape': (2,)}           # type '' is not supported",
                "{'descr': '<', 'fortran_order': False, 'shape': (2,)}          # type '<' is not supported",
                "{'descr': '!f4', 'fortran_order': False, 'shape': (2,)}        # type '!f4' is not supported",
                "{'descr': '<f16', 'fortran_order': False, 'shape': (2,)}       # type '<f16' is not supported",
                "{'descr': '|V4', 'fortran_order': False, 'shape': (2,)}        # type '|V4' is raw",
                "{'descr': 'O', 'fortran_order': False, 'shape': (2,)}          # type 'O' holds Python objects",
                "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}            # must have True or False",
                "{'descr': '<f4', 'fortran_order': 'False', 'shape': (2,)}      # must have True or False",
                "{'descr': '<f4', 'fortran_order': Falsey, 'shape': (2,)}       # must have '}'",
                "{'descr': '<f4', 'fortran_order': False, 'shape': 2}           # must have '('",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2)}         # must be a tuple",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}         # must have a length",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}       # must have ',' or ')'",
                "{'descr': '<f4', 'fortran_order': False, 'shape': [2]}         # must have '('",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}       # must have a length",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2.0,)}      # must have ',' or ')'",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (0x2,)}      # must have ',' or ')'",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (02,)}       # must not start with 0",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2LL,)}      # must have ',' or ')'",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (True,)}     # must have a length",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,)} # must be <= 2^63-1",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)} # shape is refused",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,)} # must fit a long",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}        # truncated: wanted 12 bytes, found 8",
                "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 1)}       # truncated: wanted 12 bytes, found 8",
                "{'descr': '|u1', 'fortran_order': False, 'shape': (9,)}        # truncated: wanted 9 bytes, found 8",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}        # after the end",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (0,)}        # after the end",
                "{'descr': '|b1', 'fortran_order': False, 'shape': (8,)}        # a bool must be",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (536870913,)} # truncated",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2147483648,)} # values must take <= 8589934591"
            })
    void refusesHeader(String header, String reason) throws IOException {
        byte[] bytes = array(header, 1, new byte[] {0, 1, 2, 3, 4, 5, 6, 7});
        Path path = Files.write(folder.resolve("hostile.npy"), bytes);
        ReadLimits limits = ReadLimits.defaults().withMaxHeapBytes((8L << 30) - 1);

        assertThatThrownBy(() -> Npy.decode(bytes, "bytes", limits))
                .isInstanceOf(FormatException.class)
                .hasMessageStartingWith("bytes: ")
                .hasMessageContaining(reason);
        assertThatThrownBy(() -> Npy.read(new ByteArrayInputStream(bytes), "stream", limits))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining(reason);
        assertThatThrownBy(() -> Npy.map(path, limits))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void refusesShapesOfTooManyDimensions() {
        String header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1,".repeat(33) + ")}";

        assertThatThrownBy(() -> decode(array(header, 1, new byte[4])))
                .hasMessage("bytes: its shape must have <= 32 dimensions");
    }

    @Test
    void refusesHeadersThatAreNotAsciiInEveryVersion() {
        for (int version = 1; version <= 3; version++) {
            byte[] bytes = array("{'d\u00e9scr': '<f4'}", version, new byte[0]);
            assertThatThrownBy(() -> decode(bytes)).hasMessage("bytes: its header must be ASCII, is not at 3");
        }
    }

    @Test
    void refusesOtherSignaturesVersionsAndLengths() {
        byte[] good = GoldenFiles.bytes("rows_2x3.npy");
        byte[] signature = good.clone();
        signature[1] = 'n';
        byte[] major = good.clone();
        major[6] = 4;
        byte[] minor = good.clone();
        minor[7] = (byte) 0xff;
        byte[] length = Arrays.copyOf(array("", 2, new byte[0]), 100);
        Arrays.fill(length, 8, 12, (byte) 0xff);

        assertThatThrownBy(() -> decode(signature)).hasMessageContaining("is not an .npy array");
        assertThatThrownBy(() -> decode(major)).hasMessage("bytes: .npy version 4.0 is not supported");
        assertThatThrownBy(() -> decode(minor)).hasMessage("bytes: .npy version 1.255 is not supported");
        assertThatThrownBy(() -> stream(length))
                .hasMessage("stream: its header must have <= 1048576 bytes, has 4294967295");
        assertThatThrownBy(() -> Npy.decode(good, "bytes", ReadLimits.defaults().withMaxHeaderBytes(117)))
                .hasMessage("bytes: its header must have <= 117 bytes, has 118");
    }

    @Test
    void noticesEveryTruncation() {
        for (String file :
                new String[] {"rows_2x3.npy", "version_2.npy", "columns_2x3.npy", "be_i2.npy", "be_f8.npy"}) {
            byte[] bytes = GoldenFiles.bytes(file);
            for (int length = 0; length < bytes.length; length++) {
                byte[] cut = Arrays.copyOf(bytes, length);
                assertThatThrownBy(() -> decode(cut))
                        .isInstanceOf(FormatException.class)
                        .hasMessageContaining("truncated");
                assertThatThrownBy(() -> stream(cut))
                        .isInstanceOf(FormatException.class)
                        .hasMessageContaining("truncated");
            }
        }
    }

    @Test
    void allocatesWhatAStreamDeliversNotWhatItAnnounces() {
        ReadLimits limits = ReadLimits.defaults().withMaxHeapBytes(Long.MAX_VALUE);
        for (String type : new String[] {"<f4", "<f8", "<f2", ">i8", "|b1"}) {
            for (String layout : new String[] {"False, 'shape': (2147483639,)", "True, 'shape': (4, 274877906944)"}) {
                String header = "{'descr': '" + type + "', 'fortran_order': " + layout + "}";
                byte[] bytes = array(header, 1, new byte[200]);
                assertThatThrownBy(() -> Npy.read(new ByteArrayInputStream(bytes), "s", limits))
                        .as(header)
                        .isInstanceOf(FormatException.class)
                        .hasMessageContaining("truncated")
                        .hasMessageEndingWith("found 200");
            }
        }
    }

    @Test
    void readsAnArrayOutOfTheMiddleOfAStream() throws IOException {
        Tensor tensor = Tensor.copyOf(new float[] {1, -2, 3});
        byte[] bytes = Npy.encode(tensor);
        ByteBuffer twice = ByteBuffer.allocate(2 * bytes.length).put(bytes).put(bytes);
        ByteArrayInputStream in = new ByteArrayInputStream(twice.array());

        assertThat(Npy.read(in, bytes.length, "first", ReadLimits.defaults())).isEqualTo(tensor);
        assertThat(in.available()).isEqualTo(bytes.length);
        assertThatThrownBy(() -> Npy.read(in, bytes.length - 1, "second", ReadLimits.defaults()))
                .isInstanceOf(FormatException.class)
                .hasMessage("second: the data is truncated: wanted 12 bytes, found 11");
    }

    @Test
    void refusesToWriteBfloat16() {
        Tensor tensor = Tensor.zeros(TensorType.BFLOAT16, Shape.of(1));
        Path path = folder.resolve("never.npy");

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Npy.encode(tensor))
                .withMessageContaining("no bfloat16");
        assertThatIllegalArgumentException().isThrownBy(() -> Npy.write(tensor, path));
        assertThat(path).doesNotExist();
    }

    @Test
    void survivesMutations() {
        String[] files = {
            "rows_2x3.npy", "columns_2x3x4_be_i2.npy", "b1.npy", "version_2.npy", "scalar.npy", "empty.npy"
        };
        int refused = 0;
        for (int seed = 0; seed < MUTATIONS; seed++) {
            Random random = new Random(seed);
            byte[] bytes = GoldenFiles.bytes(files[seed % files.length]);
            for (int i = 0; i <= random.nextInt(3); i++) {
                int at = random.nextInt(Math.min(bytes.length, 80));
                switch (random.nextInt(3)) {
                    case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                    case 1 -> bytes[at] = (byte) "{}()[]',:0123456789<>|=LTFOfiubc \n\u0000".charAt(random.nextInt(35));
                    default -> bytes = Arrays.copyOf(bytes, 80 + random.nextInt(bytes.length));
                }
            }
            try {
                if (seed % 2 == 0) {
                    decode(bytes).firstNonFinite();
                } else {
                    stream(bytes).firstNonFinite();
                }
            } catch (FormatException expected) {
                refused++;
            } catch (Throwable e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
        assertThat(refused).isBetween(MUTATIONS / 2, MUTATIONS - 1);
    }
}
