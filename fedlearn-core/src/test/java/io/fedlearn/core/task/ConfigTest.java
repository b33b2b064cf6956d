package io.fedlearn.core.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigTest {
    private static final Config CONFIG =
            Config.of(Map.of("whole", 3, "number", 0.5, "flag", true, "text", "x", "large", Long.MAX_VALUE));

    @Test
    void normalisesNumbers() {
        Config narrow = Config.of(Map.of("a", (byte) -1, "b", (short) 2, "c", 3, "d", 0.5f));

        assertThat(narrow.asMap()).isEqualTo(Map.of("a", -1L, "b", 2L, "c", 3L, "d", 0.5));
        assertThat(narrow)
                .isEqualTo(Config.of(Map.of("a", -1L, "b", 2L, "c", 3L, "d", 0.5)))
                .hasSameHashCodeAs(Config.of(Map.of("a", -1L, "b", 2L, "c", 3L, "d", 0.5)));
    }

    @Test
    void keepsNamesInAlphabeticalOrder() {
        assertThat(CONFIG.names()).containsExactly("flag", "large", "number", "text", "whole");
        assertThat(CONFIG).hasToString("{flag=true, large=9223372036854775807, number=0.5, text=x, whole=3}");
    }

    @Test
    void givesValuesByType() {
        assertThat(CONFIG.getLong("whole")).contains(3L);
        assertThat(CONFIG.getDouble("number")).contains(0.5);
        assertThat(CONFIG.getDouble("whole")).contains(3.0);
        assertThat(CONFIG.getBoolean("flag")).contains(true);
        assertThat(CONFIG.getString("text")).contains("x");
    }

    @Test
    void givesNothingForWhatIsNotSet() {
        assertThat(CONFIG.getLong("none")).isEmpty();
        assertThat(CONFIG.getDouble("none")).isEmpty();
        assertThat(CONFIG.getBoolean("none")).isEmpty();
        assertThat(CONFIG.getString("none")).isEmpty();
    }

    @Test
    void saysWhichTypeASettingMustHave() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CONFIG.getLong("number"))
                .withMessage("setting 'number' must be a whole number, was Double 0.5");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CONFIG.getDouble("text"))
                .withMessage("setting 'text' must be a number, was String x");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CONFIG.getBoolean("whole"))
                .withMessage("setting 'whole' must be a boolean, was Long 3");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CONFIG.getString("flag"))
                .withMessage("setting 'flag' must be a text, was Boolean true");
    }

    @Test
    void replacesAndJoinsWithoutChangingItself() {
        Config first = Config.empty().with("a", 1);

        assertThat(first.with(Config.of(Map.of("a", "new", "b", 2))).asMap()).isEqualTo(Map.of("a", "new", "b", 2L));
        assertThat(first.asMap()).isEqualTo(Map.of("a", 1L));
        assertThat(Config.empty().isEmpty()).isTrue();
        assertThat(first.isEmpty()).isFalse();
    }

    @Test
    void cannotBeChangedThroughItsMaps() {
        Map<String, Object> given = new HashMap<>(Map.of("a", 1));
        Config config = Config.of(given);
        given.put("b", 2);

        assertThat(config.names()).containsExactly("a");
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> config.asMap().put("b", 2L));
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> config.names().clear());
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void refusesNumbersThatAreNotFinite(double value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Config.empty().with("mu", value))
                .withMessage("setting 'mu' must be finite, was " + value);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Config.empty().with("mu", (float) value))
                .withMessage("setting 'mu' must be finite, was " + value);
    }

    @Test
    void refusesOtherTypesAndEmptyNames() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Config.of(Map.of("list", List.of(1))))
                .withMessageStartingWith("setting 'list' must be a boolean, number or text, was java.util.");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Config.empty().with("letter", 'x'))
                .withMessage("setting 'letter' must be a boolean, number or text, was java.lang.Character");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Config.empty().with("", 1))
                .withMessage("a setting's name must not be empty");
    }
}
