package io.fedlearn.grpc.internal.threads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

class WorkersTest {
    private static final System.Logger LOG = System.getLogger(WorkersTest.class.getName());

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
        Workers.of(named("given"), named("own"), LOG).execute(() -> done.add("work"));

        assertThat(done).containsExactly("given", "work");
    }

    @Test
    void doesItselfWhatTheGivenExecutorRejects() {
        Workers.of(WorkersTest::reject, named("own"), LOG).execute(() -> done.add("work"));

        assertThat(done).containsExactly("own", "work");
    }

    @Test
    void rejectsWhatBothReject() {
        Workers closed = Workers.of(WorkersTest::reject, WorkersTest::reject, LOG);

        assertThatThrownBy(() -> closed.execute(() -> done.add("work"))).isInstanceOf(RejectedExecutionException.class);
    }
}
