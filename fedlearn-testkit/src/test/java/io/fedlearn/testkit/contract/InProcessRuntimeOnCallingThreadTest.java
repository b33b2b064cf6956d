package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.testkit.client.NoOpClient;
import io.fedlearn.testkit.runtime.RecordingListener;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class InProcessRuntimeOnCallingThreadTest extends RuntimeContract {
    private static final int PARALLELISM = 2;

    @Override
    protected Runtime start(Map<String, Client> clients, ClientStateStore states) {
        return InProcessRuntime.builder(clients)
                .parallelism(PARALLELISM)
                .executor(Runnable::run)
                .clientStates(states)
                .build();
    }

    @Override
    protected OptionalInt parallelism() {
        return OptionalInt.of(PARALLELISM);
    }

    @Override
    protected boolean runsOnSubmittingThread() {
        return true;
    }

    @Override
    protected boolean releasesDeafClients() {
        return false;
    }

    @Test
    void stackDoesNotGrowWithTheNumberOfTasks() {
        int rounds = 20_000;
        AtomicInteger completed = new AtomicInteger();
        try (InProcessRuntime runtime = InProcessRuntime.builder(Map.of("sole", NoOpClient.create()))
                .executor(Runnable::run)
                .build()) {
            runtime.submit(task(1), new TaskListener() {
                @Override
                public void started(Task task) {}

                @Override
                public void progress(Task task, long done, long total) {}

                @Override
                public void finished(Task task, ClientOutcome outcome) {
                    if (outcome instanceof ClientOutcome.Completed) {
                        completed.incrementAndGet();
                    }
                    if (task.round() < rounds) {
                        runtime.submit(task(task.round() + 1), this);
                    }
                }
            });
        }

        assertThat(completed).hasValue(rounds);
    }

    @Test
    void aListenerThatThrowsDoesNotHoldOthersUp() {
        RecordingListener listener = RecordingListener.create();
        try (InProcessRuntime runtime = InProcessRuntime.builder(Map.of("sole", NoOpClient.create()))
                .executor(Runnable::run)
                .parallelism(1)
                .build()) {
            TaskListener throwing = new TaskListener() {
                @Override
                public void started(Task task) {}

                @Override
                public void progress(Task task, long done, long total) {}

                @Override
                public void finished(Task task, ClientOutcome outcome) {
                    runtime.submit(task(2), listener);
                    runtime.submit(task(3), listener);
                    throw new IllegalStateException("listener");
                }
            };

            assertThatIllegalStateException()
                    .isThrownBy(() -> runtime.submit(task(1), throwing))
                    .withMessage("listener");
        }

        assertThat(listener.outcomes(task(2))).hasSize(1);
        assertThat(listener.outcomes(task(3))).hasSize(1);
    }

    private static Task task(int round) {
        return Task.builder(TaskKind.FIT, "sole").round(round).build();
    }
}
