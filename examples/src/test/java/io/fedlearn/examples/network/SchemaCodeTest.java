package io.fedlearn.examples.network;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class SchemaCodeTest {
    @Test
    void isTheSameForTheSameAndAnotherForAnything() {
        String code = SchemaCode.of(List.of("a", "b"), List.of("0", "1"), "logistic", "site");
        assertThat(SchemaCode.of(List.of("a", "b"), List.of("0", "1"), "logistic", "site"))
                .isEqualTo(code)
                .matches("s[0-9a-f]{12}");
        assertThat(Set.of(
                        code,
                        SchemaCode.of(List.of("b", "a"), List.of("0", "1"), "logistic", "site"),
                        SchemaCode.of(List.of("ab"), List.of("0", "1"), "logistic", "site"),
                        SchemaCode.of(List.of("a"), List.of("b", "0", "1"), "logistic", "site"),
                        SchemaCode.of(List.of("a", "b"), List.of("1", "0"), "logistic", "site"),
                        SchemaCode.of(List.of("a", "b"), List.of("0", "1"), "mlp [16]", "site"),
                        SchemaCode.of(List.of("a", "b"), List.of("0", "1"), "logistic", "none")))
                .hasSize(7);
    }
}
