package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.safetensors.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TensorNamesTest {
    private static final Tensor WEIGHT = Tensor.copyOf(new float[] {1, 2});
    private static final Tensor MEAN = Tensor.copyOf(new float[] {3});
    private static final Tensor COUNT = Tensor.scalar(4L);

    @TempDir
    private Path folder;

    private static Model named() {
        return Model.builder()
                .trainable("fc.weight", WEIGHT)
                .buffer("bn.running_mean", MEAN)
                .counter("bn.num_batches_tracked", COUNT)
                .build();
    }

    private Path json(String text) throws IOException {
        return Files.writeString(folder.resolve("names.json"), text);
    }

    @Test
    void namesByPlaceWithRolesByType() throws FlowerException {
        Tensor flag = Tensor.zeros(TensorType.BOOL, Shape.scalar());

        Model model = TensorNames.byPlace().name(List.of(WEIGHT, COUNT, flag));

        assertThat(model)
                .isEqualTo(Model.builder()
                        .trainable("tensor-000", WEIGHT)
                        .counter("tensor-001", COUNT)
                        .buffer("tensor-002", flag)
                        .build());
        assertThat(TensorNames.nameByPlace(1234)).isEqualTo("tensor-1234");
        assertThat(TensorNames.byPlace().isGiven()).isFalse();
    }

    @Test
    void namesFromAList() throws FlowerException {
        TensorNames names = TensorNames.of(List.of(
                TensorNames.Entry.of("fc.weight"),
                TensorNames.Entry.of("bn.running_mean", TensorRole.BUFFER),
                TensorNames.Entry.of("bn.num_batches_tracked")));

        assertThat(names.name(List.of(WEIGHT, MEAN, COUNT))).isEqualTo(named());
        assertThat(names.isGiven()).isTrue();
    }

    @Test
    void namesFromAJsonFile() throws Exception {
        TensorNames names = TensorNames.read(json("""
                [{"name": "fc.weight", "role": "trainable"},
                 {"name": "bn.running_mean", "role": "buffer"},
                 {"name": "bn.num_batches_tracked"}]
                """));

        assertThat(names.name(List.of(WEIGHT, MEAN, COUNT))).isEqualTo(named());
    }

    @Test
    void namesFromASafetensorsFileAndChecksItsShapes() throws Exception {
        Path file = folder.resolve("model.safetensors");
        Safetensors.write(named(), file);

        TensorNames names = TensorNames.read(file);

        assertThat(names.name(List.of(WEIGHT, MEAN, COUNT))).isEqualTo(named());
        assertThat(names.name(List.of(Tensor.copyOf(new double[] {1, 2}), MEAN, Tensor.scalar(4.0))))
                .isEqualTo(named());
        assertThatThrownBy(() -> names.name(List.of(WEIGHT, WEIGHT, COUNT)))
                .isInstanceOf(FlowerException.class)
                .hasMessage("tensor 'bn.running_mean' must have shape 1, had 2");
    }

    @Test
    void makesWholeNumbersOfACounterThatCameAsAFraction() throws FlowerException {
        TensorNames names = TensorNames.of(List.of(TensorNames.Entry.of("seen", TensorRole.COUNTER)));

        assertThat(names.name(List.of(Tensor.scalar(6.5))))
                .isEqualTo(Model.builder().counter("seen", Tensor.scalar(6L)).build());
    }

    @Test
    void refusesAnotherNumberOfTensors() {
        TensorNames names = TensorNames.of(List.of(TensorNames.Entry.of("a"), TensorNames.Entry.of("b")));

        assertThatThrownBy(() -> names.name(List.of(WEIGHT)))
                .isInstanceOf(FlowerException.class)
                .hasMessage("the mapping names 2 tensors, got 1");
    }

    @Test
    void refusesARoleThatTheTypeCannotHave() {
        TensorNames names = TensorNames.of(List.of(TensorNames.Entry.of("a", TensorRole.TRAINABLE)));

        assertThatThrownBy(() -> names.name(List.of(COUNT)))
                .isInstanceOf(FlowerException.class)
                .hasMessage("tensors[0]: tensor 'a': a trainable must be of a floating-point type, was INT64");
    }

    @Test
    void refusesEqualAndEmptyNames() {
        assertThatThrownBy(() -> TensorNames.of(List.of(TensorNames.Entry.of("a"), TensorNames.Entry.of("a"))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("two tensors are named 'a'");
        assertThatThrownBy(() -> TensorNames.of(List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a mapping must name at least one tensor");
        assertThatThrownBy(() -> TensorNames.Entry.of("")).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{}|must be a list of tensors",
                "[]|a mapping must name at least one tensor",
                "[1]|entry 0 must be an object with 'name' and 'role'",
                "[{\"role\": \"buffer\"}]|entry 0 must have a text 'name'",
                "[{\"name\": 1}]|entry 0 must have a text 'name'",
                "[{\"name\": \"a\", \"roll\": 1}]|entry 0 has an unknown member 'roll'",
                "[{\"name\": \"a\"}, {\"name\": \"b\", \"role\": \"weight\"}]|entry 1: role must be trainable,",
                "[{\"name\": \"a\"}, {\"name\": \"a\"}]|two tensors are named 'a'",
                "[{\"name\": \"a\"}|"
            })
    void refusesOtherContentByFileAndPlace(String text, String reason) throws IOException {
        Path file = json(text);

        assertThatThrownBy(() -> TensorNames.read(file))
                .isInstanceOf(FormatException.class)
                .hasMessageStartingWith(file.toString())
                .hasMessageContaining(reason == null ? "" : reason);
    }
}
