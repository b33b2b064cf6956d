package io.fedlearn.core.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.random.SeededRandom;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TensorTest {
    /** Longer than two blocks and not a whole number of them. */
    private static final int LONG = 2 * 8192 + 5;

    /** Bytes that lie outside the heap as far as the tensor knows. */
    private static final class Foreign implements TensorData {
        private final byte[] bytes;

        Foreign(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public void read(long byteOffset, ByteBuffer target) {
            target.put(bytes, (int) byteOffset, target.remaining());
        }
    }

    /** Random bits of the type, valid and finite; the first values are the ones that make trouble. */
    private static byte[] randomBytes(TensorType type, int count) {
        ByteBuffer bytes = ByteBuffer.allocate(count * type.byteSize()).order(ByteOrder.LITTLE_ENDIAN);
        SeededRandom random = SeededRandom.of(type.code());
        for (int i = 0; i < count; i++) {
            long bits = i == 0 ? 0 : i == 1 ? -1L : i == 2 ? Long.MIN_VALUE : random.nextLong();
            switch (type) {
                case FLOAT64 -> bytes.putDouble(i == 0 ? -0.0 : random.nextGaussian());
                case FLOAT32 -> bytes.putFloat(i == 0 ? -0.0f : (float) random.nextGaussian());
                case FLOAT16, BFLOAT16 -> bytes.putShort((short) (bits & 0xbbff));
                case BOOL -> bytes.put((byte) (bits & 1));
                case INT8, UINT8 -> bytes.put((byte) bits);
                case INT16, UINT16 -> bytes.putShort((short) bits);
                case INT32, UINT32 -> bytes.putInt((int) bits);
                case INT64, UINT64 -> bytes.putLong(bits);
            }
        }
        return bytes.array();
    }

    private static Tensor heap(TensorType type, int count) {
        return Tensor.decode(type, Shape.of(count), ByteBuffer.wrap(randomBytes(type, count)));
    }

    private static Tensor foreign(TensorType type, int count) {
        return Tensor.of(type, Shape.of(count), new Foreign(randomBytes(type, count)));
    }

    private static byte[] encoded(Tensor tensor) {
        ByteBuffer bytes = ByteBuffer.allocate((int) tensor.byteCount());
        assertThat(tensor.encodeTo(0, bytes)).isEqualTo((int) tensor.elementCount());
        return bytes.array();
    }

    @ParameterizedTest
    @EnumSource
    void encodesTheBytesThatItWasDecodedFrom(TensorType type) {
        byte[] bytes = randomBytes(type, LONG);

        assertThat(encoded(heap(type, LONG))).isEqualTo(bytes);
        assertThat(encoded(foreign(type, LONG))).isEqualTo(bytes);
    }

    @ParameterizedTest
    @EnumSource
    void takesOverEncodedBytes(TensorType type) {
        assertThat(Tensor.wrap(type, Shape.of(LONG), randomBytes(type, LONG))).isEqualTo(heap(type, LONG));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tensor.wrap(type, Shape.of(2, 3), new byte[5]))
                .withMessageContaining("got 5");
    }

    @ParameterizedTest
    @EnumSource
    void readsAlikeFromTheHeapAndFromElsewhere(TensorType type) {
        Tensor heap = heap(type, LONG);
        Tensor foreign = foreign(type, LONG);

        assertThat(heap).isEqualTo(foreign).hasSameHashCodeAs(foreign);
        assertThat(foreign).isEqualTo(heap);
        assertThat(heap.toDoubleArray()).isEqualTo(foreign.toDoubleArray());
        assertThat(heap.toFloatArray()).isEqualTo(foreign.toFloatArray());
        assertThat(heap.byteCount()).isEqualTo((long) LONG * type.byteSize());
        assertThat(heap.heapBytes()).isEqualTo(heap.byteCount());
        assertThat(foreign.heapBytes()).isZero();
        if (!type.isFloating()) {
            assertThat(heap.toLongArray()).isEqualTo(foreign.toLongArray());
        }
    }

    @ParameterizedTest
    @EnumSource
    void readsAnyRangeLikeTheWhole(TensorType type) {
        double[] all = heap(type, LONG).toDoubleArray();
        for (Tensor tensor : new Tensor[] {heap(type, LONG), foreign(type, LONG)}) {
            for (int[] range : new int[][] {{0, 0}, {LONG, 0}, {8191, 2}, {8192, 8192}, {1, LONG - 1}, {LONG - 1, 1}}) {
                double[] target = new double[range[1] + 2];
                tensor.copyTo(range[0], target, 1, range[1]);

                assertThat(Arrays.copyOfRange(target, 1, range[1] + 1))
                        .isEqualTo(Arrays.copyOfRange(all, range[0], range[0] + range[1]));
                assertThat(target[0]).isZero();
                assertThat(target[range[1] + 1]).isZero();
            }
            assertThat(tensor.get(8192)).isEqualTo(all[8192]);
        }
    }

    @ParameterizedTest
    @EnumSource
    void addsScaledValuesAlikeFromTheHeapAndFromElsewhere(TensorType type) {
        double[] values = heap(type, LONG).toDoubleArray();
        double[] expected = new double[LONG + 1];
        Arrays.fill(expected, 0.1);
        double[] fromHeap = expected.clone();
        double[] fromElsewhere = expected.clone();
        for (int i = 3; i < LONG; i++) {
            expected[i - 2] += 0.3 * values[i];
        }

        heap(type, LONG).addScaledTo(3, fromHeap, 1, LONG - 3, 0.3);
        foreign(type, LONG).addScaledTo(3, fromElsewhere, 1, LONG - 3, 0.3);

        assertThat(fromHeap).isEqualTo(expected);
        assertThat(fromElsewhere).isEqualTo(expected);
    }

    @ParameterizedTest
    @EnumSource
    void holdsScalarsAndNothing(TensorType type) {
        Tensor zero = Tensor.zeros(type, Shape.scalar());
        Tensor nothing = Tensor.zeros(type, Shape.of(3, 0, 2));

        assertThat(zero.elementCount()).isEqualTo(1);
        assertThat(zero.get(0)).isZero();
        assertThat(encoded(zero)).hasSize(type.byteSize()).containsOnly(0);
        assertThat(nothing.elementCount()).isZero();
        assertThat(nothing.toDoubleArray()).isEmpty();
        assertThat(nothing.firstNonFinite()).isEqualTo(-1);
        assertThat(encoded(nothing)).isEmpty();
        assertThat(nothing)
                .isEqualTo(Tensor.decode(type, Shape.of(3, 0, 2), ByteBuffer.allocate(0)))
                .isNotEqualTo(Tensor.zeros(type, Shape.of(0)))
                .hasToString(type + " 3x0x2");
    }

    @ParameterizedTest
    @EnumSource
    void appendsAsManyWholeElementsAsThereIsRoomFor(TensorType type) {
        Tensor tensor = heap(type, 10);
        int size = type.byteSize();
        ByteBuffer target = ByteBuffer.allocate(1 + 4 * size + size - 1).order(ByteOrder.BIG_ENDIAN);
        target.put((byte) 77);

        int appended = tensor.encodeTo(7, target);

        assertThat(appended).isEqualTo(3);
        assertThat(target.position()).isEqualTo(1 + 3 * size);
        assertThat(target.order()).isEqualTo(ByteOrder.BIG_ENDIAN);
        assertThat(Arrays.copyOfRange(target.array(), 1, 1 + 3 * size))
                .isEqualTo(Arrays.copyOfRange(randomBytes(type, 10), 7 * size, 10 * size));
        assertThat(tensor.encodeTo(0, target)).isEqualTo(size == 1 ? 1 : (target.capacity() - 1 - 3 * size) / size);
        assertThat(tensor.encodeTo(10, target)).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void appendsToDirectBuffers(TensorType type) {
        ByteBuffer target = ByteBuffer.allocateDirect(LONG * type.byteSize());

        heap(type, LONG).encodeTo(0, target);

        assertThat(target.flip()).isEqualTo(ByteBuffer.wrap(randomBytes(type, LONG)));
    }

    static Stream<Arguments> extremes() {
        return Stream.of(
                Arguments.of(TensorType.INT8, new long[] {-128, -1, 0, 127}),
                Arguments.of(TensorType.INT16, new long[] {-32768, -1, 0, 32767}),
                Arguments.of(TensorType.INT32, new long[] {Integer.MIN_VALUE, -1, 0, Integer.MAX_VALUE}),
                Arguments.of(TensorType.INT64, new long[] {Long.MIN_VALUE, -1, 0, Long.MAX_VALUE}),
                Arguments.of(TensorType.UINT8, new long[] {0, 127, 128, 255}),
                Arguments.of(TensorType.UINT16, new long[] {0, 32767, 32768, 65535}),
                Arguments.of(TensorType.UINT32, new long[] {0, 1L << 31, (1L << 32) - 1}),
                Arguments.of(TensorType.UINT64, new long[] {0, Long.MAX_VALUE, Long.MIN_VALUE, -1}),
                Arguments.of(TensorType.BOOL, new long[] {0, 1}));
    }

    @ParameterizedTest
    @MethodSource("extremes")
    void keepsIntegersToTheirExtremes(TensorType type, long[] values) {
        Tensor tensor = Tensor.ofIntegers(type, Shape.of(values.length), values);

        assertThat(tensor.toLongArray()).isEqualTo(values);
        for (int i = 0; i < values.length; i++) {
            BigInteger exact = type == TensorType.UINT64
                    ? new BigInteger(Long.toUnsignedString(values[i]))
                    : BigInteger.valueOf(values[i]);
            assertThat(tensor.get(i)).isEqualTo(exact.doubleValue());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "INT8, 128",
        "INT8, -129",
        "INT16, 32768",
        "INT16, -32769",
        "INT32, 2147483648",
        "INT32, -2147483649",
        "UINT8, 256",
        "UINT8, -1",
        "UINT16, 65536",
        "UINT16, -1",
        "UINT32, 4294967296",
        "UINT32, -1",
        "BOOL, 2",
        "BOOL, -1"
    })
    void refusesAnIntegerThatTheTypeCannotHold(TensorType type, long value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tensor.ofIntegers(type, Shape.of(2), new long[] {0, value}))
                .withMessage(type + " cannot hold the value at 1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tensor.rounded(type, Shape.of(2), new double[] {0, value}))
                .withMessage(type + " cannot hold the value at 1");
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.INCLUDE,
            names = {"FLOAT16", "BFLOAT16", "FLOAT32", "FLOAT64"})
    void refusesToTreatFloatingPointValuesAsIntegers(TensorType type) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tensor.ofIntegers(type, Shape.of(1), new long[1]))
                .withMessage(type + " is not an integer type");
        assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(heap(type, 1)::toLongArray);
        assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(foreign(type, 1)::toLongArray);
    }

    @Test
    void readsUnsignedLongsRoundedToNearestTiesToEven() {
        long[] bits = {
            (1L << 63) + 1024, // a tie between 2^63 and 2^63 + 2048: even is 2^63
            (1L << 63) + 1025, // just above the tie
            (1L << 63) + 3072, // a tie between 2^63 + 2048 and 2^63 + 4096: even is the upper
            -1L,
            (1L << 53) + 1
        };

        Tensor tensor = Tensor.ofIntegers(TensorType.UINT64, Shape.of(5), bits);

        for (int i = 0; i < bits.length; i++) {
            assertThat(tensor.get(i)).isEqualTo(new BigDecimal(Long.toUnsignedString(bits[i])).doubleValue());
        }
    }

    @ParameterizedTest
    @EnumSource
    void roundsValuesToTheTypeAndBack(TensorType type) {
        double[] values = {0, 1, type.isUnsigned() || type == TensorType.BOOL ? 0 : -1, 0.5, 0.75};

        Tensor tensor = Tensor.rounded(type, Shape.of(5), values);

        assertThat(tensor.type()).isEqualTo(type);
        if (type.isFloating()) {
            assertThat(tensor.toDoubleArray()).isEqualTo(values);
        } else {
            // 0.5 ties to the even 0.
            assertThat(tensor.toDoubleArray()).containsExactly(0, 1, values[2], 0, 1);
        }
        assertThat(Tensor.rounded(type, Shape.of(5), tensor.toDoubleArray())).isEqualTo(tensor);
    }

    @Test
    void roundsToNearestTiesToEven() {
        assertThat(Tensor.rounded(TensorType.INT8, Shape.of(5), new double[] {2.5, 3.5, -2.5, -128.5, 127.4})
                        .toLongArray())
                .containsExactly(2, 4, -2, -128, 127);
        assertThat(Tensor.rounded(TensorType.FLOAT32, Shape.of(2), new double[] {1 + 0x1p-24, 1 + 3 * 0x1p-24})
                        .toDoubleArray())
                .containsExactly(1, 1 + 0x1p-22);
        assertThat(Tensor.rounded(TensorType.FLOAT16, Shape.of(2), new double[] {1 + 0x1p-11, 1 + 3 * 0x1p-11})
                        .toDoubleArray())
                .containsExactly(1, 1 + 0x1p-9);
        assertThat(Tensor.rounded(TensorType.BFLOAT16, Shape.of(2), new double[] {1 + 0x1p-8, 1 + 3 * 0x1p-8})
                        .toDoubleArray())
                .containsExactly(1, 1 + 0x1p-6);
    }

    @Test
    void roundsToUnsignedLongsInTheirWholeRange() {
        double largest = Math.nextDown(0x1p64);
        Tensor tensor =
                Tensor.rounded(TensorType.UINT64, Shape.of(5), new double[] {-0.0, -0.5, 0x1p63, largest, 0x1p62});

        assertThat(tensor.toDoubleArray()).containsExactly(0, 0, 0x1p63, largest, 0x1p62);
        assertThat(tensor.toLongArray()).containsExactly(0, 0, Long.MIN_VALUE, -2048, 1L << 62);
    }

    @ParameterizedTest
    @CsvSource({
        "UINT64, -1",
        "UINT64, 18446744073709551616",
        "UINT64, NaN",
        "INT64, 9223372036854775808",
        "INT64, -9223372036854777856",
        "INT64, NaN",
        "INT32, Infinity",
        "INT8, -Infinity",
        "UINT8, 255.5",
        "BOOL, NaN"
    })
    void refusesToRoundWhatTheTypeCannotHold(TensorType type, double value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tensor.rounded(type, Shape.of(1), new double[] {value}))
                .withMessage(type + " cannot hold the value at 0");
    }

    @Test
    void roundsTheSmallestSignedLong() {
        assertThat(Tensor.rounded(TensorType.INT64, Shape.of(1), new double[] {-0x1p63})
                        .toLongArray())
                .containsExactly(Long.MIN_VALUE);
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.INCLUDE,
            names = {"FLOAT16", "BFLOAT16", "FLOAT32", "FLOAT64"})
    void findsTheFirstValueThatIsNotFinite(TensorType type) {
        for (int at : new int[] {0, 1, 4095, 4096, 4097, 8191, 8192, 8193, 16383, 16384, LONG - 1}) {
            for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
                double[] values = new double[LONG];
                values[at] = bad;
                values[LONG - 1] = bad;

                Tensor tensor = Tensor.rounded(type, Shape.of(LONG), values);

                assertThat(tensor.firstNonFinite()).isEqualTo(at);
                assertThat(Tensor.of(type, Shape.of(LONG), new Foreign(encoded(tensor)))
                                .firstNonFinite())
                        .isEqualTo(at);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void findsNothingWrongWithFiniteValues(TensorType type) {
        assertThat(heap(type, LONG).firstNonFinite()).isEqualTo(-1);
        assertThat(foreign(type, LONG).firstNonFinite()).isEqualTo(-1);
        if (type == TensorType.FLOAT32) {
            assertThat(Tensor.copyOf(new float[] {Float.MAX_VALUE, -Float.MAX_VALUE, Float.MIN_VALUE})
                            .firstNonFinite())
                    .isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void differsInTheLastElementAlone(TensorType type) {
        for (int count : new int[] {1, 8191, 8192, 8193, LONG}) {
            byte[] bytes = randomBytes(type, count);
            bytes[(count - 1) * type.byteSize()] ^= 1;

            assertThat(Tensor.of(type, Shape.of(count), new Foreign(bytes))).isNotEqualTo(heap(type, count));
        }
    }

    @Test
    void equalsByBitsShapeAndType() {
        assertThat(Tensor.scalar(0.0)).isNotEqualTo(Tensor.scalar(-0.0));
        assertThat(Tensor.scalar(Double.NaN)).isEqualTo(Tensor.scalar(Double.NaN));
        assertThat(Tensor.scalar(1.0)).isNotEqualTo(Tensor.scalar(1.0f)).isNotEqualTo(Tensor.copyOf(new double[] {1}));
        assertThat(Tensor.copyOf(new int[] {1})).isNotEqualTo(Tensor.copyOf(new long[] {1}));
        assertThat(Tensor.copyOf(new int[] {1, -2}))
                .isEqualTo(Tensor.ofIntegers(TensorType.INT32, Shape.of(2), new long[] {1, -2}))
                .isNotEqualTo(new Object());
        assertThat(Tensor.scalar(7L).toLongArray()).containsExactly(7);
    }

    @Test
    void copiesOrTakesOverAsItSays() {
        float[] values = {1, 2};
        Tensor copy = Tensor.copyOf(values);
        Tensor over = Tensor.wrap(values);

        copy.toFloatArray()[0] = 9;
        values[0] = 5;

        assertThat(copy.get(0)).isEqualTo(1);
        assertThat(over.get(0)).isEqualTo(5);
    }

    @Test
    void copiesWhatItDecodesAndLeavesTheBufferAlone() {
        ByteBuffer bytes = ByteBuffer.allocate(5).order(ByteOrder.BIG_ENDIAN);
        bytes.put(4, (byte) 0x3f).put(3, (byte) 0x80).position(1);

        Tensor tensor = Tensor.decode(TensorType.FLOAT32, Shape.scalar(), bytes);
        bytes.put(4, (byte) 0);

        assertThat(tensor.get(0)).isEqualTo(1);
        assertThat(bytes.position()).isEqualTo(1);
        assertThat(bytes.order()).isEqualTo(ByteOrder.BIG_ENDIAN);
    }

    @Test
    void reshapesWithoutChangingValues() {
        Tensor tensor = Tensor.copyOf(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);

        assertThat(tensor.reshape(Shape.of(3, 2)))
                .isEqualTo(Tensor.copyOf(new float[] {1, 2, 3, 4, 5, 6}, 3, 2))
                .isNotEqualTo(tensor);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> tensor.reshape(Shape.of(7)))
                .withMessage("shape 7 has 7 elements, the tensor 6");
    }

    @Test
    void refusesValuesThatDoNotFitTheShape() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tensor.copyOf(new float[5], 2, 3))
                .withMessage("shape 2x3 has 6 elements, got 5");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tensor.rounded(TensorType.INT8, Shape.scalar(), new double[0]))
                .withMessage("shape scalar has 1 elements, got 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tensor.ofIntegers(TensorType.INT8, Shape.of(1), new long[2]))
                .withMessage("shape 1 has 1 elements, got 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tensor.decode(TensorType.INT32, Shape.of(2), ByteBuffer.allocate(9)))
                .withMessage("values of INT32 2 take 8 bytes, got 9");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tensor.zeros(TensorType.INT8, Shape.of(1L << 31)))
                .withMessageContaining("limited to an array's 2^31-9 entries, wanted 2147483648");
    }

    @Test
    void refusesASizeInBytesThatDoesNotFitALong() {
        // 2^61 elements of 8 bytes are 2^64 bytes, which wraps around to 0.
        Shape shape = Shape.of(1L << 61);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tensor.decode(TensorType.FLOAT64, shape, ByteBuffer.allocate(0)))
                .withMessage("values of FLOAT64 2305843009213693952 take more bytes than a long counts");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tensor.of(TensorType.INT64, shape, new Foreign(new byte[0])))
                .withMessage("values of INT64 2305843009213693952 take more bytes than a long counts");
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 4})
    void refusesRangesOutside(int from) {
        for (Tensor tensor : new Tensor[] {heap(TensorType.FLOAT32, 3), foreign(TensorType.INT8, 3)}) {
            assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> tensor.get(from));
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> tensor.encodeTo(from, ByteBuffer.allocate(64)));
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> tensor.copyTo(0, new double[3], 1, 3));
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> tensor.addScaledTo(1, new double[9], 0, 3, 1));
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> tensor.copyTo(0, new float[9], 0, -1));
        }
    }

    @Test
    void typesHaveCodesOfTheirOwn() {
        assertThat(TensorType.values()).extracting(TensorType::code).doesNotHaveDuplicates();
        for (TensorType type : TensorType.values()) {
            assertThat(TensorType.ofCode(type.code())).contains(type);
        }
        assertThat(TensorType.ofCode(0)).isEmpty();
        assertThat(TensorType.ofCode(14)).isEmpty();
        assertThat(IntStream.of(TensorRole.TRAINABLE.code(), TensorRole.BUFFER.code(), TensorRole.COUNTER.code()))
                .containsExactly(1, 2, 3);
    }
}
