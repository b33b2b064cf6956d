package io.fedlearn.privacy.mechanism;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.testkit.statistics.PrivacyAssertions;
import io.fedlearn.testkit.statistics.StatisticalAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every statistical test here has a false alarm of 1e-9. */
class RandomizedResponseTest {
    private static final double FALSE_ALARM = 1e-9;
    private static final int SAMPLES = 100_000;
    private static final NoiseSource SOURCE = NoiseSource.secure();

    @Test
    void answersHaveTheirProbabilities() {
        RandomizedResponse response = RandomizedResponse.withRandomProbability(0.4, 4);
        long[] counts = new long[4];
        for (int i = 0; i < SAMPLES; i++) {
            counts[response.respond(SOURCE, 2)]++;
        }
        StatisticalAssertions.assertFrequencies(counts, new double[] {0.1, 0.1, 0.7, 0.1}, FALSE_ALARM);
    }

    private static void assertPrivate(RandomizedResponse response, double epsilon) {
        PrivacyAssertions.assertPrivate(
                () -> response.respond(SOURCE, 0),
                () -> response.respond(SOURCE, 1),
                3,
                SAMPLES,
                epsilon,
                0,
                FALSE_ALARM);
    }

    @Test
    void truthsAreHardToTellApart() {
        assertPrivate(RandomizedResponse.withEpsilon(1, 3), 1);
        assertThatThrownBy(() -> assertPrivate(RandomizedResponse.withEpsilon(1.25, 3), 1))
                .isExactlyInstanceOf(AssertionError.class);
    }

    @ParameterizedTest
    @CsvSource({"1e-6, 2", "0.1, 2", "1, 3", "1, 100", "5, 10", "30, 2", "200, 1000"})
    void epsilonIsNeverExceeded(double epsilon, int categories) {
        RandomizedResponse response = RandomizedResponse.withEpsilon(epsilon, categories);

        assertThat(response.epsilon()).isLessThanOrEqualTo(epsilon).isGreaterThan(epsilon * (1 - 1e-7));
    }

    @Test
    void estimateIsWithoutBias() {
        RandomizedResponse response = RandomizedResponse.withRandomProbability(0.5, 4);
        // Of 800, 200 in each category are random answers in expectation of 400.
        assertThat(response.estimate(new long[] {500, 100, 100, 100})).containsExactly(800, 0, 0, 0);
        assertThatIllegalArgumentException().isThrownBy(() -> response.estimate(new long[3]));
        assertThatIllegalStateException()
                .isThrownBy(() -> RandomizedResponse.withRandomProbability(1, 2).estimate(new long[2]));
    }

    @Test
    void describesItself() {
        RandomizedResponse response = RandomizedResponse.withRandomProbability(0.5, 2);
        assertThat(response.event()).isEqualTo(new PrivacyEvent.RandomizedResponse(0.5, 2));
        assertThat(response.relation()).isEqualTo(NeighboringRelation.REPLACE_ONE);
        assertThat(response.epsilon()).isBetween(Math.log(3), Math.log(3) * (1 + 1e-14));
        assertThat(response).hasToString("randomized-response(relation=replace, randomProbability=0.5, categories=2)");
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, 1.1, Double.NaN})
    void rejectsProbabilityThatIsNone(double probability) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RandomizedResponse.withRandomProbability(probability, 2))
                .withMessage("randomProbability must be in (0, 1], was " + probability);
    }

    @Test
    void rejectsWhatIsOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RandomizedResponse.withRandomProbability(0.5, 1))
                .withMessage("categories must be >= 2, were 1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RandomizedResponse.withEpsilon(0, 2))
                .withMessage("epsilon must be > 0 and finite, was 0.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RandomizedResponse.withEpsilon(1, 2).respond(2))
                .withMessage("truth must be in [0, 2), was not");
    }
}
