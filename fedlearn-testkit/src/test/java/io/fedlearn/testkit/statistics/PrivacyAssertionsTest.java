package io.fedlearn.testkit.statistics;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.random.SeededRandom;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.Test;

class PrivacyAssertionsTest {
    private static final double FALSE_ALARM = 1e-9;
    private final SeededRandom random = SeededRandom.of(1);

    /** Tells the truth with this probability, which is private at the logarithm of the odds. */
    private IntSupplier response(int truth, double probability) {
        return () -> random.nextDouble() < probability ? truth : 1 - truth;
    }

    private void check(double probability, double epsilon, double privacyDelta) {
        PrivacyAssertions.assertPrivate(
                response(0, probability), response(1, probability), 2, 20_000, epsilon, privacyDelta, FALSE_ALARM);
    }

    @Test
    void lossIsFoundRightOrWrong() {
        check(0.75, Math.log(3), 0);
        check(0.75, 2, 0);
        assertThatThrownBy(() -> check(0.8, Math.log(3), 0))
                .isExactlyInstanceOf(AssertionError.class)
                .hasMessageContaining("not private at epsilon");
    }

    @Test
    void deltaIsFoundRightOrWrong() {
        // 0.8 = 3 * 0.2 + 0.2
        check(0.8, Math.log(3), 0.2);
        assertThatThrownBy(() -> check(0.8, Math.log(3), 0.15)).isExactlyInstanceOf(AssertionError.class);
    }

    @Test
    void bothDirectionsAreJudged() {
        IntSupplier never = () -> 0;
        IntSupplier sometimes = () -> random.nextDouble() < 0.1 ? 1 : 0;
        assertThatThrownBy(() -> PrivacyAssertions.assertPrivate(never, sometimes, 2, 20_000, 1, 0.05, FALSE_ALARM))
                .isExactlyInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> PrivacyAssertions.assertPrivate(sometimes, never, 2, 20_000, 1, 0.05, FALSE_ALARM))
                .isExactlyInstanceOf(AssertionError.class);
        PrivacyAssertions.assertPrivate(never, sometimes, 2, 20_000, 1, 0.1, FALSE_ALARM);
    }

    @Test
    void nonsenseIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PrivacyAssertions.assertPrivate(() -> 0, () -> 0, 0, 1, 1, 0, FALSE_ALARM));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PrivacyAssertions.assertPrivate(() -> 0, () -> 0, 1, 1, 1, 0, 0));
    }
}
