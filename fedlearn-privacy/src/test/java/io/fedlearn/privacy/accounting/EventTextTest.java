package io.fedlearn.privacy.accounting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.random.SeededRandom;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class EventTextTest {
    private static PrivacyEvent event(SeededRandom random, int depth) {
        double real = Math.exp(40 * random.nextDouble() - 20);
        long whole = 1 + (long) Math.exp(43 * random.nextDouble());
        switch (random.nextInt(depth > 4 ? 10 : 14)) {
            case 0:
                return new PrivacyEvent.Gaussian(real);
            case 1:
                return new PrivacyEvent.Laplace(real);
            case 2:
                return new PrivacyEvent.DiscreteGaussian(real, whole);
            case 3:
                return new PrivacyEvent.DiscreteLaplace(real, whole);
            case 4:
                return new PrivacyEvent.RandomizedResponse(random.nextDouble() + 1e-300, 2 + random.nextInt(1000));
            case 5:
                return new PrivacyEvent.PureLoss(real);
            case 6:
                return new PrivacyEvent.ZeroConcentrated(real);
            case 7:
                return new PrivacyEvent.TreeAggregation(real, whole, 1 + random.nextInt(1 << 30), whole);
            case 8:
                return new PrivacyEvent.DistributedDiscreteGaussian(real, whole, whole, real, real);
            case 9:
                return new PrivacyEvent.DistributedSkellam(real, whole, real, real);
            case 10:
                return new PrivacyEvent.PoissonSampled(1 - random.nextDouble(), event(random, depth + 1));
            case 11:
                return new PrivacyEvent.SampledWithoutReplacement(whole, 1 + whole / 3, event(random, depth + 1));
            case 12:
                return new PrivacyEvent.Repeated(whole - 1, event(random, depth + 1));
            default:
                List<PrivacyEvent> events = new ArrayList<>();
                for (int i = random.nextInt(4); i > 0; i--) {
                    events.add(event(random, depth + 1));
                }
                return new PrivacyEvent.Composed(events);
        }
    }

    @Test
    void everyEventIsReadBackAsItWasWritten() {
        for (long seed = 0; seed < 2000; seed++) {
            PrivacyEvent event = event(SeededRandom.of(seed), 0);
            assertThat(PrivacyEvent.parse(event.toString())).as("seed %s", seed).isEqualTo(event);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "gaussian(noiseMultiplier=1.0 | ')' at character 28, but ends there",
                "gaussian(noiseMultiplier=1.0)) | the end at character 29",
                "gaussian(noiseMultiplier=) | a number at character 25",
                "gaussian(noiseMultiplier=1.0f) | ')' at character 28, was 'f)'",
                "gaussian(noiseMultiplier=2x1p3) | ')' at character 26",
                "gaussian(noiseMultiplier=NaN) | a number at character 25",
                "gaussian(noiseMultiplier=-1) | character 0: noiseMultiplier must be > 0 and finite, was -1.0",
                "gaussian( noiseMultiplier=1) | 'noiseMultiplier=' at character 9",
                "gauss(noiseMultiplier=1) | the name of an event at character 0, was 'gauss(noiseMultiplier=1)'",
                "Gaussian(noiseMultiplier=1) | '(' at character 0",
                "pure(epsilon=1),pure(epsilon=1) | the end at character 15",
                "composed(pure(epsilon=1),pure(epsilon=1)) | ', ' at character 24",
                "composed(pure(epsilon=1), ) | '(' at character 26",
                "repeated(count=1.5, pure(epsilon=1)) | a whole number at character 15",
                "repeated(count=-1, pure(epsilon=1)) | count must be >= 0, was -1",
                "repeated(count=99999999999999999999, pure(epsilon=1)) | a whole number",
                "randomized-response(randomProbability=0.5, categories=4294967298) | categories below 2^31",
                "poisson-sampled(rate=0.5, gaussian(noiseMultiplier=0)) | character 26: noiseMultiplier must be > 0"
            })
    void refusesOtherTextsAndSaysWhere(String text, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PrivacyEvent.parse(text.strip()))
                .withMessageStartingWith("event ")
                .withMessageContaining(message.strip());
    }

    @Test
    void refusesTheEmptyTextAndWhatIsTooLongOrTooDeep() {
        assertThatIllegalArgumentException().isThrownBy(() -> PrivacyEvent.parse(""));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PrivacyEvent.parse("x".repeat(EventText.MAX_LENGTH + 1)))
                .withMessageContaining("characters");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PrivacyEvent.parse("composed(".repeat(100_000)))
                .withMessageContaining("deeper than 64");
        String deepest = "composed(".repeat(EventText.MAX_DEPTH) + ")".repeat(EventText.MAX_DEPTH);
        assertThat(PrivacyEvent.parse(deepest)).hasToString(deepest);
    }

    @Test
    void numbersMayBeWrittenOtherwise() {
        assertThat(PrivacyEvent.parse("gaussian(noiseMultiplier=1e-3)")).isEqualTo(new PrivacyEvent.Gaussian(0.001));
    }
}
