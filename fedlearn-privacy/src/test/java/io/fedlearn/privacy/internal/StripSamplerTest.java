package io.fedlearn.privacy.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.privacy.internal.StripSampler.Curve;
import io.fedlearn.privacy.internal.StripSampler.Trust;
import io.fedlearn.testkit.statistics.StatisticalAssertions;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.function.LongToDoubleFunction;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every statistical test here has a false alarm of 1e-9; there are fewer than 100. */
class StripSamplerTest {
    private static final double FALSE_ALARM = 1e-9;
    private static final int SAMPLES = 200_000;

    /** Cells at these multiples of the scale, and two for what lies beyond: the last ones are met a few times in a run. */
    private static final double[] EDGES = {
        -12, -8, -5, -4, -3, -2.5, -2, -1.5, -1, -0.7, -0.4, -0.2, -0.1, 0, 0.05, 0.1, 0.3, 0.5, 0.8, 1, 1.3, 1.7, 2,
        2.5, 3, 4, 5, 8, 12
    };

    private static double cdf(Curve curve, double scale, double n) {
        return curve == Curve.GAUSSIAN
                ? Distributions.roundedGaussian(scale, n)
                : Distributions.roundedLaplace(scale, n);
    }

    private static void assertRounded(GridSampler sampler, Curve curve, double scale, int samples) {
        long[] numbers = new long[samples];
        sampler.fill(NoiseSource.secure(), numbers, 0, samples);
        long[] counts = new long[EDGES.length + 1];
        double[] expected = new double[EDGES.length + 1];
        double below = 0;
        for (int i = 0; i < EDGES.length; i++) {
            double upTo = cdf(curve, scale, Math.floor(EDGES[i] * scale));
            expected[i] = upTo - below;
            below = upTo;
        }
        expected[EDGES.length] = 1 - below;
        for (long number : numbers) {
            int cell = 0;
            while (cell < EDGES.length && number > Math.floor(EDGES[cell] * scale)) {
                cell++;
            }
            counts[cell]++;
        }
        StatisticalAssertions.assertFrequencies(counts, expected, FALSE_ALARM);
        if (scale > 1000) {
            // As good as continuous.
            StatisticalAssertions.assertDistribution(
                    Arrays.stream(numbers).asDoubleStream().toArray(), x -> cdf(curve, scale, x - 0.5), FALSE_ALARM);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "GAUSSIAN, 0.001", "GAUSSIAN, 0.3", "GAUSSIAN, 1", "GAUSSIAN, 63.9", "GAUSSIAN, 1e6", "GAUSSIAN, 34359738367.5",
        "GAUSSIAN, 1125899906842624", "LAPLACE, 0.001", "LAPLACE, 0.3", "LAPLACE, 1", "LAPLACE, 64", "LAPLACE, 1e6",
        "LAPLACE, 34359738367.5", "LAPLACE, 1125899906842624"
    })
    void roundedNoiseHasItsDistribution(Curve curve, double scale) {
        assertRounded(StripSampler.of(curve, false, scale), curve, scale, SAMPLES);
    }

    @ParameterizedTest
    @CsvSource({
        "GAUSSIAN, 1e6, 8, 2, MARGIN",
        "GAUSSIAN, 5, 8, 2, MARGIN",
        "GAUSSIAN, 1e6, 7, 1, TABLE",
        "LAPLACE, 1e6, 8, 2, MARGIN",
        "LAPLACE, 5, 8, 2, TABLE",
        "LAPLACE, 1e6, 14, 5, TABLE"
    })
    void smallTablesGiveTheSameDistribution(Curve curve, double scale, int boxBits, int stripBits, Trust trust) {
        assertRounded(StripSampler.of(curve, false, scale, boxBits, stripBits, trust), curve, scale, SAMPLES);
    }

    @ParameterizedTest
    @CsvSource({"GAUSSIAN, 1e6", "GAUSSIAN, 2", "LAPLACE, 1e6", "LAPLACE, 2"})
    void decimalsAloneGiveTheSameDistribution(Curve curve, double scale) {
        assertRounded(StripSampler.of(curve, false, scale, 8, 2, Trust.DECIMALS), curve, scale, 1_000);
    }

    @ParameterizedTest
    @CsvSource({"GAUSSIAN, 1e6", "GAUSSIAN, 100", "LAPLACE, 1e6", "LAPLACE, 100"})
    void noiseThatIsTooSmallIsNoticed(Curve curve, double scale) {
        GridSampler tooSmall = StripSampler.of(curve, false, 0.92 * scale);

        Assertions.assertThatThrownBy(() -> assertRounded(tooSmall, curve, scale, SAMPLES))
                .isExactlyInstanceOf(AssertionError.class);
    }

