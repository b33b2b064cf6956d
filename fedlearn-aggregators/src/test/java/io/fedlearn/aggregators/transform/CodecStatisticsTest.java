package io.fedlearn.aggregators.transform;

import static io.fedlearn.testkit.statistics.StatisticalAssertions.assertMean;
import static io.fedlearn.testkit.statistics.StatisticalAssertions.assertProbability;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What codecs do to values at random is unbiased and has the variance that they state. Each assertion fails by chance with
 * probability {@value #FALSE_ALARM}; all together stay below 1e-6.
 */
class CodecStatisticsTest {
    private static final double FALSE_ALARM = 2e-8;
    private static final int SAMPLES = 200_000;

    /** A value as often as there are samples, and before them one that makes a quantisation's step 1. */
    private static Model constant(float value) {
        float[] values = new float[SAMPLES + 1];
        Arrays.fill(values, value);
        values[0] = 127;
        return Model.builder().trainable("w", Tensor.wrap(values)).build();
    }

    private static double[] samples(Codec codec, float value) {
        Model delta = constant(value);
        Model global = Model.zeros(delta.spec());
        ClientUpdate encoded = Codecs.encode(codec, ClientUpdate.ofModelDelta(delta, 1), global, 17);
        double[] decoded = Codecs.decode(codec, encoded, global)
                .model()
                .orElseThrow()
                .tensor("w")
                .toDoubleArray();
        return Arrays.copyOfRange(decoded, 1, decoded.length);
    }

    @ParameterizedTest
    @ValueSource(floats = {0.5f, 2.3f, -2.3f, -0.01f, 126.99f, 1e-3f})
    void quantisationIsUnbiased(float value) {
        double[] samples = samples(StochasticQuantization.withBlockSize(1 << 20), value);

        double share = value - Math.floor(value);
        assertMean(samples, value, Math.sqrt(share * (1 - share)), FALSE_ALARM);
        assertProbability(
                Arrays.stream(samples).filter(x -> x == Math.ceil(value)).count(), SAMPLES, share, FALSE_ALARM);
        assertProbability(
                Arrays.stream(samples).filter(x -> x == Math.floor(value)).count(), SAMPLES, 1 - share, FALSE_ALARM);
    }

    @Test
    void roundingToNearestWouldNotPassAsUnbiased() {
        double[] nearest = new double[SAMPLES];
        Arrays.fill(nearest, Math.rint(2.3f));

        assertThatExceptionOfType(AssertionError.class)
                .isThrownBy(() -> assertMean(nearest, 2.3f, Math.sqrt(0.3 * 0.7), FALSE_ALARM));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.01, 0.3, 0.5, 0.97})
    void aMaskIsUnbiased(double share) {
        double[] samples = samples(RandomMask.withShare(share), 3);

        assertProbability(Arrays.stream(samples).filter(x -> x != 0).count(), SAMPLES, share, FALSE_ALARM);
        assertMean(samples, 3, 3 * Math.sqrt((1 - share) / share), FALSE_ALARM);
    }

    @Test
    void aMaskWithoutScalingIsBiasedAsItSays() {
        double[] samples = samples(RandomMask.withShare(0.3).unscaled(), 3);

        assertMean(samples, 3 * 0.3, 3 * Math.sqrt(0.3 * 0.7), FALSE_ALARM);
        assertThatExceptionOfType(AssertionError.class)
                .isThrownBy(() -> assertMean(samples, 3, 3 * Math.sqrt(0.3 * 0.7), FALSE_ALARM));
    }

    @Test
    void neighboursInAMaskAreIndependent() {
        double[] samples = samples(RandomMask.withShare(0.3), 3);

        int both = 0;
        for (int i = 0; i < SAMPLES; i += 2) {
            both += samples[i] != 0 && samples[i + 1] != 0 ? 1 : 0;
        }
        assertProbability(both, SAMPLES / 2, 0.3 * 0.3, FALSE_ALARM);
    }
}
