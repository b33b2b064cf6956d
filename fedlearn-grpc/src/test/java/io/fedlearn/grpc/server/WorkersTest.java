package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

class WorkersTest {
    private final List<String> done = new ArrayList<>();

    private Executor named(String name) {
        return work -> {
            done.add(name);
            work.run();
        };
    }

    private static void reject(Runnable work) {
        throw new RejectedExecutionException("full");
    }

    @Test
    void leavesWorkToTheGivenExecutor() {
        new Workers(named("given"), named("own")).execute(() -> done.add("work"));

        assertThat(done).containsExactly("given", "work");
    }

    @Test
    void doesItselfWhatTheGivenExecutorRejects() {
        new Workers(WorkersTest::reject, named("own")).execute(() -> done.add("work"));

        assertThat(done).containsExactly("own", "work");
    }

    @Test
    void rejectsWhatBothReject() {
        Workers closed = new Workers(WorkersTest::reject, WorkersTest::reject);

        assertThatThrownBy(() -> closed.execute(() -> done.add("work"))).isInstanceOf(RejectedExecutionException.class);
    }
}