    private static void assertDiscrete(GridSampler sampler, LongToDoubleFunction probability, int range, int samples) {
        // The last cell is for all that is further off than the range.
        long[] counts = new long[2 * range + 2];
        double[] expected = new double[2 * range + 2];
        double sum = 0;
        for (int n = -range; n <= range; n++) {
            expected[n + range] = probability.applyAsDouble(n);
            sum += expected[n + range];
        }
        expected[2 * range + 1] = Math.max(0, 1 - sum);
        long[] numbers = new long[samples];
        sampler.fill(NoiseSource.secure(), numbers, 0, samples);
        for (long number : numbers) {
            counts[Math.abs(number) <= range ? (int) number + range : 2 * range + 1]++;
        }
        StatisticalAssertions.assertFrequencies(counts, expected, FALSE_ALARM);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.001, 0.3, 1, 2.5, 10})
    void discreteNoiseHasItsProbabilities(double scale) {
        int range = (int) (3 * scale) + 1;

        assertDiscrete(
                GridSampler.discreteGaussian(scale), n -> Distributions.discreteGaussian(scale, n), range, SAMPLES);
        assertDiscrete(
                GridSampler.discreteLaplace(scale), n -> Distributions.discreteLaplace(scale, n), range, SAMPLES);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.3, 1, 2.5, 200})
    void coinsGiveTheSameProbabilities(double scale) {
        int range = (int) Math.min(20, 3 * scale) + 1;

        assertDiscrete(
                CoinSampler.discreteGaussian(scale),
                n -> Distributions.discreteGaussian(scale, n),
                range,
                SAMPLES / 10);
        assertDiscrete(
                CoinSampler.discreteLaplace(scale), n -> Distributions.discreteLaplace(scale, n), range, SAMPLES / 10);
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, 90, 1e5, 0x1p40})
    void coinsAndStripsAgree(double scale) {
        int samples = 20_000;
        StatisticalAssertions.assertSameDistribution(
                doubles(GridSampler.discreteGaussian(scale), samples),
                doubles(CoinSampler.discreteGaussian(scale), samples),
                FALSE_ALARM);
        StatisticalAssertions.assertSameDistribution(
                doubles(GridSampler.discreteLaplace(scale), samples),
                doubles(CoinSampler.discreteLaplace(scale), samples),
                FALSE_ALARM);
    }

    private static double[] doubles(GridSampler sampler, int samples) {
        long[] numbers = new long[samples];
        sampler.fill(NoiseSource.secure(), numbers, 0, samples);
        return Arrays.stream(numbers).asDoubleStream().toArray();
    }

    @Test
    void discreteNoiseThatIsTooSmallIsNoticed() {
        Assertions.assertThatThrownBy(() -> assertDiscrete(
                        GridSampler.discreteGaussian(2.3), n -> Distributions.discreteGaussian(2.5, n), 8, SAMPLES))
                .isExactlyInstanceOf(AssertionError.class);
        Assertions.assertThatThrownBy(() -> assertDiscrete(
                        CoinSampler.discreteLaplace(1.9), n -> Distributions.discreteLaplace(2.5, n), 8, SAMPLES / 10))
                .isExactlyInstanceOf(AssertionError.class);
    }

    /** The proof needs three facts about the table; here they are shown with directed rounding, for each strip. */
    @ParameterizedTest
    @CsvSource({
        "GAUSSIAN, false, 1e9", "GAUSSIAN, false, 1", "GAUSSIAN, false, 1073741824", "GAUSSIAN, true, 1",
                "GAUSSIAN, true, 77.7",
        "GAUSSIAN, true, 1e9", "LAPLACE, false, 1e9", "LAPLACE, false, 1", "LAPLACE, true, 1", "LAPLACE, true, 77.7",
        "LAPLACE, true, 1e9"
    })
    void boxesCoverTheCurveAndThoseTakenAtOnceLieUnderIt(Curve curve, boolean discrete, double scale) {
        StripSampler sampler = StripSampler.of(curve, discrete, scale);
        DirectedMath down = DirectedMath.down(60);
        DirectedMath up = DirectedMath.up(60);
        int[][] counts = sampler.boxesByStrip();
        BigDecimal exactScale = new BigDecimal(scale);
        BigDecimal height = BigDecimal.valueOf(sampler.height());
        BigDecimal width = new BigDecimal(Math.scalb(1.0, sampler.widthExponent()));
        for (int strip = 0; strip <= sampler.stripCount(); strip++) {
            BigDecimal start = width.multiply(BigDecimal.valueOf(strip));
            BigDecimal inverse = down.exp(curve.exponent(start, exactScale, down));
            if (strip == sampler.stripCount()) {
                // The tail: M g(t) <= 2^-9, and then it falls faster than by halves, since 2^8 strips are twice the
                // scale.
                assertThat(height.multiply(BigDecimal.valueOf(512))).isLessThanOrEqualTo(inverse);
                assertThat(256 * width.doubleValue()).isGreaterThan(2 * scale);
            } else {
                int[] boxes = counts[strip];
                assertThat(BigDecimal.valueOf(boxes[0]).multiply(inverse)).isGreaterThanOrEqualTo(height);
                BigDecimal last = start.add(width).subtract(discrete ? BigDecimal.ONE : BigDecimal.ZERO);
                BigDecimal lastInverse = up.exp(curve.exponent(last, exactScale, up));
                assertThat(BigDecimal.valueOf(boxes[1]).multiply(lastInverse)).isLessThanOrEqualTo(height);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "GAUSSIAN, false, 1e9",
        "GAUSSIAN, false, 0.7",
        "GAUSSIAN, true, 3",
        "GAUSSIAN, true, 1e6",
        "LAPLACE, false, 1e9",
        "LAPLACE, false, 0.7",
        "LAPLACE, true, 3",
        "LAPLACE, true, 1e6"
    })
    void marginAndDecimalsDecideAlike(Curve curve, boolean discrete, double scale) {
        StripSampler quick = StripSampler.of(curve, discrete, scale, 8, 2, Trust.MARGIN);
        StripSampler exact = StripSampler.of(curve, discrete, scale, 8, 2, Trust.DECIMALS);
        NoiseSource quickSource = SeededNoise.of(7);
        NoiseSource exactSource = SeededNoise.of(7);

        for (int i = 0; i < 500; i++) {
            assertThat(quick.sample(quickSource)).isEqualTo(exact.sample(exactSource));
        }
    }

    @Test
    void numbersInBulkAreThoseOfTheWordsWhereNoneIsDrawnAgain() {
        StripSampler sampler = StripSampler.of(Curve.GAUSSIAN, false, 1e9);
        // One block: its words are drawn before any further ones.
        long[] bulk = new long[1_024];
        sampler.fill(SeededNoise.of(3), bulk, 0, bulk.length);
        NoiseSource words = SeededNoise.of(3);
        int same = 0;
        for (long number : bulk) {
            NoiseSource further = SeededNoise.of(4);
            long word = words.nextLong();
            NoiseSource one = new NoiseSource() {
                private boolean used;

                @Override
                public long nextLong() {
                    long next = used ? further.nextLong() : word;
                    used = true;
                    return next;
                }
            };
            same += sampler.sample(one) == number ? 1 : 0;
        }
        // All but those whose box the curve crosses; further words come from elsewhere there.
        assertThat(same).isGreaterThan(970);
    }

    @Test
    void fillsOnlyItsPlaces() {
        long[] numbers = new long[2_000];
        Arrays.fill(numbers, Long.MIN_VALUE);
        GridSampler.roundedLaplace(1e6).fill(NoiseSource.secure(), numbers, 10, 1_500);

        assertThat(numbers).startsWith(new long[] {Long.MIN_VALUE});
        assertThat(Arrays.stream(numbers).filter(n -> n == Long.MIN_VALUE).count())
                .isEqualTo(500);
    }

    @Test
    void bitsThatAreNotRandomAreNoticedInTheTail() {
        NoiseSource broken = new NoiseSource() {
            private int next;

            @Override
            public long nextLong() {
                // The tail's box, then coins that never succeed.
                return next++ == 0 ? tailBox() : 0;
            }
        };
        Assertions.assertThatThrownBy(() -> StripSampler.of(Curve.GAUSSIAN, false, 1e6, 8, 2, Trust.TABLE)
                        .sample(broken))
                .isInstanceOf(ArithmeticException.class)
                .hasMessageContaining("not random");
    }

    private static long tailBox() {
        StripSampler sampler = StripSampler.of(Curve.GAUSSIAN, false, 1e6, 8, 2, Trust.TABLE);
        long boxes = 0;
        for (int[] counts : sampler.boxesByStrip()) {
            boxes += counts[0];
        }
        return boxes;
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, 0x1p-11, 0x1p51, Double.NaN, Double.POSITIVE_INFINITY})
    void rejectsScaleOutOfRange(double scale) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GridSampler.roundedGaussian(scale))
                .withMessage("sigma must be in [2^-10, 2^50] grid units, was " + scale);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GridSampler.discreteLaplace(scale))
                .withMessage("scale must be in [2^-10, 2^50] grid units, was " + scale);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
    void coinsRejectScaleThatIsNone(double scale) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CoinSampler.discreteGaussian(scale))
                .withMessage("sigma must be > 0 and finite, was " + scale);
    }
}
