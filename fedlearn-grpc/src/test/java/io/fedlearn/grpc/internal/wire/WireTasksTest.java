package io.fedlearn.grpc.internal.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import java.util.List;
import org.junit.jupiter.api.Test;

class WireTasksTest {
    private static final Model MODEL = model(1);
    private static final Task TASK = Task.builder(TaskKind.FIT, "a")
            .runId("run")
            .round(1)
            .model(MODEL)
            .tensors("control", model(2))
            .build();

    private static Model model(float value) {
        return Model.builder()
                .trainable("w", Tensor.copyOf(new float[] {value}))
                .build();
    }

    private static TaskOffer offer(Task task, int inlineBytes, long maxAnswerBytes) {
        return WireTasks.write(task, model -> EncodedModel.of(model).payload(inlineBytes), maxAnswerBytes);
    }

    @Test
    void namesTheSameTaskWhateverTheServersSettings() {
        TaskOffer within = offer(TASK, 1_000, 1_000);
        TaskOffer apart = offer(TASK, 0, 5);

        assertThat(within.getModel().hasValues()).isTrue();
        assertThat(apart.getModel().hasValues()).isFalse();
        assertThat(within.getFingerprint()).isEqualTo(apart.getFingerprint());
    }

    @Test
    void namesAnotherTaskIfAnythingOfItIsOther() {
        List<Task> others = List.of(
                TASK.toBuilder().seed(5).build(),
                TASK.toBuilder().model(model(3)).build(),
                TASK.toBuilder().tensors("control", model(3)).build());

        for (Task other : others) {
            assertThat(offer(other, 0, 5).getFingerprint())
                    .isNotEqualTo(offer(TASK, 0, 5).getFingerprint());
        }
    }
}
