package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.runtime.CompositeRuntime;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.runtime.Refusal;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.core.store.InMemoryRunStore;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The audit log says who came, who went and who was not let in. */
class AuditedClientsTest {
    private static final List<String> ABOUT_CLIENTS = List.of("clients-joined", "clients-left", "client-refused");

    /** Clients of whom others are there each time that a round begins. */
    private static final class Door implements Runtime {
        private final Runtime all;
        private final Deque<List<String>> present;
        private List<String> now;
        private List<Refusal> refusals = List.of();

        /**
         * @param present ids, with blanks between, of each round
         */
        Door(String... present) {
            Map<String, Client> clients = new TreeMap<>();
            this.present = new ArrayDeque<>();
            for (String ids : present) {
                this.present.add(List.of(ids.split(" ")));
                this.present.getLast().forEach(id -> clients.put(id, new DriftClient(3)));
            }
            this.all = InProcessRuntime.of(clients);
            this.now = this.present.element();
        }

        @Override
        public List<ClientInfo> clients() {
            return all.clients().stream()
                    .filter(client -> now.contains(client.id()))
                    .toList();
        }

        @Override
        public Set<Capability> capabilities() {
            return all.capabilities();
        }

        @Override
        public boolean awaitClients(int count, Duration timeout) {
            now = present.size() > 1 ? present.remove() : present.element();
            return now.size() >= count;
        }

        @Override
        public void submit(Task task, TaskListener listener) {
            all.submit(task, listener);
        }

        @Override
        public void cancel(Task task) {
            all.cancel(task);
        }

        @Override
        public List<Refusal> takeRefusals() {
            List<Refusal> taken = refusals;
            refusals = List.of();
            return taken;
        }

        @Override
        public void close() {
            all.close();
        }
    }

    private static final class Remembered implements AuditLog {
        private final List<AuditEvent> events = new ArrayList<>();

        @Override
        public AuditHead append(AuditEvent event) {
            events.add(event);
            return head();
        }

        @Override
        public AuditHead head() {
            return new AuditHead(events.size(), "0");
        }

        @Override
        public boolean contains(AuditHead earlierHead) {
            return true;
        }

        @Override
        public void close() {}

        List<String> types() {
            return events.stream().map(AuditEvent::type).toList();
        }

        /** What is told of clients, without the run, which is named by chance. */
        List<String> aboutClients() {
            return events.stream()
                    .filter(event -> ABOUT_CLIENTS.contains(event.type()))
                    .map(event -> {
                        Map<String, Object> fields =
                                new TreeMap<>(event.fields().asMap());
                        assertThat(fields.remove("run")).isNotNull();
                        return event.type() + " " + fields;
                    })
                    .toList();
        }
    }

    private final Remembered log = new Remembered();

    private Federation.Builder federation(Runtime runtime) {
        return Federation.of(runtime)
                .strategy(PlainMean.strategy())
                .initialModel(DriftClient.model(4))
                .federatedEvaluation(false)
                .audit(log);
    }

    @Test
    void namesWhoCameAndWhoWentBeforeTheRoundStarts() throws Exception {
        federation(new Door("a b", "a b", "b c d")).rounds(3).run();
        assertThat(log.aboutClients())
                .containsExactly(
                        "clients-joined {clients=a b, count=2, present=2, round=1}",
                        "clients-left {clients=a, count=1, present=3, round=3}",
                        "clients-joined {clients=c d, count=2, present=3, round=3}");
        assertThat(log.types())
                .containsExactly(
                        "run-started",
                        "clients-joined",
                        "round-started",
                        "round-completed",
                        "round-started",
                        "round-completed",
                        "clients-left",
                        "clients-joined",
                        "round-started",
                        "round-completed",
                        "run-finished");
    }

    @Test
    void resumedRunNamesAllWhoAreThere() throws Exception {
        InMemoryRunStore store = InMemoryRunStore.create();
        federation(new Door("a b")).store(store).rounds(1).run();
        log.events.clear();
        federation(new Door("b c")).store(store).resume(true).rounds(2).run();
        assertThat(log.types().get(0)).isEqualTo("run-resumed");
        assertThat(log.aboutClients()).containsExactly("clients-joined {clients=b c, count=2, present=2, round=2}");
    }

