package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Invariant 2: a round holds the model that it starts from and the one that it makes, and none of those before. */
class ModelRetentionTest {
    private final List<WeakReference<Model>> startedFrom = new ArrayList<>();
    private final List<Integer> alive = new ArrayList<>();

    @Test
    void letsGoOfEarlierModels() throws InterruptedException {
        Federation.of(List.of(new Remembering()))
                .strategy(PlainMean.strategy())
                .rounds(4)
                .evaluateEvery(0)
                .listener(new Looking())
                .run();

        assertThat(startedFrom).hasSize(4);
        assertThat(alive).isEmpty();
    }

    private final class Remembering implements Client {
        @Override
        public ClientUpdate fit(Task task, TaskContext context) {
            startedFrom.add(new WeakReference<>(task.model()));
            return ClientUpdate.ofModel(DriftClient.drift(task), 1);
        }

        @Override
        public ClientUpdate perform(Task task, TaskContext context) {
            return ClientUpdate.ofModel(DriftClient.model(100), 1);
        }
    }

    private final class Looking implements RoundListener {
        @Override
        public void roundFinished(RoundRecord record) {
            if (record.round() == 4) {
                System.gc();
                // The last of them may still be on the stack of a thread that is about to wait for its next task.
                for (int i = 0; i < 3; i++) {
                    if (startedFrom.get(i).get() != null) {
                        alive.add(i);
                    }
                }
            }
        }
    }
}
