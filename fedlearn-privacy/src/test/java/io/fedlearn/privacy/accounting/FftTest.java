package io.fedlearn.privacy.accounting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.random.SeededRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class FftTest {
    private static double[] numbers(int size) {
        SeededRandom random = SeededRandom.of(size);
        double[] numbers = new double[size];
        for (int i = 0; i < size; i++) {
            numbers[i] = random.nextGaussian();
        }
        return numbers;
    }

    private static double[][] halves(double[] numbers) {
        double[][] halves = new double[2][numbers.length / 2];
        for (int i = 0; i < numbers.length; i++) {
            halves[i % 2][i / 2] = numbers[i];
        }
        return halves;
    }

    private static double sumOfAbsolutes(double[] numbers) {
        double sum = 0;
        for (double number : numbers) {
            sum += Math.abs(number);
        }
        return sum;
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 8, 16, 32, 64, 128, 1024, 2048})
    void agreesWithTheDefinitionWithinItsBound(int size) {
        double[] numbers = numbers(size);
        double[][] spectrum = halves(numbers);
        Fft fft = new Fft(size);
        fft.forward(spectrum[0], spectrum[1]);
        // The sums of the definition err by as much as they have terms.
        double bound = (fft.errorBound() + size * 0x1p-52) * sumOfAbsolutes(numbers);
        int half = size / 2;
        for (int place = 0; place < half; place++) {
            int frequency = place == 0 ? 0 : Integer.reverse(place) >>> (33 - Integer.numberOfTrailingZeros(size));
            double re = 0;
            double im = 0;
            double alternating = 0;
            for (int i = 0; i < size; i++) {
                double angle = -2 * Math.PI * ((long) i * frequency % size) / size;
                re += numbers[i] * Math.cos(angle);
                im += numbers[i] * Math.sin(angle);
                alternating += i % 2 == 0 ? numbers[i] : -numbers[i];
            }
            assertThat(spectrum[0][place]).isCloseTo(re, within(bound));
            assertThat(spectrum[1][place]).isCloseTo(place == 0 ? alternating : im, within(bound));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 8, 256, 512, 1 << 15, 1 << 16})
    void goesBackWithinItsBound(int size) {
        double[] numbers = numbers(size);
        double[][] halves = halves(numbers);
        Fft fft = new Fft(size);
        fft.forward(halves[0], halves[1]);
        fft.inverse(halves[0], halves[1]);
        double bound = 2.1 * fft.errorBound() * sumOfAbsolutes(numbers);
        for (int i = 0; i < size; i++) {
            assertThat(halves[i % 2][i / 2]).isCloseTo(numbers[i], within(bound));
        }
    }

    @Test
    void claimsAnErrorThatGrowsWithTheNumberOfLevelsOnly() {
        assertThat(new Fft(1 << 16).errorBound()).isBetween(16 * 0x1p-53, 1e-13);
        assertThat(new Fft(1 << 16).errorBound() / new Fft(1 << 8).errorBound()).isBetween(1.5, 2.0);
    }

    @ParameterizedTest
    @ValueSource(ints = {-4, 0, 2, 12})
    void refusesWhatIsNoPowerOfTwo(int size) {
        assertThatIllegalArgumentException().isThrownBy(() -> new Fft(size)).withMessageContaining("was " + size);
    }
}