    @Test
    void roundThatTooFewAreThereForTellsWhoIs() throws Exception {
        federation(new Door("a", "a b"))
                .minClients(2)
                .policy(RoundPolicy.defaults().withToleratedAborts(1))
                .rounds(2)
                .run();
        assertThat(log.types())
                .containsExactly(
                        "run-started",
                        "clients-joined",
                        "round-started",
                        "round-aborted",
                        "clients-joined",
                        "round-started",
                        "round-completed",
                        "run-finished");
    }

    @Test
    void manyIdsMakeSeveralRecordsAndNoneIsLeftOut() {
        List<ClientInfo> many = IntStream.range(0, 2 * Attendance.IDS_PER_EVENT + 1)
                .mapToObj(i -> new ClientInfo(String.format("c%05d", i), Config.empty()))
                .toList();
        Attendance attendance = new Attendance();
        List<Attendance.Change> joined = attendance.changes(many);
        assertThat(joined)
                .extracting(change -> change.fields().getLong("count").orElseThrow())
                .containsExactly((long) Attendance.IDS_PER_EVENT, (long) Attendance.IDS_PER_EVENT, 1L);
        assertThat(joined)
                .flatExtracting(change -> List.of(
                        change.fields().getString("clients").orElseThrow().split(" ")))
                .containsExactlyElementsOf(many.stream().map(ClientInfo::id).toList());
        assertThat(joined).allMatch(change -> change.fields().getLong("present").orElseThrow() == many.size());
        assertThat(attendance.changes(many)).isEmpty();
        assertThat(attendance.changes(List.of()))
                .hasSize(3)
                .allMatch(change -> change.type().equals("clients-left"));
    }

    @Test
    void namesWhoWasNotLetIn() throws Exception {
        Door door = new Door("a");
        door.refusals = List.of(
                new Refusal(Optional.of("eve"), true, "revoked", 3),
                new Refusal(Optional.empty(), false, "no token", 7));
        Door other = new Door("b");
        other.refusals = List.of(new Refusal(Optional.of("mal"), false, "full", 1));
        federation(CompositeRuntime.of(List.of(door, other))).rounds(2).run();
        assertThat(log.aboutClients())
                .filteredOn(line -> line.startsWith("client-refused"))
                .containsExactly(
                        "client-refused {client=eve, count=3, proven=true, reason=revoked, round=1}",
                        "client-refused {client=, count=7, proven=false, reason=no token, round=1}",
                        "client-refused {client=mal, count=1, proven=false, reason=full, round=1}");
    }

    @Test
    void namesWhoWasNotLetInDuringTheLastRound() throws Exception {
        Door door = new Door("a");
        federation(door)
                .rounds(1)
                .listener(new RoundListener() {
                    @Override
                    public void roundStarted(int round, List<String> cohort) {
                        door.refusals = List.of(new Refusal(Optional.of("eve"), true, "revoked", 1));
                    }
                })
                .run();
        assertThat(log.types())
                .containsExactly(
                        "run-started",
                        "clients-joined",
                        "round-started",
                        "round-completed",
                        "client-refused",
                        "run-finished");
    }

    @Test
    void namesWhoWasNotLetInDuringTheRoundThatEndsTheRun() {
        Door door = new Door("a");
        assertThatExceptionOfType(QuorumNotReachedException.class)
                .isThrownBy(() -> federation(door)
                        .minClients(2)
                        .rounds(1)
                        .listener(new RoundListener() {
                            @Override
                            public void roundStarted(int round, List<String> cohort) {
                                door.refusals = List.of(new Refusal(Optional.of("eve"), true, "revoked", 1));
                            }
                        })
                        .run());
        assertThat(log.types())
                .containsExactly("run-started", "clients-joined", "round-started", "round-aborted", "client-refused");
    }

    @Test
    void refusalsAreOfSomebodyAndCounted() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Refusal(Optional.of("a"), true, "revoked", 0))
                .withMessageContaining("count must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Refusal(Optional.empty(), true, "revoked", 1))
                .withMessageContaining("isProven must be false");
    }
}
