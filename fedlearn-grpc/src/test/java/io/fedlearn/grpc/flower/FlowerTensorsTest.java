package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.grpc.proto.flower.Parameters;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FlowerTensorsTest {
    private static Tensor conform(Tensor tensor, TensorType type, TensorRole role) throws FlowerException {
        return FlowerTensors.conform(tensor, new TensorSpec("t", type, tensor.shape(), role));
    }

    @Test
    void roundsWhatArithmeticHasWidened() throws FlowerException {
        Tensor wide = Tensor.copyOf(new double[] {0.1, -1e300, 3});

        assertThat(conform(wide, TensorType.FLOAT32, TensorRole.TRAINABLE))
                .isEqualTo(Tensor.copyOf(new float[] {0.1f, Float.NEGATIVE_INFINITY, 3}));
        assertThat(conform(Tensor.copyOf(new float[] {0.1f}), TensorType.FLOAT64, TensorRole.BUFFER))
                .isEqualTo(Tensor.copyOf(new double[] {0.1f}));
    }

    @Test
    void takesIntegersOfAnyWidthThatHoldsThem() throws FlowerException {
        assertThat(conform(Tensor.copyOf(new int[] {1, -2}), TensorType.INT64, TensorRole.COUNTER))
                .isEqualTo(Tensor.copyOf(new long[] {1, -2}));
        assertThat(conform(Tensor.copyOf(new long[] {255}), TensorType.UINT8, TensorRole.COUNTER))
                .isEqualTo(Tensor.ofIntegers(TensorType.UINT8, Shape.of(1), new long[] {255}));
    }

    @ParameterizedTest
    @CsvSource({"INT64,UINT64", "UINT64,INT64", "INT64,INT32", "INT64,UINT8", "INT64,UINT32"})
    void refusesIntegersThatTheTypeDoesNotHold(TensorType from, TensorType to) {
        Tensor tensor = Tensor.ofIntegers(from, Shape.of(1), new long[] {-1L << 40});

        assertThatThrownBy(() -> conform(tensor, to, TensorRole.COUNTER))
                .isInstanceOf(FlowerException.class)
                .hasMessage("tensor 't' must be of type " + to + ", was " + from + " with a value that " + to
                        + " does not hold");
    }

    @Test
    void roundsCountersThatAveragingMadeFractions() throws FlowerException {
        assertThat(conform(Tensor.copyOf(new double[] {2.5, 3.5, 7}), TensorType.INT64, TensorRole.COUNTER))
                .isEqualTo(Tensor.copyOf(new long[] {2, 4, 7}));
        assertThatThrownBy(
                        () -> conform(Tensor.copyOf(new double[] {Double.NaN}), TensorType.INT64, TensorRole.COUNTER))
                .isInstanceOf(FlowerException.class)
                .hasMessageContaining("tensor 't'");
    }

    @Test
    void refusesOtherTypesByName() {
        assertThatThrownBy(() -> conform(Tensor.copyOf(new long[] {1}), TensorType.FLOAT32, TensorRole.TRAINABLE))
                .hasMessage("tensor 't' must be of type FLOAT32, was INT64");
        assertThatThrownBy(() -> conform(Tensor.copyOf(new double[] {1}), TensorType.INT64, TensorRole.BUFFER))
                .hasMessage("tensor 't' must be of type INT64, was FLOAT64");
        assertThatThrownBy(() -> conform(Tensor.copyOf(new long[] {1}), TensorType.BOOL, TensorRole.BUFFER))
                .hasMessage("tensor 't' must be of type BOOL, was INT64");
    }

    @Test
    void refusesOtherCountsAndShapesByName() {
        Model model = Model.builder()
                .trainable("w", Tensor.copyOf(new float[] {1, 2}, 2, 1))
                .trainable("b", Tensor.scalar(1f))
                .build();

        assertThatThrownBy(() -> FlowerTensors.conform(List.of(Tensor.scalar(1f)), model.spec()))
                .hasMessage("the model has 2 tensors, got 1");
        assertThatThrownBy(() -> FlowerTensors.conform(
                        List.of(Tensor.copyOf(new float[] {1, 2}, 1, 2), Tensor.scalar(1f)), model.spec()))
                .hasMessage("tensor 'w' must have shape 2x1, had 1x2");
    }

    @Test
    void neverLooksIntoPickles() {
        String header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }";
        byte[] text = (header + " ".repeat(117 - header.length()) + "\n").getBytes(StandardCharsets.US_ASCII);
        byte[] start = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0};
        Parameters parameters = Parameters.newBuilder()
                .addTensors(ByteString.copyFrom(start)
                        .concat(ByteString.copyFrom(text))
                        .concat(ByteString.copyFromUtf8("cos\nsystem\n(S'true'\ntR.")))
                .build();

        assertThatThrownBy(() -> FlowerTensors.read(parameters))
                .isInstanceOf(FlowerException.class)
                .hasMessageStartingWith("tensors[0]: ");
    }

    @Test
    void refusesWhatIsCutOffOrGoesOn() {
        ByteString whole = ByteString.copyFrom(Golden.bytes("npy_f4_2x3"));
        for (ByteString wrong : List.of(
                ByteString.EMPTY,
                whole.substring(0, 5),
                whole.substring(0, 100),
                whole.substring(0, whole.size() - 1),
                whole.concat(ByteString.copyFrom(new byte[1])))) {
            Parameters parameters =
                    Parameters.newBuilder().addTensors(whole).addTensors(wrong).build();
            assertThatThrownBy(() -> FlowerTensors.read(parameters))
                    .isInstanceOf(FlowerException.class)
                    .hasMessageStartingWith("tensors[1]: ");
        }
    }

    @Test
    void namesTheTensorThatNumpyHasNoTypeFor() {
        Model model = Model.builder()
                .trainable("half", Tensor.zeros(TensorType.BFLOAT16, Shape.of(1)))
                .build();

        assertThatThrownBy(() -> FlowerTensors.write(model))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("tensor 'half'")
                .hasMessageContaining("bfloat16");
    }
}
