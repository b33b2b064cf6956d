package io.fedlearn.core.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TaskTest {
    private static final Model MODEL =
            Model.builder().trainable("w", Tensor.scalar(1f)).build();

    private static Task.Builder full() {
        return Task.builder(TaskKind.FIT, "ward-a")
                .runId("heart")
                .round(3)
                .exchange(1)
                .seed(42)
                .model(MODEL)
                .tensors("control", MODEL)
                .config(Config.empty().with("mu", 0.1))
                .transforms(List.of(new TransformSpec("clip", Config.empty())))
                .lastAcceptedRound(2)
                .timeLimit(Duration.ofSeconds(5));
    }

    @Test
    void idNamesRunRoundExchangeKindAndClient() {
        assertThat(full().build().id()).isEqualTo("heart/3/1-fit/ward-a");
        assertThat(full().build()).hasToString("heart/3/1-fit/ward-a");
        assertThat(Task.builder(TaskKind.EVALUATE, "b").build().id()).isEqualTo("run/0/0-evaluate/b");
    }

    @Test
    void idsOfDifferentTasksDiffer() {
        assertThat(Stream.of(
                                full(),
                                full().runId("other"),
                                full().round(4),
                                full().exchange(2),
                                Task.builder(TaskKind.EVALUATE, "ward-a")
                                        .runId("heart")
                                        .round(3)
                                        .exchange(1),
                                Task.builder(TaskKind.FIT, "ward-b")
                                        .runId("heart")
                                        .round(3)
                                        .exchange(1))
                        .map(builder -> builder.build().id()))
                .doesNotHaveDuplicates();
    }

    @Test
    void carriesEverythingThroughItsBuilderAndBack() {
        for (Task task : List.of(full().build(), full().build().toBuilder().build())) {
            assertThat(task.runId()).isEqualTo("heart");
            assertThat(task.round()).isEqualTo(3);
            assertThat(task.exchange()).isEqualTo(1);
            assertThat(task.kind()).isEqualTo(TaskKind.FIT);
            assertThat(task.clientId()).isEqualTo("ward-a");
            assertThat(task.seed()).isEqualTo(42);
            assertThat(task.model()).isSameAs(MODEL);
            assertThat(task.tensors()).isEqualTo(Map.of("control", MODEL));
            assertThat(task.config().getDouble("mu")).contains(0.1);
            assertThat(task.transforms()).containsExactly(new TransformSpec("clip", Config.empty()));
            assertThat(task.lastAcceptedRound()).hasValue(2);
            assertThat(task.timeLimit()).contains(Duration.ofSeconds(5));
        }
    }

    @Test
    void hasNothingThatWasNotSet() {
        Task task = Task.builder(TaskKind.PROPERTIES, "a").build();

        assertThat(task.model()).isEqualTo(Model.empty());
        assertThat(task.tensors()).isEmpty();
        assertThat(task.config().isEmpty()).isTrue();
        assertThat(task.transforms()).isEmpty();
        assertThat(task.lastAcceptedRound()).isEmpty();
        assertThat(task.timeLimit()).isEmpty();
    }

    @Test
    void staysAsItIsWhenItsBuilderGoesOn() {
        List<TransformSpec> transforms = new ArrayList<>();
        Task.Builder builder = full().transforms(transforms);
        Task task = builder.build();

        builder.tensors("more", MODEL).round(9);
        transforms.add(new TransformSpec("late", Config.empty()));

        assertThat(task.tensors()).containsOnlyKeys("control");
        assertThat(task.round()).isEqualTo(3);
        assertThat(task.transforms()).isEmpty();
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> task.tensors().put("x", MODEL));
    }

    @Test
    void refusesNegativeNumbers() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> full().round(-1))
                .withMessage("round must be >= 0, was -1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> full().exchange(-1))
                .withMessage("exchange must be >= 0, was -1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"fit", "initial-model", "a", "x2", "secure-sum-2"})
    void takesKindsOfLowerCaseWords(String name) {
        assertThat(new TaskKind(name)).hasToString(name).isEqualTo(new TaskKind(name));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Fit", "2fit", "-fit", "fit-", "a--b", "a b", "a/b", "fit\n", "größe"})
    void refusesOtherKinds(String name) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TaskKind(name))
                .withMessage("a task kind must be lower-case words joined by dashes, at most 64 characters, was '"
                        + name + "'");
    }

    @Test
    void refusesOverlongKindsAndNamelessTransforms() {
        assertThat(new TaskKind("x".repeat(64)).name()).hasSize(64);
        assertThatIllegalArgumentException().isThrownBy(() -> new TaskKind("x".repeat(65)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TransformSpec("", Config.empty()))
                .withMessage("a transform's name must not be empty");
    }
}
