package io.fedlearn.core.random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Golden values come from a Python program that repeats the published algorithms; those of seed 0 are also the ones
 * that other implementations of xoshiro256++ seeded by SplitMix64 document. Statistical tests have fixed seeds and
 * bounds of six standard deviations or more: a false alarm, for a fresh seed, has probability below 1e-8.
 */
class SeededRandomTest {
    private static final int DRAWS = 100_000;

    @Test
    void givesTheGoldenBits() {
        assertThat(longs(0, 6))
                .containsExactly(
                        5987356902031041503L,
                        7051070477665621255L,
                        6633766593972829180L,
                        211316841551650330L,
                        9136120204379184874L,
                        379361710973160858L);
        assertThat(longs(42, 3)).containsExactly(-3425465463722317665L, 5881210131331364753L, -297100157724070516L);
        assertThat(longs(-1, 2)).containsExactly(6254647548650071986L, -1835911450961749104L);
    }

    private static long[] longs(long seed, int count) {
        SeededRandom random = SeededRandom.of(seed);
        return IntStream.range(0, count).mapToLong(i -> random.nextLong()).toArray();
    }

    @Test
    void fillsAnArrayWithTheSameBitsAsSingleCalls() {
        SeededRandom random = SeededRandom.of(5);
        random.nextLong();
        long[] filled = new long[8];

        random.fill(filled, 6);

        assertThat(filled).startsWith(Arrays.copyOfRange(longs(5, 7), 1, 7)).endsWith(0, 0);
        assertThat(random.nextLong()).isEqualTo(longs(5, 8)[7]);
        assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> random.fill(filled, 9));
    }

    @Test
    void derivesTheGoldenSeeds() {
        assertThat(SeededRandom.derive(42, 0)).isEqualTo(-2944490871970628292L);
        assertThat(SeededRandom.derive(42, 1)).isEqualTo(5758050635237403109L);
        assertThat(SeededRandom.derive(43, 0)).isEqualTo(-4573000544292615744L);
        assertThat(SeededRandom.derive(42, "client-é")).isEqualTo(-6107976407134163917L);
        assertThat(SeededRandom.derive(42, "")).isEqualTo(-6612353789788241313L);
    }

    @Test
    void derivesDifferentSeedsForNeighbouringSeedsAndPurposes() {
        Set<Long> seeds = new HashSet<>();
        for (long seed = -50; seed < 50; seed++) {
            for (long purpose = -50; purpose < 50; purpose++) {
                seeds.add(SeededRandom.derive(seed, purpose));
            }
            seeds.add(SeededRandom.derive(seed, "a"));
            seeds.add(SeededRandom.derive(seed, "b"));
        }
        assertThat(seeds).hasSize(100 * 102);
    }

    @Test
    void givesTheGoldenNumbers() {
        SeededRandom ints = SeededRandom.of(7);
        assertThat(IntStream.range(0, 12).map(i -> ints.nextInt(10)))
                .containsExactly(0, 8, 9, 8, 1, 2, 4, 6, 2, 4, 0, 5);
        SeededRandom large = SeededRandom.of(7);
        assertThat(IntStream.range(0, 2).map(i -> large.nextInt(Integer.MAX_VALUE)))
                .containsExactly(595813022, 691476456);
        SeededRandom doubles = SeededRandom.of(7);
        assertThat(doubles.nextDouble()).isEqualTo(0.05536043647833311);
        assertThat(doubles.nextDouble()).isEqualTo(0.17211585444811772);
    }

    @Test
    void givesTheGoldenDistributions() {
        // Logarithms may differ from Python's in the last place; on every JVM they are StrictMath's.
        SeededRandom gaussians = SeededRandom.of(7);
        assertThat(gaussians.nextGaussian()).isCloseTo(1.674036445441065, within(1e-14));
        assertThat(gaussians.nextGaussian()).isCloseTo(0.5378981681989655, within(1e-14));
        SeededRandom gammas = SeededRandom.of(7);
        assertThat(gammas.nextGamma(2.5)).isCloseTo(5.682955820245112, within(1e-13));
        assertThat(gammas.nextGamma(2.5)).isCloseTo(1.7937572760419456, within(1e-13));
        SeededRandom small = SeededRandom.of(7);
        assertThat(small.nextGamma(0.3)).isCloseTo(0.46083924457682274, within(1e-13));
        assertThat(small.nextGamma(0.3)).isCloseTo(2.1004801284891363, within(1e-13));
        assertThat(SeededRandom.of(7).nextDirichlet(0.5, 4))
                .containsExactly(
                        new double[] {0.22969565269109335, 0.5124487436580206, 0.2510839682356235, 0.0067716354152626},
                        within(1e-13));
        assertThat(SeededRandom.of(7).nextDirichlet(3, 4))
                .containsExactly(
                        new double[] {0.3846281004161671, 0.13438717479722398, 0.1934569077245995, 0.2875278170620095},
                        within(1e-13));
    }

    @Test
    void givesTheGoldenShuffle() {
        int[] entries = IntStream.range(0, 10).toArray();

        SeededRandom.of(7).shuffle(entries);

        assertThat(entries).containsExactly(7, 8, 3, 9, 2, 5, 6, 1, 4, 0);
    }

    @Test
    void drawsEachIntegerAsOften() {
        SeededRandom random = SeededRandom.of(1);
        long[] counts = new long[10];
        for (int i = 0; i < DRAWS; i++) {
            counts[random.nextInt(10)]++;
        }
        double expected = DRAWS / 10.0;
        double chiSquare = Arrays.stream(counts)
                .mapToDouble(count -> (count - expected) * (count - expected) / expected)
                .sum();
        // 9 degrees of freedom exceed 60 with probability 1.3e-9.
        assertThat(chiSquare).isLessThan(60);
    }

    @Test
    void drawsTheOnlyIntegerBelowOne() {
        assertThat(SeededRandom.of(3).nextInt(1)).isZero();
    }

    @Test
    void drawsUniformNumbersBelowOne() {
        SeededRandom random = SeededRandom.of(2);
        double[] draws =
                IntStream.range(0, DRAWS).mapToDouble(i -> random.nextDouble()).toArray();

        assertThat(Arrays.stream(draws)).allMatch(value -> value >= 0 && value < 1);
        assertThat(mean(draws)).isCloseTo(0.5, within(6 * Math.sqrt(1.0 / 12 / DRAWS)));
        // Var((U - 1/2)^2) = 1/80 - 1/144.
        assertThat(variance(draws)).isCloseTo(1.0 / 12, within(6 * Math.sqrt((1.0 / 80 - 1.0 / 144) / DRAWS)));
    }

    @Test
    void drawsStandardNormalNumbers() {
        SeededRandom random = SeededRandom.of(3);
        double[] draws = IntStream.range(0, DRAWS)
                .mapToDouble(i -> random.nextGaussian())
                .toArray();

        assertThat(mean(draws)).isCloseTo(0, within(6 / Math.sqrt(DRAWS)));
        assertThat(variance(draws)).isCloseTo(1, within(6 * Math.sqrt(2.0 / DRAWS)));
        double withinOne =
                Arrays.stream(draws).filter(value -> Math.abs(value) < 1).count() / (double) DRAWS;
        assertThat(withinOne).isCloseTo(0.6826895, within(6 * Math.sqrt(0.6827 * 0.3173 / DRAWS)));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.3, 0.999, 1, 2.5, 50})
    void drawsGammaNumbersOfTheRightMeanAndVariance(double shape) {
        SeededRandom random = SeededRandom.of(4);
        double[] draws = IntStream.range(0, DRAWS)
                .mapToDouble(i -> random.nextGamma(shape))
                .toArray();

        assertThat(mean(draws)).isCloseTo(shape, within(6 * Math.sqrt(shape / DRAWS)));
        // The fourth central moment is 3 k^2 + 6 k; the sample variance is skewed, hence ten standard deviations.
        assertThat(variance(draws)).isCloseTo(shape, within(10 * Math.sqrt((2 * shape * shape + 6 * shape) / DRAWS)));
    }

    @Test
    void drawsExponentialNumbersForShapeOne() {
        SeededRandom random = SeededRandom.of(5);
        int above = 0;
        for (int i = 0; i < DRAWS; i++) {
            above += random.nextGamma(1) > 2 ? 1 : 0;
        }
        double probability = Math.exp(-2);
        assertThat(above / (double) DRAWS)
                .isCloseTo(probability, within(6 * Math.sqrt(probability * (1 - probability) / DRAWS)));
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-300, 1e-3, 0.5, 1, 10, 1e6, 1e300})
    void drawsSharesThatAddUpToOne(double concentration) {
        SeededRandom random = SeededRandom.of(6);
        for (int i = 0; i < 1000; i++) {
            double[] shares = random.nextDirichlet(concentration, 7);

            assertThat(Arrays.stream(shares)).allMatch(share -> share >= 0 && share <= 1);
            assertThat(Arrays.stream(shares).sum()).isCloseTo(1, within(1e-12));
        }
        assertThat(random.nextDirichlet(concentration, 1)).containsExactly(1);
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-3, 0.5, 4})
    void drawsSharesOfTheRightMeanAndVariance(double concentration) {
        SeededRandom random = SeededRandom.of(7);
        double[] first = IntStream.range(0, DRAWS)
                .mapToDouble(i -> random.nextDirichlet(concentration, 3)[0])
                .toArray();

        double variance = 2.0 / 9 / (3 * concentration + 1);
        assertThat(mean(first)).isCloseTo(1.0 / 3, within(6 * Math.sqrt(variance / DRAWS)));
        // A number in [0, 1] has a fourth central moment of at most 1/12.
        assertThat(variance(first)).isCloseTo(variance, within(6 * Math.sqrt(1.0 / 12 / DRAWS)));
    }

    @Test
    void shufflesIntoEachOrderAsOften() {
        SeededRandom random = SeededRandom.of(8);
        int[] counts = new int[192];
        for (int i = 0; i < 60_000; i++) {
            int[] entries = {0, 1, 2};
            random.shuffle(entries);
            counts[entries[0] * 64 + entries[1] * 8 + entries[2]]++;
        }
        // Six orders, 10,000 of each expected with a standard deviation of 91.
        for (int order : new int[] {10, 17, 66, 80, 129, 136}) {
            assertThat(counts[order]).isBetween(9_450, 10_550);
        }
    }

    @Test
    void shufflesNothingAndOne() {
        int[] none = {};
        int[] one = {5};

        SeededRandom.of(9).shuffle(none);
        SeededRandom.of(9).shuffle(one);

        assertThat(none).isEmpty();
        assertThat(one).containsExactly(5);
    }

    @Test
    void refusesParametersOutOfRange() {
        SeededRandom random = SeededRandom.of(1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> random.nextInt(0))
                .withMessage("bound must be > 0, was 0");
        for (double shape : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> random.nextGamma(shape))
                    .withMessage("shape must be > 0 and finite, was " + shape);
        }
        for (double concentration : new double[] {0, -0.5, -1, 1e-301, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> random.nextDirichlet(concentration, 3))
                    .withMessage("concentration must be >= 1.0E-300 and finite, was " + concentration);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> random.nextDirichlet(1, 0))
                .withMessage("count must be >= 1, was 0");
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).average().orElseThrow();
    }

    private static double variance(double[] values) {
        double mean = mean(values);
        return Arrays.stream(values)
                .map(value -> (value - mean) * (value - mean))
                .average()
                .orElseThrow();
    }
}
