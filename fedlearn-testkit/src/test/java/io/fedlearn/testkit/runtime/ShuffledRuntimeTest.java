package io.fedlearn.testkit.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.testkit.client.NoOpClient;
import io.fedlearn.testkit.fault.Fault;
import io.fedlearn.testkit.fault.FaultyClient;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ShuffledRuntimeTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int CLIENTS = 12;

    private static InProcessRuntime inProcess() {
        return builder().parallelism(2).build();
    }

    private static InProcessRuntime.Builder builder() {
        Map<String, Client> clients = new TreeMap<>();
        IntStream.range(0, CLIENTS).forEach(i -> clients.put("client" + (10 + i), NoOpClient.create()));
        clients.put("hanging", FaultyClient.around(NoOpClient.create()).always(Fault.hang()));
        return InProcessRuntime.builder(clients);
    }

    private static List<Task> tasks(int round) {
        return IntStream.range(0, CLIENTS)
                .mapToObj(i -> Task.builder(TaskKind.FIT, "client" + (10 + i))
                        .round(round)
                        .build())
                .toList();
    }

    private static List<String> order(long seed, int round) throws InterruptedException {
        RecordingListener listener = RecordingListener.create();
        // Patience without end: what is delivered was delivered because the batch was complete.
        try (ShuffledRuntime runtime = ShuffledRuntime.builder(inProcess(), seed)
                .withBatch(CLIENTS)
                .withPatience(Duration.ofDays(1))
                .build()) {
            List<Task> tasks = tasks(round);
            tasks.forEach(task -> runtime.submit(task, listener));
            for (Task task : tasks) {
                listener.awaitFinished(task, PATIENCE);
            }
        }
        return listener.finishedIds();
    }

    @Test
    void theSeedDecidesTheOrder() throws Exception {
        List<String> submitted = tasks(1).stream().map(Task::id).toList();
        List<String> first = order(1, 1);

        assertThat(first).containsExactlyInAnyOrderElementsOf(submitted).isNotEqualTo(submitted);
        assertThat(order(1, 1)).isEqualTo(first);
        assertThat(order(2, 1)).isNotEqualTo(first);
    }

    @Test
    void aHangingClientHoldsNobodyUpForEver() throws Exception {
        RecordingListener listener = RecordingListener.create();
        try (ShuffledRuntime runtime = ShuffledRuntime.builder(inProcess(), 1)
                .withPatience(Duration.ofMillis(5))
                .build()) {
            Task hanging = Task.builder(TaskKind.FIT, "hanging").build();
            runtime.submit(hanging, listener);
            tasks(1).forEach(task -> runtime.submit(task, listener));

            for (Task task : tasks(1)) {
                assertThat(listener.awaitFinished(task, PATIENCE)).isInstanceOf(ClientOutcome.Completed.class);
            }
            assertThat(listener.outcomes(hanging)).isEmpty();
        }
    }

    @Test
    void outcomesThatWaitAreNotDeliveredAfterCancelling() throws Exception {
        RecordingListener listener = RecordingListener.create();
        List<Task> tasks = tasks(1);
        // On the calling thread: when submit returns, the outcome waits.
        InProcessRuntime direct = builder().executor(Runnable::run).build();
        try (ShuffledRuntime runtime = ShuffledRuntime.builder(direct, 1)
                .withBatch(2)
                .withPatience(Duration.ofDays(1))
                .build()) {
            runtime.submit(tasks.get(0), listener);

            runtime.cancel(tasks.get(0));
            runtime.submit(tasks.get(1), listener);
            runtime.submit(tasks.get(2), listener);
            listener.awaitFinished(tasks.get(1), PATIENCE);
            listener.awaitFinished(tasks.get(2), PATIENCE);
        }

        assertThat(listener.finishedIds())
                .containsExactlyInAnyOrder(tasks.get(1).id(), tasks.get(2).id());
    }

    @Test
    void recordingListenerSaysWhatItWaitedFor() {
        Task task = Task.builder(TaskKind.FIT, "nobody").build();

        assertThatThrownBy(() -> RecordingListener.create().awaitFinished(task, Duration.ofMillis(1)))
                .isInstanceOf(AssertionError.class)
                .hasMessage("task run/0/0-fit/nobody should have ended within 1 ms");
    }
}
