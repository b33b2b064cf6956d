package io.fedlearn.privacy.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.testkit.statistics.StatisticalAssertions;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NoiseSourceTest {
    private static final double FALSE_ALARM = 1e-9;
    private static final int SAMPLES = 200_000;

    /** Gives these words in turn. */
    private static NoiseSource words(long... words) {
        return new NoiseSource() {
            private int next;

            @Override
            public long nextLong() {
                return words[next++];
            }
        };
    }

    /** Whoever guessed the key would see a counter that counts. */
    @Test
    void secureBitsAreNotThoseOfTheKeyOfZeros() throws GeneralSecurityException {
        NoiseSource source = NoiseSource.secure();
        ByteBuffer blocks = ByteBuffer.allocate(32).order(ByteOrder.nativeOrder());
        for (int i = 0; i < 4; i++) {
            blocks.putLong(source.nextLong());
        }
        Cipher cipher = Cipher.getInstance("AES/ECB/NoPadding");
        cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(new byte[32], "AES"));
        byte[] counters = cipher.doFinal(blocks.array());
        BigInteger first = new BigInteger(1, Arrays.copyOf(counters, 16));
        BigInteger second = new BigInteger(1, Arrays.copyOfRange(counters, 16, 32));
        assertThat(second).isNotEqualTo(first.add(BigInteger.ONE));
    }

    @Test
    void secureBitsAreBalanced() {
        NoiseSource source = NoiseSource.secure();
        long[] ones = new long[64];
        for (int i = 0; i < SAMPLES; i++) {
            long word = source.nextLong();
            for (int bit = 0; bit < 64; bit++) {
                ones[bit] += word >>> bit & 1;
            }
        }
        for (long count : ones) {
            StatisticalAssertions.assertProbability(count, SAMPLES, 0.5, FALSE_ALARM / 64);
        }
    }

    @Test
    void secureSourcesDiffer() {
        long[] first = new long[16];
        long[] second = new long[16];
        NoiseSource.secure().nextLongs(first, 0, 16);
        NoiseSource.secure().nextLongs(second, 0, 16);

        assertThat(first).doesNotContain(second);
    }

    @Test
    void secureWordsInBulkNeverRepeat() {
        NoiseSource source = NoiseSource.secure();
        long[] words = new long[50_000];
        // Across the ends of the buffer, mixed with single words.
        source.nextLongs(words, 0, 2_047);
        words[2_047] = source.nextLong();
        source.nextLongs(words, 2_048, 3);
        source.nextLongs(words, 2_051, words.length - 2_051);

        assertThat(Arrays.stream(words).distinct().count()).isEqualTo(words.length);
    }

    @Test
    void bulkGivesTheWordsOfSingleCalls() {
        long[] words = new long[10];
        SeededNoise.of(1).nextLongs(words, 2, 7);

        NoiseSource single = SeededNoise.of(1);
        for (int i = 2; i < 9; i++) {
            assertThat(words[i]).isEqualTo(single.nextLong());
        }
        assertThat(words[0] | words[1] | words[9]).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 10, 1000})
    void boundedNumbersAreUniform(long bound) {
        NoiseSource source = NoiseSource.secure();
        long[] counts = new long[(int) bound];
        for (int i = 0; i < SAMPLES; i++) {
            counts[(int) source.nextLong(bound)]++;
        }
        double[] expected = new double[(int) bound];
        Arrays.fill(expected, 1.0 / bound);

        StatisticalAssertions.assertFrequencies(counts, expected, FALSE_ALARM);
    }

    @Test
    void wordThatWouldFavourANumberIsDrawnAgain() {
        // 2^64 = 1 (mod 3): the word 0 is one too many.
        assertThat(words(0, 1).nextLong(3)).isZero();
        assertThat(words(1).nextLong(3)).isZero();
        assertThat(words(-1).nextLong(3)).isEqualTo(2);
        assertThat(words(-1).nextLong(Long.MAX_VALUE)).isEqualTo(Long.MAX_VALUE - 1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> words(1).nextLong(0))
                .withMessage("bound must be >= 1, was 0");
    }

    @Test
    void bernoulliComparesEveryBit() {
        assertThat(words().nextBernoulli(0)).isFalse();
        assertThat(words(-1).nextBernoulli(1)).isTrue();
        assertThat(words(Long.MAX_VALUE).nextBernoulli(0.5)).isTrue();
        // The first 53 bits tie with 2^-60, the next ones decide.
        assertThat(words(0, (1L << 57) - 1).nextBernoulli(0x1p-60)).isTrue();
        assertThat(words(0, 1L << 57).nextBernoulli(0x1p-60)).isFalse();
        assertThatIllegalArgumentException().isThrownBy(() -> words(1).nextBernoulli(Double.NaN));
        assertThatIllegalArgumentException().isThrownBy(() -> words(1).nextBernoulli(1.5));
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-5, 0.1, 0.5, 0.9})
    void bernoulliHasItsProbability(double probability) {
        NoiseSource source = NoiseSource.secure();
        long successes = 0;
        for (int i = 0; i < SAMPLES; i++) {
            successes += source.nextBernoulli(probability) ? 1 : 0;
        }
        StatisticalAssertions.assertProbability(successes, SAMPLES, probability, FALSE_ALARM);
    }
}
