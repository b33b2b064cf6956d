package io.fedlearn.examples.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Config;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class SchemaTest {
    private static final Schema ONE = Schema.of(List.of("age", "balance, now"), List.of("0", "1"), "logistic", "site");

    private static Schema told(Schema schema) {
        return Schema.of(new ClientInfo("a", schema.properties())).orElseThrow();
    }

    @Test
    void serverReadsWhatAClientTells() {
        assertThat(told(ONE)).isEqualTo(ONE);
        assertThat(ONE.differences(told(ONE))).isEmpty();
        assertThat(Schema.of(new ClientInfo("a", Config.empty()))).isEmpty();
    }

    @Test
    void namesWhatDiffers() {
        Schema columns = Schema.of(List.of("age", "calls"), List.of("0", "1"), "logistic", "site");
        assertThat(ONE.differences(told(columns)).orElseThrow())
                .contains("does not learn from balance, now;", "learns from calls;", ONE.code(), columns.code())
                .doesNotContain("model", "scale", "classes");
        Schema rest = Schema.of(List.of("age", "balance, now"), List.of("no", "yes"), "mlp [16]", "none");
        assertThat(ONE.differences(told(rest)).orElseThrow())
                .contains(
                        "classes are no, yes, the run's 0, 1", "model is mlp [16], the run's logistic", "scale is none")
                .doesNotContain("learn");
    }

    @Test
    void longListsAreShortenedAndVeryLongOnesNotTold() {
        List<String> many = IntStream.range(0, 20).mapToObj(i -> "column-" + i).toList();
        assertThat(ONE.differences(Schema.of(many, List.of("0", "1"), "logistic", "site"))
                        .orElseThrow())
                .contains("and 15 more");
        List<String> most =
                IntStream.range(0, 20_000).mapToObj(i -> "column-" + i).toList();
        Schema vast = Schema.of(most, List.of("0", "1"), "logistic", "site");
        assertThat(vast.properties()).isEqualTo(Config.empty().with(Schema.CODE, vast.code()));
        assertThat(ONE.differences(told(vast)).orElseThrow()).startsWith("its schema is " + vast.code());
    }

    @Test
    void takesNothingAmissThatAClientTells() {
        Config odd = Config.empty()
                .with(Schema.CODE, "s1")
                .with("schemaFeatures", "[null")
                .with("schemaClasses", 3);
        Schema told = Schema.of(new ClientInfo("a", odd)).orElseThrow();
        assertThat(told.features()).isEmpty();
        assertThat(told.classes()).isEmpty();
        Config nothing = Config.empty().with(Schema.CODE, "s1").with("schemaFeatures", "[null]");
        assertThat(Schema.of(new ClientInfo("a", nothing)).orElseThrow().features())
                .isEmpty();
        assertThat(Schema.of(new ClientInfo("a", Config.empty().with(Schema.CODE, 3))))
                .isEmpty();
    }
}
