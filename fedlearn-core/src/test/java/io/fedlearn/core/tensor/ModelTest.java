package io.fedlearn.core.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ModelTest {
    private static final Model MODEL = Model.builder()
            .trainable("dense/größe", Tensor.copyOf(new float[] {1, -2, 0.5f, 0, 3, -0.0f}, 2, 3))
            .buffer("mean", Tensor.copyOf(new double[] {Math.PI}, 1))
            .counter("steps", Tensor.scalar(7L))
            .buffer("none", Tensor.zeros(TensorType.FLOAT16, Shape.of(0, 4)))
            .build();

    // Computed in Python: hashlib.sha256 over struct.pack of the documented encoding.
    private static final String GOLDEN = "e33d5c885645d0ed9f1ef85e47579720c1da9feb6244aaeef0ef8ee0be84cb13";

    private static void number(ByteArrayOutputStream out, int bytes, long value) {
        for (int i = 0; i < bytes; i++) {
            out.write((int) (value >>> 8 * i) & 0xff);
        }
    }

    private static void header(ByteArrayOutputStream out, String name, int type, int role, long... lengths) {
        byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
        number(out, 4, utf8.length);
        out.writeBytes(utf8);
        number(out, 1, type);
        number(out, 1, role);
        number(out, 1, lengths.length);
        for (long length : lengths) {
            number(out, 8, length);
        }
    }

    private static String sha256(ByteArrayOutputStream out) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(out.toByteArray()));
    }

    @Test
    void givesItsTrainablesInOneFlatArray() {
        Model model = Model.builder()
                .trainable("a", Tensor.copyOf(new double[] {1.5, -2}, 2))
                .buffer("mean", Tensor.copyOf(new float[] {9}, 1))
                .trainable("b", Tensor.copyOf(new float[] {3, 4, 5, 6}, 2, 2))
                .counter("steps", Tensor.scalar(7L))
                .build();

        assertThat(model.trainablesToFloatArray()).containsExactly(1.5f, -2, 3, 4, 5, 6);
    }

    @Test
    void digestIsThatOfTheDocumentedEncoding() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes("fedlearn-model-1".getBytes(StandardCharsets.US_ASCII));
        header(out, "dense/größe", 3, 1, 2, 3);
        for (float value : new float[] {1, -2, 0.5f, 0, 3, -0.0f}) {
            number(out, 4, Float.floatToRawIntBits(value));
        }
        header(out, "mean", 4, 2, 1);
        number(out, 8, Double.doubleToRawLongBits(Math.PI));
        header(out, "steps", 8, 3);
        number(out, 8, 7);
        header(out, "none", 1, 2, 0, 4);

        assertThat(MODEL.digest()).isEqualTo(sha256(out)).isEqualTo(GOLDEN);
    }

    @Test
    void digestOfNoTensorsIsThatOfThePrefix() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes("fedlearn-model-1".getBytes(StandardCharsets.US_ASCII));

        assertThat(Model.empty().digest()).isEqualTo(sha256(out));
    }

    @Test
    void digestCoversValuesBeyondOneBlock() throws Exception {
        // 40,001 floats are 160,004 bytes: more than two blocks of 64 KiB, and no whole number of them.
        float[] values = new float[40_001];
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < values.length; i++) {
            values[i] = i * 0.1f;
            bytes.putFloat(values[i]);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes("fedlearn-model-1".getBytes(StandardCharsets.US_ASCII));
        header(out, "w", 3, 1, values.length);
        out.writeBytes(bytes.array());

        assertThat(Model.builder().trainable("w", Tensor.wrap(values)).build().digest())
                .isEqualTo(sha256(out));
    }

    @Test
    void digestIsTheSameWhereverTheValuesLie() {
        TensorData elsewhere = (from, target) -> {
            while (target.hasRemaining()) {
                target.put((byte) 1);
            }
        };
        float[] ones = new float[50_000];
        Arrays.fill(ones, Float.intBitsToFloat(0x01010101));

        Tensor streamed = Tensor.of(TensorType.FLOAT32, Shape.of(50_000), elsewhere);

        assertThat(Model.builder().trainable("w", streamed).build())
                .isEqualTo(Model.builder().trainable("w", Tensor.wrap(ones)).build())
                .extracting(Model::digest)
                .isEqualTo(Model.builder()
                        .trainable("w", Tensor.wrap(ones))
                        .build()
                        .digest());
    }

    @Test
    void digestChangesWithEverythingThatTheModelIs() {
        Tensor tensor = Tensor.copyOf(new float[] {0, 0, 0, 0}, 2, 2);
        List<Model> models = List.of(
                Model.empty(),
                Model.builder().trainable("w", tensor).build(),
                Model.builder().trainable("v", tensor).build(),
                Model.builder().buffer("w", tensor).build(),
                Model.builder().trainable("w", tensor.reshape(Shape.of(4))).build(),
                Model.builder()
                        .trainable("w", tensor.reshape(Shape.of(2, 2, 1)))
                        .build(),
                Model.builder()
                        .trainable("w", Tensor.zeros(TensorType.FLOAT16, Shape.of(2, 2)))
                        .build(),
                Model.builder()
                        .trainable("w", Tensor.zeros(TensorType.FLOAT64, Shape.of(2, 2)))
                        .build(),
                Model.builder()
                        .trainable("w", Tensor.copyOf(new float[] {0, 0, 0, -0.0f}, 2, 2))
                        .build(),
                Model.builder().trainable("w", tensor).trainable("v", tensor).build(),
                Model.builder().trainable("v", tensor).trainable("w", tensor).build());

        assertThat(models.stream().map(Model::digest)).doesNotHaveDuplicates();
        assertThat(models).doesNotHaveDuplicates();
    }

    @Test
    void findsTensorsByName() {
        assertThat(MODEL.tensor("steps").toLongArray()).containsExactly(7);
        assertThat(MODEL.find("steps")).contains(Tensor.scalar(7L));
        assertThat(MODEL.find("step")).isEmpty();
        assertThat(MODEL.spec().indexOf("mean")).isEqualTo(1);
        assertThat(MODEL.spec().indexOf("")).isEqualTo(-1);
        assertThat(MODEL.spec().tensor("mean").orElseThrow().role()).isEqualTo(TensorRole.BUFFER);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MODEL.tensor("step"))
                .withMessage("the model has no tensor 'step'");
    }

    @Test
    void countsParametersAndBytes() {
        assertThat(MODEL.parameterCount()).isEqualTo(8);
        assertThat(MODEL.spec().trainableCount()).isEqualTo(6);
        assertThat(MODEL.byteCount()).isEqualTo(6 * 4 + 8 + 8);
        assertThat(MODEL.heapBytes()).isEqualTo(MODEL.byteCount());
        assertThat(MODEL).hasToString("model of 4 tensors, 8 parameters");
    }

    @Test
    void hasZerosOfItsSpecification() {
        Model zeros = Model.zeros(MODEL.spec());

        assertThat(zeros.spec()).isEqualTo(MODEL.spec()).hasSameHashCodeAs(MODEL.spec());
        for (Tensor tensor : zeros.tensors()) {
            assertThat(tensor.toDoubleArray()).isEqualTo(new double[(int) tensor.elementCount()]);
        }
        assertThat(Model.of(MODEL.spec(), MODEL.tensors())).isEqualTo(MODEL).hasSameHashCodeAs(MODEL);
    }

    @Test
    void refusesTensorsThatDifferFromTheSpecification() {
        ModelSpec spec = Model.builder()
                .trainable("w", Tensor.copyOf(new float[2]))
                .build()
                .spec();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Model.of(spec, List.of()))
                .withMessage("the specification has 1 tensors, got 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Model.of(spec, List.of(Tensor.copyOf(new float[3]))))
                .withMessage("tensor 'w' must be FLOAT32 2, was FLOAT32 3");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Model.of(spec, List.of(Tensor.copyOf(new double[2]))))
                .withMessage("tensor 'w' must be FLOAT32 2, was FLOAT64 2");
    }

    @Test
    void refusesTwoTensorsOfOneName() {
        Model.Builder builder = Model.builder().counter("n", Tensor.scalar(1L)).buffer("n", Tensor.scalar(1f));

        assertThatIllegalArgumentException().isThrownBy(builder::build).withMessage("two tensors are named 'n'");
    }

    @Test
    void refusesRolesThatDoNotFitTheType() {
        Model.Builder builder = Model.builder();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.trainable("w", Tensor.scalar(1L)))
                .withMessage("tensor 'w': a trainable must be of a floating-point type, was INT64");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.counter("n", Tensor.scalar(1f)))
                .withMessage("tensor 'n': a counter must be of an integer type, was FLOAT32");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.counter("n", Tensor.zeros(TensorType.BOOL, Shape.scalar())))
                .withMessage("tensor 'n': a counter must be of an integer type, was BOOL");
    }

    @Test
    void refusesNamesThatCannotTravel() {
        Model.Builder builder = Model.builder();
        Tensor tensor = Tensor.scalar(1f);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.buffer("", tensor))
                .withMessage("a tensor's name must have 1 to 512 characters, had 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.buffer("x".repeat(513), tensor))
                .withMessage("a tensor's name must have 1 to 512 characters, had 513");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.buffer("a\nb", tensor))
                .withMessage("a tensor's name must not hold control characters");
        for (String half : List.of("\ud800", "a\udc00b", "\udc00\ud800")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> builder.buffer(half, tensor))
                    .withMessage("a tensor's name must be valid Unicode, had half a surrogate pair");
        }
        assertThat(builder.buffer("x".repeat(512), tensor)
                        .buffer("\ud83d\ude00", tensor)
                        .build()
                        .spec()
                        .size())
                .isEqualTo(2);
    }

    @Test
    void refusesSizesInBytesThatDoNotFitALong() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TensorSpec("w", TensorType.FLOAT64, Shape.of(1L << 61), TensorRole.TRAINABLE))
                .withMessage("tensor 'w': values of FLOAT64 2305843009213693952 take more bytes than a long counts");

        TensorSpec large = new TensorSpec("w", TensorType.INT8, Shape.of(1L << 62), TensorRole.BUFFER);
        TensorSpec other = new TensorSpec("v", TensorType.INT8, Shape.of(1L << 62), TensorRole.BUFFER);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ModelSpec.of(List.of(large, other)))
                .withMessage("the tensors together take more bytes than a long counts");
    }

    @Test
    void keepsItsTensorsWhenItsBuilderGoesOn() {
        Model.Builder builder = Model.builder().trainable("a", Tensor.scalar(1f));
        Model first = builder.build();
        Model second = builder.trainable("b", Tensor.scalar(2f)).build();

        assertThat(IntStream.of(first.tensors().size(), second.tensors().size()))
                .containsExactly(1, 2);
    }
}
