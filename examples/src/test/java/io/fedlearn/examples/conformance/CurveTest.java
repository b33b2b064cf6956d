package io.fedlearn.examples.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

final class CurveTest {
    private static OptionalDouble crossing(double... accuracies) {
        List<double[]> points = new java.util.ArrayList<>();
        for (int i = 0; i < accuracies.length; i++) {
            points.add(new double[] {5 * (i + 1), accuracies[i]});
        }
        return Curve.crossing(points, 0.97);
    }

    @Test
    void liesOnTheLineBetweenTwoPoints() {
        assertThat(crossing(0.9, 0.96, 0.98).getAsDouble()).isCloseTo(12.5, within(1e-9));
    }

    @Test
    void fallsBackToTheBestSoFar() {
        // From the best, 0.96, whose place is that of the last point before the crossing.
        assertThat(crossing(0.96, 0.1, 0.98).getAsDouble()).isCloseTo(12.5, within(1e-9));
    }

    @Test
    void startsFromNothing() {
        assertThat(crossing(0.97).getAsDouble()).isCloseTo(5, within(1e-9));
    }

    @Test
    void isEmptyBelowTheTarget() {
        assertThat(crossing(0.9, 0.9699)).isEmpty();
        assertThat(crossing()).isEmpty();
    }
}
