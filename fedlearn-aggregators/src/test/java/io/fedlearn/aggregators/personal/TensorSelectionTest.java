package io.fedlearn.aggregators.personal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TensorSelectionTest {
    private static final ModelSpec NETWORK = model(
            "encoder/conv1.weight T",
            "encoder/bn1.gamma T",
            "encoder/bn1.var B",
            "encoder/bn1.batches C",
            "scale B",
            "scale2 T",
            "head/dense.weight T",
            "head/dense.bias T");

    private static ModelSpec model(String... tensors) {
        Model.Builder model = Model.builder();
        for (String tensor : tensors) {
            String name = tensor.substring(0, tensor.length() - 2);
            switch (tensor.charAt(tensor.length() - 1)) {
                case 'T' -> model.add(name, Tensor.scalar(1f), TensorRole.TRAINABLE);
                case 'B' -> model.add(name, Tensor.scalar(1f), TensorRole.BUFFER);
                default -> model.add(name, Tensor.scalar(1L), TensorRole.COUNTER);
            }
        }
        return model.build().spec();
    }

    private static List<String> selected(String text, ModelSpec model) {
        return TensorSelection.parse(text).in(model).stream()
                .mapToObj(t -> model.tensors().get(t).name())
                .toList();
    }

    @Test
    void meansNamesThatMatchAPatternAsAWhole() {
        assertThat(selected("head/*", NETWORK)).containsExactly("head/dense.weight", "head/dense.bias");
        assertThat(selected("head*bias", NETWORK)).containsExactly("head/dense.bias");
        assertThat(selected("head", model("head T", "header T", "ahead T"))).containsExactly("head");
        assertThat(selected("scale?", NETWORK)).containsExactly("scale2");
        assertThat(selected("*1.*", NETWORK))
                .containsExactly("encoder/conv1.weight", "encoder/bn1.gamma", "encoder/bn1.var", "encoder/bn1.batches");
        assertThat(selected("head/*,*gamma", NETWORK))
                .containsExactly("encoder/bn1.gamma", "head/dense.weight", "head/dense.bias");
    }

    @Test
    void meansTensorsByRoleAndByLayer() {
        assertThat(selected("@buffers", NETWORK)).containsExactly("encoder/bn1.var", "encoder/bn1.batches", "scale");
        // A name without a separator is a layer of its own: scale2 has no part in scale.
        assertThat(selected("@layers-with-buffers", NETWORK))
                .containsExactly("encoder/bn1.gamma", "encoder/bn1.var", "encoder/bn1.batches", "scale");
        assertThat(TensorSelection.layersWithBuffers().and(TensorSelection.matching("*bias")))
                .hasToString("@layers-with-buffers,*bias");
        assertThat(selected("@layers-with-buffers,*bias", NETWORK)).hasSize(5).contains("head/dense.bias");
    }

    @Test
    void aLayerEndsAtTheLastSeparatorOfEitherKind() {
        assertThat(selected(
                        "@layers-with-buffers",
                        model("a.b/mean B", "a.b/gamma T", "a.b T", "a/b.mean B", "a/b.beta T", "a/c T")))
                .containsExactly("a.b/mean", "a.b/gamma", "a/b.mean", "a/b.beta");
    }

    @ParameterizedTest
    @CsvSource({
        "*, abc, true",
        "a*c, abc, true",
        "a*c, ac, true",
        "a*c, acb, false",
        "a*b*c, abbbcxbc, true",
        "a*b*c, abbbcxb, false",
        "**a**, bab, true",
        "?, a, true",
        "?, ab, false",
        "a.c, abc, false",
        "(a+)+, aaa, false",
        "a\\*, a*, true",
        "a\\*, ab, false",
        "a\\?, ab, false",
        "a\\\\, 'a\\', true",
        "\\@buffers, '@buffers', true",
        "'a\\,b', 'a,b', true",
        "'a\\,b', a, false",
        "*\\*x, 'a**x', true",
        "*ab?, 'ababc', true",
        "*ä*, häb, true"
    })
    void matchesAsDocumented(String pattern, String name, boolean expected) {
        ModelSpec model = model(name + " T", "another one T", "never matched B");
        boolean actual;
        try {
            actual = selected(pattern, model).contains(name);
        } catch (IllegalArgumentException e) {
            // It matched none, or every trainable one.
            actual = String.valueOf(e.getMessage()).startsWith("every");
        }
        assertThat(actual).isEqualTo(expected);
    }

    @Test
    @Timeout(10)
    void noPatternTakesLong() {
        String name = "a".repeat(511) + "b";
        String pattern = "*a".repeat(511);
        ModelSpec model = model(name + " T", "other T");

        for (int i = 0; i < 100; i++) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> TensorSelection.parse(pattern).in(model))
                    .withMessageStartingWith("no tensor of the model is");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",", "a,", ",a", "a,,b", "@bufers", "@", "a\\", "@buffers,@x"})
    void refusesATextThatIsNoSelection(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> TensorSelection.parse(text));
    }

    @Test
    void saysWhatIsWrongWithAText() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TensorSelection.parse("head/*,@bn"))
                .withMessage("a term that begins with '@' must be @buffers or @layers-with-buffers, was '@bn'");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TensorSelection.parse("x".repeat(1025)))
                .withMessage("a selection of tensors must have 1 to 1024 characters, had 1025");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TensorSelection.matching("head", "@buffers"))
                .withMessageStartingWith("a pattern must not begin with '@', was '@buffers'");
        assertThatIllegalArgumentException().isThrownBy(TensorSelection::matching);
    }

    @Test
    void refusesAModelOfWhichItMeansNothingOrAllThatIsTrained() {
        ModelSpec model = model("body.w T", "head.w T", "mean B");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TensorSelection.parse("top.*").in(model))
                .withMessage("no tensor of the model is 'top.*': it has body.w, head.w, mean");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TensorSelection.parse("*.w").in(model))
                .withMessage("every trainable tensor of the model is '*.w', which leaves nothing to learn together:"
                        + " it has body.w, head.w, mean");
        String[] many = new String[15];
        for (int i = 0; i < many.length; i++) {
            many[i] = "t" + i + " T";
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TensorSelection.parse("top").in(model(many)))
                .withMessageEndingWith("it has t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11 and 3 more");
    }

    @Test
    void isAValue() {
        assertThat(TensorSelection.matching("a", "b"))
                .isEqualTo(TensorSelection.parse("a,b"))
                .hasSameHashCodeAs(TensorSelection.parse("a,b"))
                .isNotEqualTo(TensorSelection.parse("b,a"));
    }
}
