package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.runtime.CompositeRuntime;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome.Completed;
import io.fedlearn.core.task.ClientOutcome.Failed;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.testkit.client.NoOpClient;
import io.fedlearn.testkit.runtime.RecordingListener;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class CompositeRuntimeTest extends RuntimeContract {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** Every other client behind the second of two runtimes. */
    @Override
    protected Runtime start(Map<String, Client> clients, ClientStateStore states) {
        List<Map<String, Client>> parts = List.of(new TreeMap<>(), new TreeMap<>());
        int place = 0;
        for (Map.Entry<String, Client> client : new TreeMap<>(clients).entrySet()) {
            parts.get(place++ % 2).put(client.getKey(), client.getValue());
        }
        List<Runtime> runtimes = new ArrayList<>();
        for (Map<String, Client> part : parts) {
            runtimes.add(
                    part.isEmpty()
                            ? new FakeRuntime()
                            : InProcessRuntime.builder(part)
                                    .clientStates(states)
                                    .build());
        }
        return CompositeRuntime.of(runtimes);
    }

    /** A runtime that notes what it is asked. */
    private static final class FakeRuntime implements Runtime {
        private final List<ClientInfo> members = new CopyOnWriteArrayList<>();
        private final List<Task> submitted = new CopyOnWriteArrayList<>();
        private final List<Task> cancelled = new CopyOnWriteArrayList<>();
        private Set<Capability> capabilities = EnumSet.allOf(Capability.class);
        private int closed;
        private boolean isFaulty;

        FakeRuntime(String... ids) {
            for (String id : ids) {
                members.add(new ClientInfo(id, Config.empty()));
            }
        }

        @Override
        public List<ClientInfo> clients() {
            return List.copyOf(members);
        }

        @Override
        public Set<Capability> capabilities() {
            return capabilities;
        }

        @Override
        public boolean awaitClients(int count, Duration timeout) {
            return members.size() >= count;
        }

        @Override
        public void submit(Task task, TaskListener listener) {
            submitted.add(task);
        }

        @Override
        public void cancel(Task task) {
            cancelled.add(task);
        }

        @Override
        public void close() {
            closed++;
            if (isFaulty) {
                throw new IllegalStateException("cannot close");
            }
        }
    }

    private static Task task(String client) {
        return Task.builder(TaskKind.FIT, client).build();
    }

    @Test
    void sendsTasksAndCancelsWhereTheirClientIs() {
        FakeRuntime one = new FakeRuntime("a");
        FakeRuntime other = new FakeRuntime("b");
        CompositeRuntime both = CompositeRuntime.of(List.of(one, other));

        both.submit(task("b"), RecordingListener.create());
        both.cancel(task("b"));

        assertThat(one.submitted).isEmpty();
        assertThat(one.cancelled).isEmpty();
        assertThat(other.submitted).extracting(Task::clientId).containsExactly("b");
        assertThat(other.cancelled).extracting(Task::clientId).containsExactly("b");
    }

    @Test
    void canDoWhatAllOfThemCan() {
        FakeRuntime one = new FakeRuntime();
        FakeRuntime other = new FakeRuntime();
        one.capabilities = EnumSet.of(Capability.NAMED_TENSORS, Capability.STABLE_IDENTITY);
        other.capabilities = EnumSet.of(Capability.STABLE_IDENTITY, Capability.CLIENT_STATE);

        assertThat(CompositeRuntime.of(List.of(one, other)).capabilities()).containsExactly(Capability.STABLE_IDENTITY);
    }

    @Test
    void leavesOutWhoeverComesLaterUnderAnIdThatIsTaken() {
        FakeRuntime one = new FakeRuntime("a");
        FakeRuntime other = new FakeRuntime("b");
        CompositeRuntime both = CompositeRuntime.of(List.of(one, other));
        assertThat(both.clients()).extracting(ClientInfo::id).containsExactly("a", "b");

        one.members.add(new ClientInfo("b", Config.empty().with("second", true)));
        both.submit(task("b"), RecordingListener.create());

        assertThat(both.clients())
                .containsExactly(new ClientInfo("a", Config.empty()), new ClientInfo("b", Config.empty()));
        assertThat(one.submitted).isEmpty();
        assertThat(other.submitted).hasSize(1);
    }

    @Test
    void keepsAnIdForItsClientWhileThatIsAway() {
        FakeRuntime one = new FakeRuntime("a");
        FakeRuntime other = new FakeRuntime();
        CompositeRuntime both = CompositeRuntime.of(List.of(one, other));
        both.clients();
        one.members.clear();
        other.members.add(new ClientInfo("a", Config.empty()));

        assertThat(both.clients()).isEmpty();
    }

    @Test
    void forgetsIdsThatAreNotStableWhenTheirClientsGo() {
        FakeRuntime one = new FakeRuntime("a");
        FakeRuntime other = new FakeRuntime();
        one.capabilities = EnumSet.of(Capability.FURTHER_TASK_KINDS);
        CompositeRuntime both = CompositeRuntime.of(List.of(one, other));
        both.clients();
        one.members.clear();
        other.members.add(new ClientInfo("a", Config.empty()));

        assertThat(both.clients()).extracting(ClientInfo::id).containsExactly("a");
    }

    @Test
    void givesAnIdThatTwoHaveFromTheStartToTheFirst() {
        FakeRuntime one = new FakeRuntime("a");
        FakeRuntime other = new FakeRuntime("a");

        CompositeRuntime.of(List.of(one, other)).submit(task("a"), RecordingListener.create());

        assertThat(one.submitted).hasSize(1);
        assertThat(other.submitted).isEmpty();
    }

    @Test
    void waitsForTheClientsOfAllTogether() throws Exception {
        FakeRuntime one = new FakeRuntime("a");
        FakeRuntime other = new FakeRuntime();
        CompositeRuntime both = CompositeRuntime.of(List.of(one, other));
        assertThat(both.awaitClients(2, Duration.ofMillis(1))).isFalse();
        CountDownLatch begun = new CountDownLatch(1);
        Thread late = new Thread(() -> {
            begun.countDown();
            other.members.add(new ClientInfo("b", Config.empty()));
        });
        late.start();

        assertThat(both.awaitClients(2, PATIENCE)).isTrue();
        assertThat(begun.getCount()).isZero();
        late.join();
    }

    @Test
    void stopsWaitingForClientsWhenItIsClosed() throws Exception {
        CompositeRuntime alone = CompositeRuntime.of(List.of(new FakeRuntime()));
        alone.close();

        assertThat(alone.awaitClients(1, Duration.ofDays(1))).isFalse();
    }

    @Test
    void closesAllOnceEvenIfOneFails() {
        FakeRuntime faulty = new FakeRuntime();
        FakeRuntime other = new FakeRuntime();
        faulty.isFaulty = true;
        CompositeRuntime both = CompositeRuntime.of(List.of(faulty, other));

        assertThatIllegalStateException().isThrownBy(both::close).withMessage("cannot close");
        both.close();

        assertThat(faulty.closed).isEqualTo(1);
        assertThat(other.closed).isEqualTo(1);
    }

    @Test
    void aClientThatJoinsLateGetsItsTasks() throws Exception {
        FakeRuntime empty = new FakeRuntime();
        try (CompositeRuntime both = CompositeRuntime.of(
                List.of(empty, InProcessRuntime.of(Collections.singletonMap("late", NoOpClient.create()))))) {
            RecordingListener listener = RecordingListener.create();

            both.submit(task("late"), listener);
            both.submit(task("never"), listener);

            assertThat(listener.awaitFinished(task("late"), PATIENCE)).isInstanceOf(Completed.class);
            assertThat(listener.awaitFinished(task("never"), PATIENCE)).isInstanceOf(Failed.class);
        }
    }

    @Test
    void refusesNoRuntimesAndOneTwice() {
        FakeRuntime one = new FakeRuntime();
        assertThatIllegalArgumentException().isThrownBy(() -> CompositeRuntime.of(List.of()));
        assertThatIllegalArgumentException().isThrownBy(() -> CompositeRuntime.of(List.of(one, one)));
    }
}
