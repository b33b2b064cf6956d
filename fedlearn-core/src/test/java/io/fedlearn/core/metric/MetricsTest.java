package io.fedlearn.core.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MetricsTest {
    @Test
    void keepsNamesInAlphabeticalOrder() {
        Metrics metrics = Metrics.of("loss", 0.5).with("auc", 0.9).with("steps", 3);

        assertThat(metrics.names()).containsExactly("auc", "loss", "steps");
        assertThat(metrics).hasToString("{auc=0.9, loss=0.5, steps=3.0}");
        assertThat(metrics.get("auc")).hasValue(0.9);
        assertThat(metrics.get("rmse")).isEmpty();
    }

    @Test
    void replacesAndJoinsWithoutChangingItself() {
        Metrics first = Metrics.of("a", 1);

        Metrics joined = first.with(Metrics.of(Map.of("a", 2.0, "b", 3.0)));

        assertThat(joined.asMap()).isEqualTo(Map.of("a", 2.0, "b", 3.0));
        assertThat(first.asMap()).isEqualTo(Map.of("a", 1.0));
        assertThat(first.with("a", 2).with("b", 3)).isEqualTo(joined).hasSameHashCodeAs(joined);
        assertThat(Metrics.none().isEmpty()).isTrue();
        assertThat(joined.isEmpty()).isFalse();
    }

    @Test
    void cannotBeChangedThroughItsMaps() {
        Map<String, Double> given = new HashMap<>(Map.of("a", 1.0));
        Metrics metrics = Metrics.of(given);
        given.put("b", 2.0);

        assertThat(metrics.names()).containsExactly("a");
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> metrics.asMap().put("b", 2.0));
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> metrics.names().remove("a"));
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void refusesAnUndefinedValue(double value) {
        String message = "metric 'auc' must be finite, was " + value + " (leave an undefined metric out)";
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Metrics.of("auc", value))
                .withMessage(message);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Metrics.of(Map.of("auc", value)))
                .withMessage(message);
    }

    @Test
    void refusesAnEmptyName() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Metrics.of("", 1))
                .withMessage("a metric's name must not be empty");
    }
}
