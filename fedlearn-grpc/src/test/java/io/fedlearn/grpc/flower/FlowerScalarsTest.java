package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.Config;
import io.fedlearn.grpc.proto.flower.Scalar;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FlowerScalarsTest {
    private static Scalar written(Object value) {
        return FlowerScalars.write(Config.empty().with("x", value))
                .values()
                .iterator()
                .next();
    }

    private static Config read(Scalar scalar) throws FlowerException {
        return FlowerScalars.readConfig("config", Map.of("x", scalar));
    }

    @Test
    void writesATruthValueAsOneAndNotAsANumber() {
        assertThat(written(true).getScalarCase()).isEqualTo(Scalar.ScalarCase.BOOL);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, -1, Long.MAX_VALUE, Long.MIN_VALUE})
    void writesEveryWholeNumberAsSint64(long value) throws FlowerException {
        Scalar scalar = written(value);

        assertThat(scalar.getScalarCase()).isEqualTo(Scalar.ScalarCase.SINT64);
        assertThat(read(scalar).getLong("x")).contains(value);
    }

    @Test
    void givesEverySettingBackAsItWas() throws FlowerException {
        Config config = Config.of(Map.of("flag", false, "number", 2.0, "text", "ü", "empty", "", "whole", 2));

        assertThat(FlowerScalars.readConfig("config", FlowerScalars.write(config)))
                .isEqualTo(config);
    }

    @Test
    void readsUint64UpToTheLargestLong() throws FlowerException {
        assertThat(read(Scalar.newBuilder().setUint64(Long.MAX_VALUE).build()).getLong("x"))
                .contains(Long.MAX_VALUE);
        assertThatThrownBy(() -> read(Scalar.newBuilder().setUint64(-1).build()))
                .isInstanceOf(FlowerException.class)
                .hasMessage("config: 'x' must be <= 2^63 - 1, was 18446744073709551615");
    }

    @Test
    void refusesAScalarWithoutAValueByName() {
        assertThatThrownBy(() -> read(Scalar.getDefaultInstance()))
                .isInstanceOf(FlowerException.class)
                .hasMessage("config: 'x' has no value");
        assertThatThrownBy(() -> FlowerScalars.readMetrics("metrics", Map.of("y", Scalar.getDefaultInstance())))
                .isInstanceOf(FlowerException.class)
                .hasMessage("metrics: 'y' has no value");
    }

    @Test
    void carriesBytesAsBase64() throws FlowerException {
        Scalar bytes = Scalar.newBuilder()
                .setBytes(ByteString.copyFrom(new byte[] {0, -1}))
                .build();

        assertThat(read(bytes).getString("x")).contains("base64:AP8=");
        assertThat(written("base64:AP8=")).isEqualTo(bytes);
        assertThat(written("base64:"))
                .isEqualTo(Scalar.newBuilder().setBytes(ByteString.EMPTY).build());
    }

    @ParameterizedTest
    @ValueSource(strings = {"base64:AP8", "base64:!", "base64", "base64: AP8="})
    void leavesTextsAloneThatOnlyResembleBytes(String text) {
        assertThat(written(text).getString()).isEqualTo(text);
    }

    @Test
    void leavesUndefinedMetricsOutAndRefusesInfiniteOnes() throws FlowerException {
        Map<String, Scalar> scalars = new HashMap<>();
        scalars.put("auc", Scalar.newBuilder().setDouble(Double.NaN).build());
        scalars.put("loss", Scalar.newBuilder().setDouble(0.5).build());
        assertThat(FlowerScalars.readMetrics("metrics", scalars)).isEqualTo(Metrics.of("loss", 0.5));

        scalars.put(
                "loss", Scalar.newBuilder().setDouble(Double.NEGATIVE_INFINITY).build());
        assertThatThrownBy(() -> FlowerScalars.readMetrics("metrics", scalars))
                .isInstanceOf(FlowerException.class)
                .hasMessageContaining("metrics: metric 'loss' must be finite");
    }

    @Test
    void refusesSettingsThatAreNotFinite() {
        assertThatThrownBy(() -> read(Scalar.newBuilder().setDouble(Double.NaN).build()))
                .isInstanceOf(FlowerException.class)
                .hasMessage("config: setting 'x' must be finite, was NaN");
    }

    @Test
    void refusesTooManyTooLongAndUnprintable() {
        Map<String, Scalar> many = new HashMap<>();
        for (int i = 0; i <= Config.MAX_COUNT; i++) {
            many.put("s" + i, Scalar.newBuilder().setBool(true).build());
        }
        assertThatThrownBy(() -> FlowerScalars.readConfig("config", many))
                .hasMessage("config: has 1025 entries, at most 1024 are taken");
        assertThatThrownBy(() -> FlowerScalars.readMetrics("metrics", many))
                .hasMessage("metrics: has 1025 entries, at most 1024 are taken");
        Scalar yes = Scalar.newBuilder().setBool(true).build();
        assertThatThrownBy(() -> FlowerScalars.readConfig("config", Map.of("", yes)))
                .hasMessage("config: a name must have 1 to 256 characters, had 0");
        assertThatThrownBy(() -> FlowerScalars.readConfig("config", Map.of("a\nb", yes)))
                .hasMessage("config: the name 'a<a>b' must not hold control characters");
        assertThatThrownBy(() -> read(
                        Scalar.newBuilder().setString("x".repeat((1 << 16) + 1)).build()))
                .hasMessage("config: 'x' must have at most 65536 characters, had 65537");
    }
}
