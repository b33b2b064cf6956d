package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientOutcome.Completed;
import io.fedlearn.core.task.ClientOutcome.Declined;
import io.fedlearn.core.task.ClientOutcome.Failed;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.testkit.client.DriftClient;
import io.fedlearn.testkit.client.NoOpClient;
import io.fedlearn.testkit.fault.Fault;
import io.fedlearn.testkit.fault.FaultyClient;
import io.fedlearn.testkit.generator.ModelGenerator;
import io.fedlearn.testkit.runtime.RecordingListener;
import io.fedlearn.testkit.transform.ScaleTransform;
import io.fedlearn.testkit.transform.ShiftTransform;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Tests the rules of {@link Runtime}; a subclass supplies the runtime. Numbers in the names of the tests are those of the rules.
 *
 * <p>What the runtime's {@link Runtime#capabilities()} leave out is not asked of it. Tasks are submitted from threads of the
 * suite's own, so that a runtime whose clients work on the submitting thread can be tested too.
 */
@TestInstance(TestInstance.Lifecycle.PER_METHOD)
public abstract class RuntimeContract {
    private static final String SOLE = "sole";
    private static final Model MODEL = ModelGenerator.of(1).nextModerate(ModelGenerator.networkSpec());

    private final ExecutorService submitters = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "runtime-contract");
        thread.setDaemon(true);
        return thread;
    });
    private final RecordingListener listener = RecordingListener.create();
    private final List<CountDownLatch> releases = new ArrayList<>();
    private Optional<Runtime> open = Optional.empty();

    /** For subclasses. */
    protected RuntimeContract() {}

    /**
     * A runtime that reaches these clients, all of them at once, by these ids. The suite closes it.
     *
     * @param clients by id
     * @param states where the sites of these clients keep their state
     */
    protected abstract Runtime start(Map<String, Client> clients, ClientStateStore states) throws Exception;

    /** How many tasks the runtime runs at a time, if that is limited; then queued tasks are tested too. By default unknown. */
    protected OptionalInt parallelism() {
        return OptionalInt.empty();
    }

    /** Whether clients work on the thread that submits, so that submitting cannot return at once. By default they do not. */
    protected boolean runsOnSubmittingThread() {
        return false;
    }

    /**
     * Whether a client that ignores interruption loses its place when its task is cancelled, so that it holds up nobody else.
     * By default it must.
     */
    protected boolean releasesDeafClients() {
        return true;
    }

    /** How long a test waits for what must happen: 20 s by default. */
    protected Duration patience() {
        return Duration.ofSeconds(20);
    }

    @AfterEach
    final void closeAll() {
        releases.forEach(CountDownLatch::countDown);
        open.ifPresent(Runtime::close);
        submitters.shutdownNow();
    }

    private Runtime startRuntime(Map<String, ? extends Client> clients) throws Exception {
        Runtime runtime = start(Map.copyOf(clients), InMemoryClientStateStore.create());
        open = Optional.of(runtime);
        return runtime;
    }

    private Runtime startSole(Client client) throws Exception {
        return startRuntime(Map.of(SOLE, client));
    }

    private CountDownLatch release() {
        CountDownLatch latch = new CountDownLatch(1);
        releases.add(latch);
        return latch;
    }

    private static Task.Builder task(TaskKind kind, String client, int round) {
        return Task.builder(kind, client)
                .runId("contract")
                .round(round)
                .seed(SeededRandom.derive(round, client))
                .model(MODEL);
    }

    private static Task fit(String client, int round) {
        return task(TaskKind.FIT, client, round).build();
    }

    private void submit(Runtime runtime, Task task) {
        submit(runtime, task, listener);
    }

    private void submit(Runtime runtime, Task task, TaskListener to) {
        submitters.execute(() -> runtime.submit(task, to));
    }

    private ClientOutcome run(Runtime runtime, Task task) throws InterruptedException {
        submit(runtime, task);
        return listener.awaitFinished(task, patience());
    }

    private static ClientUpdate completed(ClientOutcome outcome) {
        assertThat(outcome).as("outcome, because of '%s'", outcome.reason()).isInstanceOf(Completed.class);
        return ((Completed) outcome).update();
    }

    /** Until a cancelled task has left its client, the next one may fail because the client is busy. */
    private ClientUpdate runOnceFree(Runtime runtime, String client, int firstRound) throws InterruptedException {
        long deadline = System.nanoTime() + patience().toNanos();
        for (int round = firstRound; ; round++) {
            ClientOutcome outcome = run(runtime, fit(client, round));
            if (outcome instanceof Completed || System.nanoTime() > deadline) {
                return completed(outcome);
            }
            Thread.onSpinWait();
        }
    }

    private void await(CountDownLatch latch, String what) throws InterruptedException {
        assertThat(latch.await(patience().toMillis(), TimeUnit.MILLISECONDS))
                .as(what)
                .isTrue();
    }

    // ---- What the runtime says of its clients ----

    @Test
    @DisplayName("clients: in the order of their ids, and all of them")
    void listsClientsInOrder() throws Exception {
        Map<String, Client> clients = new TreeMap<>();
        for (String id : List.of("b", "a10", "a9", "ä", "C")) {
            clients.put(id, NoOpClient.create());
        }
        Runtime runtime = startRuntime(clients);

        assertThat(runtime.awaitClients(5, patience())).isTrue();
        assertThat(runtime.clients()).extracting(ClientInfo::id).containsExactly("C", "a10", "a9", "b", "ä");
    }

    @Test
    @DisplayName("awaitClients: says after the time is up that there are not so many")
    void doesNotWaitForMoreClientsThanThereAreForEver() throws Exception {
        Runtime runtime = startSole(NoOpClient.create());

        assertThat(runtime.awaitClients(2, Duration.ofMillis(1))).isFalse();
    }

    // ---- Rule 1: each submitted task finishes exactly once ----

    @Test
    @DisplayName("rule 1: every task finishes exactly once, with its own client's answer")
    void finishesEveryTaskExactlyOnce() throws Exception {
        Map<String, Client> clients = new TreeMap<>();
        for (int i = 0; i < 20; i++) {
            clients.put("client" + i, DriftClient.withExamples(i + 1));
        }
        Runtime runtime = startRuntime(clients);
        List<Task> tasks = new ArrayList<>();
        for (int round = 1; round <= 3; round++) {
            for (String id : clients.keySet()) {
                tasks.add(fit(id, round));
                submit(runtime, tasks.get(tasks.size() - 1));
            }
            for (Task task : tasks) {
                listener.awaitFinished(task, patience());
            }
        }
        runtime.close();

        for (Task task : tasks) {
            List<ClientOutcome> outcomes = listener.outcomes(task);
            assertThat(outcomes).as("outcomes of %s", task).hasSize(1);
            ClientUpdate expected =
                    Objects.requireNonNull(clients.get(task.clientId())).fit(task, Contexts.idle());
            if (runtime.capabilities().contains(Capability.NAMED_TENSORS)) {
                // Where names do not travel, neither do the seeds that a client's values come from.
                assertThat(completed(outcomes.get(0)).model()).isEqualTo(expected.model());
            }
            assertThat(completed(outcomes.get(0)).exampleCount()).isEqualTo(expected.exampleCount());
        }
    }

    @Test
    @DisplayName("rule 1: more tasks than are at work at a time all finish")
    void finishesManyMoreTasksThanItRunsAtATime() throws Exception {
        Map<String, Client> clients = new TreeMap<>();
        IntStream.range(0, 150).forEach(i -> clients.put("client" + i, NoOpClient.create()));
        Runtime runtime = startRuntime(clients);
        List<Task> tasks = clients.keySet().stream().map(id -> fit(id, 1)).toList();

        submitters.execute(() -> tasks.forEach(task -> runtime.submit(task, listener)));

        for (Task task : tasks) {
            completed(listener.awaitFinished(task, patience()));
        }
        assertThat(listener.finishedIds()).hasSize(tasks.size()).doesNotHaveDuplicates();
    }

    @Test
    @DisplayName("rule 1: tasks submitted from several threads at a time all finish")
    void takesTasksFromSeveralThreads() throws Exception {
        Map<String, Client> clients = new TreeMap<>();
        IntStream.range(0, 40).forEach(i -> clients.put("client" + i, NoOpClient.create()));
        Runtime runtime = startRuntime(clients);
        List<Task> tasks = clients.keySet().stream().map(id -> fit(id, 1)).toList();

        tasks.forEach(task -> submit(runtime, task));

        for (Task task : tasks) {
            completed(listener.awaitFinished(task, patience()));
        }
        assertThat(listener.finishedIds()).hasSize(tasks.size()).doesNotHaveDuplicates();
    }

    @Test
    @DisplayName("rule 1: a client takes its next task as soon as its last has finished")
    void givesAClientItsNextTaskOnceTheLastHasFinished() throws Exception {
        Runtime runtime = startSole(NoOpClient.create());

        for (int round = 1; round <= 200; round++) {
            completed(run(runtime, fit(SOLE, round)));
        }
    }

    @Test
    @DisplayName("rule 1: the next task may be submitted while the last is being finished")
    void takesTheNextTaskFromWithinFinished() throws Exception {
        Runtime runtime = startSole(NoOpClient.create());
        int rounds = 50;
        ConcurrentLinkedQueue<ClientOutcome> outcomes = new ConcurrentLinkedQueue<>();
        CountDownLatch done = new CountDownLatch(rounds);
        AtomicInteger submitted = new AtomicInteger(1);
        TaskListener chain = new TaskListener() {
            @Override
            public void started(Task task) {}

            @Override
            public void progress(Task task, long units, long total) {}

            @Override
            public void finished(Task task, ClientOutcome outcome) {
                outcomes.add(outcome);
                done.countDown();
                // Once a round, however often it is said to have finished.
                if (task.round() < rounds && submitted.compareAndSet(task.round(), task.round() + 1)) {
                    runtime.submit(fit(SOLE, task.round() + 1), this);
                }
            }
        };

        submit(runtime, fit(SOLE, 1), chain);

        await(done, "all rounds finished");
        outcomes.forEach(RuntimeContract::completed);
        assertThat(outcomes).hasSize(rounds);
    }

    @Test
    @DisplayName("rule 1: a task for a client that there is not finishes as failed")
    void failsTaskForUnknownClient() throws Exception {
        Runtime runtime = startSole(NoOpClient.create());
        Task task = fit("nobody", 1);

        ClientOutcome outcome = run(runtime, task);

        assertThat(outcome).isInstanceOf(Failed.class);
        assertThat(outcome.reason()).contains("nobody");
        completed(run(runtime, fit(SOLE, 1)));
        assertThat(listener.outcomes(task)).hasSize(1);
    }

    @Test
    @DisplayName("rule 1: started comes once and before finished, and progress in between")
    void reportsStartProgressAndEndInOrder() throws Exception {
        List<Long> reported = List.of(1L, 2L, 3L);
        Runtime runtime = startSole((task, context) -> {
            reported.forEach(done -> context.progress(done, 3));
            return ClientUpdate.ofModel(task.model(), 1);
        });
        Task task = fit(SOLE, 1);

        completed(run(runtime, task));

        List<RecordingListener.Event> events = listener.events(task);
        assertThat(events.get(0)).isInstanceOf(RecordingListener.Started.class);
        assertThat(events.get(events.size() - 1)).isInstanceOf(RecordingListener.Finished.class);
        List<RecordingListener.Event> between = events.subList(1, events.size() - 1);
        assertThat(between).allMatch(RecordingListener.Progressed.class::isInstance);
        // A runtime may pass over some, when they come too often, but not change or exchange them.
        List<Long> heard = between.stream()
                .map(event -> ((RecordingListener.Progressed) event).done())
                .toList();
        if (!heard.isEmpty()) {
            assertThat(reported).containsSubsequence(heard);
        }
        assertThat(heard).doesNotHaveDuplicates();
    }

    @Test
    @DisplayName("submit: returns at once, while the client works")
    void submitReturnsWhileTheClientWorks() throws Exception {
        assumeTrue(!runsOnSubmittingThread());
        CountDownLatch release = release();
        Runtime runtime = startSole(FaultyClient.around(NoOpClient.create()).always(Fault.late(release)));
        Task task = fit(SOLE, 1);
        CountDownLatch returned = new CountDownLatch(1);

        submitters.execute(() -> {
            runtime.submit(task, listener);
            returned.countDown();
        });

        await(returned, "submit returned");
        assertThat(listener.outcomes(task)).isEmpty();
        release.countDown();
        completed(listener.awaitFinished(task, patience()));
    }

    // ---- Rule 2: whatever a client does becomes an outcome ----

    /** A way to fail, for the test's name. */
    private record Failure(String name, Fault fault) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static final class UnheardOfError extends Error {
        private static final long serialVersionUID = 1L;

        UnheardOfError() {
            super("unheard of");
        }
    }

    private static final class MessageThatThrows extends Exception {
        private static final long serialVersionUID = 1L;

        @Override
        public String getMessage() {
            throw new IllegalStateException("not even the message can be read");
        }
    }

    static Stream<Failure> failures() {
        return Stream.of(
                new Failure("exception", Fault.throwing("broken pipe")),
                new Failure("checked exception", Fault.throwing(() -> new IOException("no such file"))),
                new Failure("exception without a message", Fault.throwing(NullPointerException::new)),
                new Failure("exception with a huge message", Fault.throwing("x".repeat(1 << 20))),
                new Failure("exception whose message throws", Fault.throwing(MessageThatThrows::new)),
                new Failure("interruption that nobody asked for", Fault.throwing(() -> new InterruptedException("me"))),
                new Failure("assertion error", Fault.throwing(() -> new AssertionError("must not be"))),
                new Failure("missing class", Fault.throwing(() -> new NoClassDefFoundError("org/example/Gone"))),
                new Failure("out of memory", Fault.throwing(() -> new OutOfMemoryError("pretended"))),
                new Failure("unknown kind of error", Fault.throwing(UnheardOfError::new)),
                new Failure("full stack", Fault.stackOverflow()));
    }

    @ParameterizedTest(name = "rule 2: {0}")
    @MethodSource("failures")
    @DisplayName("rule 2: a client that throws has failed, and can go on")
    void makesWhatAClientThrowsAnOutcome(Failure failure) throws Exception {
        Runtime runtime = startSole(FaultyClient.around(NoOpClient.create()).inRound(1, failure.fault()));
        Task task = fit(SOLE, 1);

        ClientOutcome outcome = run(runtime, task);

        assertThat(outcome).isInstanceOf(Failed.class);
        assertThat(outcome.reason()).isNotBlank().hasSizeLessThanOrEqualTo(ClientOutcome.MAX_TEXT_LENGTH + 1);
        completed(run(runtime, fit(SOLE, 2)));
        assertThat(listener.outcomes(task)).hasSize(1);
    }

    @Test
    @DisplayName("rule 2: a client that gives no answer at all has failed")
    void makesAMissingAnswerAnOutcome() throws Exception {
        Runtime runtime = startSole(FaultyClient.around(NoOpClient.create()).inRound(1, Nothing.answer()));

        assertThat(run(runtime, fit(SOLE, 1))).isInstanceOf(Failed.class);
        completed(run(runtime, fit(SOLE, 2)));
    }

    @Test
    @DisplayName("rule 2: one client's failure harms no other")
    void keepsFailuresApart() throws Exception {
        Map<String, Client> clients = new TreeMap<>();
        for (int i = 0; i < 10; i++) {
            Client client = DriftClient.withExamples(1);
            clients.put(
                    "client" + i,
                    i % 2 == 0 ? client : FaultyClient.around(client).always(Fault.throwing(UnheardOfError::new)));
        }
        Runtime runtime = startRuntime(clients);
        List<Task> tasks = clients.keySet().stream().map(id -> fit(id, 1)).toList();

        tasks.forEach(task -> submit(runtime, task));

        for (int i = 0; i < tasks.size(); i++) {
            ClientOutcome outcome = listener.awaitFinished(tasks.get(i), patience());
            assertThat(outcome).isInstanceOf(i % 2 == 0 ? Completed.class : Failed.class);
        }
    }

    @Test
    @DisplayName("rule 2: a client that declines has declined, with its reason")
    void carriesDeclines() throws Exception {
        Runtime runtime = startSole(FaultyClient.around(NoOpClient.create())
                .inRound(1, Fault.decline("the ethics board has not approved this")));

        ClientOutcome outcome = run(runtime, fit(SOLE, 1));

        assertThat(outcome).isEqualTo(new Declined("the ethics board has not approved this"));
        completed(run(runtime, fit(SOLE, 2)));
    }

    @Test
    @DisplayName("rule 2: a kind of task that the client does not know is declined")
    void declinesUnknownKinds() throws Exception {
        Runtime runtime = startSole((task, context) -> ClientUpdate.ofModel(task.model(), 1));
        assumeTrue(runtime.capabilities().contains(Capability.FURTHER_TASK_KINDS));

        ClientOutcome outcome =
                run(runtime, task(new TaskKind("never-heard-of"), SOLE, 1).build());

        assertThat(outcome).isInstanceOf(Declined.class);
        assertThat(outcome.reason()).contains("never-heard-of");
        assertThat(run(runtime, task(TaskKind.EVALUATE, SOLE, 1).build())).isInstanceOf(Declined.class);
    }

    // ---- Rule 3: cancelled tasks ----

    @Test
    @DisplayName("rule 3: a cancelled client is interrupted and told, and takes the next task")
    void cancelInterruptsARunningClient() throws Exception {
        CountDownLatch atWork = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        AtomicBoolean told = new AtomicBoolean();
        AtomicBoolean cancelledBefore = new AtomicBoolean();
        Runtime runtime = startSole((task, context) -> {
            if (task.round() == 1) {
                cancelledBefore.set(context.isCancelled());
                atWork.countDown();
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException e) {
                    told.set(context.isCancelled());
                    interrupted.countDown();
                    throw e;
                }
            }
            return ClientUpdate.ofModel(task.model(), 1);
        });
        Task task = fit(SOLE, 1);
        submit(runtime, task);
        await(atWork, "client at work");

        runtime.cancel(task);

        await(interrupted, "client interrupted");
        assertThat(cancelledBefore).isFalse();
        assertThat(told).isTrue();
        runOnceFree(runtime, SOLE, 2);
        assertThat(listener.outcomes(task)).hasSizeLessThanOrEqualTo(1).noneMatch(Completed.class::isInstance);
    }

    @Test
    @DisplayName("rule 3: the answer of a cancelled client comes late, at most once, or not at all")
    void aCancelledTaskFinishesAtMostOnce() throws Exception {
        CountDownLatch release = release();
        Runtime runtime = startSole(FaultyClient.around(NoOpClient.create()).inRound(1, Fault.late(release)));
        Task task = fit(SOLE, 1);
        submit(runtime, task);
        listener.awaitStarted(task, patience());

        runtime.cancel(task);
        runtime.cancel(task);
        assertThat(listener.outcomes(task)).as("before the client answers").hasSizeLessThanOrEqualTo(1);
        release.countDown();

        runOnceFree(runtime, SOLE, 2);
        assertThat(listener.outcomes(task)).hasSizeLessThanOrEqualTo(1);
    }

    @Test
    @DisplayName("rule 3: a client that ignores its cancellation holds up no other")
    void aDeafClientLosesItsPlace() throws Exception {
        assumeTrue(releasesDeafClients());
        CountDownLatch release = release();
        Map<String, Client> clients = new TreeMap<>();
        int count = parallelism().orElse(4);
        for (int i = 0; i < count; i++) {
            clients.put("deaf" + i, FaultyClient.around(NoOpClient.create()).always(Fault.hangDeaf(release)));
        }
        clients.put(SOLE, NoOpClient.create());
        Runtime runtime = startRuntime(clients);
        for (int i = 0; i < count; i++) {
            Task task = fit("deaf" + i, 1);
            submit(runtime, task);
            listener.awaitStarted(task, patience());
            runtime.cancel(task);
        }

        completed(run(runtime, fit(SOLE, 1)));
    }

    @Test
    @DisplayName("rule 3: a client does not hear of a task that was cancelled while it waited")
    void cancelTakesAQueuedTaskBack() throws Exception {
        assumeTrue(parallelism().isPresent());
        CountDownLatch release = release();
        AtomicInteger calls = new AtomicInteger();
        int count = parallelism().getAsInt();
        Map<String, Client> clients = new TreeMap<>();
        for (int i = 0; i < count; i++) {
            clients.put("slow" + i, FaultyClient.around(NoOpClient.create()).always(Fault.late(release)));
        }
        clients.put("queued", (task, context) -> {
            calls.incrementAndGet();
            return ClientUpdate.ofModel(task.model(), 1);
        });
        clients.put(SOLE, NoOpClient.create());
        Runtime runtime = startRuntime(clients);
        for (int i = 0; i < count; i++) {
            submit(runtime, fit("slow" + i, 1));
            listener.awaitStarted(fit("slow" + i, 1), patience());
        }
        Task queued = fit("queued", 1);
        runtime.submit(queued, listener);

        runtime.cancel(queued);
        release.countDown();
        completed(run(runtime, fit(SOLE, 1)));

        for (int i = 0; i < count; i++) {
            completed(listener.awaitFinished(fit("slow" + i, 1), patience()));
        }
        assertThat(calls).hasValue(0);
        assertThat(listener.events(queued)).noneMatch(RecordingListener.Started.class::isInstance);
        assertThat(listener.outcomes(queued)).hasSizeLessThanOrEqualTo(1);
    }

    @Test
    @DisplayName("rule 3: cancelling a task that is unknown or has finished does nothing")
    void ignoresCancellingWhatIsNotUnderWay() throws Exception {
        Runtime runtime = startSole(NoOpClient.create());
        Task task = fit(SOLE, 1);
        completed(run(runtime, task));

        runtime.cancel(task);
        runtime.cancel(fit(SOLE, 99));
        runtime.cancel(fit("nobody", 1));

        completed(run(runtime, fit(SOLE, 2)));
        assertThat(listener.outcomes(task)).hasSize(1);
    }

    // ---- Rule 4: one task at a time ----

    @Test
    @DisplayName("rule 4: a client never works on two tasks at a time")
    void givesAClientOneTaskAtATime() throws Exception {
        CountDownLatch release = release();
        AtomicInteger atWork = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Client counting = (task, context) -> {
            most.accumulateAndGet(atWork.incrementAndGet(), Math::max);
            try {
                release.await();
                return ClientUpdate.ofModel(task.model(), 1);
            } finally {
                atWork.decrementAndGet();
            }
        };
        Runtime runtime = startRuntime(Map.of(SOLE, counting, "other", NoOpClient.create()));
        List<Task> tasks =
                IntStream.rangeClosed(1, 5).mapToObj(i -> fit(SOLE, i)).toList();
        submit(runtime, tasks.get(0));
        listener.awaitStarted(tasks.get(0), patience());

        tasks.subList(1, 5).forEach(task -> submit(runtime, task));
        submit(runtime, fit("other", 1));
        release.countDown();

        listener.awaitFinished(fit("other", 1), patience());
        completed(listener.awaitFinished(tasks.get(0), patience()));
        for (Task task : tasks) {
            assertThat(listener.awaitFinished(task, patience())).isInstanceOfAny(Completed.class, Failed.class);
        }
        assertThat(most).hasValue(1);
        assertThat(listener.finishedIds()).doesNotHaveDuplicates();
    }

    // ---- Rule 5 and what is carried ----

    @Test
    @DisplayName("rule 5: a model comes back with the bits that it went out with")
    void carriesEveryBitOfAModel() throws Exception {
        Runtime runtime = startSole(NoOpClient.create());
        assumeTrue(runtime.capabilities().contains(Capability.NAMED_TENSORS));
        ModelGenerator generator = ModelGenerator.of(7);

        for (int round = 1; round <= 5; round++) {
            Model model = generator.nextAnyBits(round == 1 ? ModelGenerator.everyTypeSpec() : generator.nextSpec());
            ClientOutcome outcome =
                    run(runtime, task(TaskKind.FIT, SOLE, round).model(model).build());
            assertThat(completed(outcome).model()).contains(model);
            assertThat(completed(outcome).model().orElseThrow().digest()).isEqualTo(model.digest());
        }
    }

    @Test
    @DisplayName("rule 5: outcomes and tasks stay as they were while further tasks run")
    void doesNotChangeModelsLater() throws Exception {
        Runtime runtime = startSole(DriftClient.withExamples(1));
        Model before = Bits.copyOf(MODEL);
        Model first = completed(run(runtime, fit(SOLE, 1))).model().orElseThrow();
        Model copy = Bits.copyOf(first);

        for (int round = 2; round <= 4; round++) {
            completed(run(runtime, fit(SOLE, round)));
        }

        assertThat(Bits.copyOf(first)).isEqualTo(copy);
        assertThat(Bits.copyOf(MODEL)).isEqualTo(before);
    }

    @Test
    @DisplayName("carries: all that a task says reaches the client")
    void carriesTheWholeTask() throws Exception {
        ConcurrentLinkedQueue<Task> seen = new ConcurrentLinkedQueue<>();
        Runtime runtime = startSole((task, context) -> {
            seen.add(task);
            return ClientUpdate.ofModel(task.model(), 1);
        });
        assumeTrue(runtime.capabilities().contains(Capability.SIDE_TENSORS)
                && runtime.capabilities().contains(Capability.TRAINING_SETTINGS));
        Model side = ModelGenerator.of(3).nextAnyBits(ModelGenerator.everyTypeSpec());
        Config config = Config.of(Map.of(
                "flag",
                true,
                "count",
                Long.MIN_VALUE,
                "rate",
                0.1,
                "tiny",
                Double.MIN_VALUE,
                "text",
                "ü \u65e5 \n\"\\"));
        Task task = task(TaskKind.FIT, SOLE, 3)
                .exchange(2)
                .seed(Long.MIN_VALUE + 1)
                .tensors("side", side)
                .config(config)
                .lastAcceptedRound(2)
                .build();

        completed(run(runtime, task));

        Task received = seen.remove();
        assertThat(received.runId()).isEqualTo("contract");
        assertThat(received.round()).isEqualTo(3);
        assertThat(received.exchange()).isEqualTo(2);
        assertThat(received.kind()).isEqualTo(TaskKind.FIT);
        assertThat(received.seed()).isEqualTo(Long.MIN_VALUE + 1);
        assertThat(received.model()).isEqualTo(MODEL);
        assertThat(received.tensors()).containsOnlyKeys("side").containsValue(side);
        assertThat(received.config()).isEqualTo(config);
        assertThat(received.lastAcceptedRound()).hasValue(2);
    }

    @Test
    @DisplayName("carries: all that an update holds reaches the listener")
    void carriesTheWholeUpdate() throws Exception {
        Model side = ModelGenerator.of(4).nextAnyBits(ModelGenerator.everyTypeSpec());
        ClientUpdate update = ClientUpdate.of(UpdateForm.MODEL_DELTA, MODEL, 1L << 39)
                .withMetrics(Metrics.of(Map.of("loss", 0.1, "tiny", -Double.MIN_VALUE)))
                .withTensors("side", side)
                .withValue("steps", 12)
                .withValue("name", "ü \u65e5")
                .withValue("share", 0.1)
                .withValue("ok", false);
        Runtime runtime = startSole((task, context) -> update);
        assumeTrue(runtime.capabilities().contains(Capability.SIDE_TENSORS));

        ClientUpdate received = completed(run(runtime, fit(SOLE, 1)));

        assertThat(Bits.copyOf(received)).isEqualTo(Bits.copyOf(update));
    }

    @Test
    @DisplayName("carries: evaluations and further kinds of task reach the client's method for them")
    void carriesEveryKindOfTask() throws Exception {
        Runtime runtime = startSole(new Client() {
            @Override
            public ClientUpdate fit(Task task, TaskContext context) {
                return ClientUpdate.ofValues(Config.empty().with("method", "fit"));
            }

            @Override
            public ClientUpdate evaluate(Task task, TaskContext context) {
                return ClientUpdate.ofMetrics(Metrics.of("loss", 2), 5).withValue("method", "evaluate");
            }

            @Override
            public ClientUpdate perform(Task task, TaskContext context) {
                return ClientUpdate.ofValues(Config.empty().with("method", "perform " + task.kind()));
            }
        });
        assumeTrue(runtime.capabilities().contains(Capability.FURTHER_TASK_KINDS));

        assertThat(method(runtime, TaskKind.FIT)).isEqualTo("fit");
        assertThat(method(runtime, TaskKind.EVALUATE)).isEqualTo("evaluate");
        assertThat(method(runtime, TaskKind.PROPERTIES)).isEqualTo("perform properties");
        assertThat(method(runtime, new TaskKind("of-my-own"))).isEqualTo("perform of-my-own");
    }

    private String method(Runtime runtime, TaskKind kind) throws InterruptedException {
        ClientOutcome outcome = run(runtime, task(kind, SOLE, 1).build());
        return completed(outcome).values().getString("method").orElseThrow();
    }

    // ---- Client state and transforms, where the runtime has them ----

    @Test
    @DisplayName("client state: what counts is what was saved in the last accepted round")
    void clientStateFollowsTheLastAcceptedRound() throws Exception {
        Client counter = (task, context) -> {
            long count = context.state()
                    .load("count")
                    .map(model -> model.tensors().get(0).toLongArray()[0])
                    .orElse(0L);
            context.state()
                    .save(
                            "count",
                            Model.builder()
                                    .counter("count", Tensor.scalar(count + 1))
                                    .build());
            return ClientUpdate.ofModel(task.model(), 1).withValue("count", count + 1);
        };
        Runtime runtime = startRuntime(Map.of(SOLE, counter, "other", counter));
        assumeTrue(runtime.capabilities().contains(Capability.CLIENT_STATE));

        assertThat(count(runtime, task(TaskKind.FIT, SOLE, 1)))
                .as("first round")
                .isEqualTo(1);
        assertThat(count(runtime, task(TaskKind.FIT, SOLE, 1)))
                .as("first round, again")
                .isEqualTo(1);
        assertThat(count(runtime, task(TaskKind.FIT, SOLE, 2)))
                .as("nothing accepted yet")
                .isEqualTo(1);
        assertThat(count(runtime, task(TaskKind.FIT, SOLE, 3).lastAcceptedRound(2)))
                .as("round 2 accepted")
                .isEqualTo(2);
        assertThat(count(runtime, task(TaskKind.FIT, SOLE, 4).lastAcceptedRound(2)))
                .as("round 3 not accepted")
                .isEqualTo(2);
        assertThat(count(runtime, task(TaskKind.FIT, SOLE, 4).lastAcceptedRound(2)))
                .as("round 4, again")
                .isEqualTo(2);
        assertThat(count(runtime, task(TaskKind.FIT, SOLE, 5).lastAcceptedRound(4)))
                .as("round 4 accepted")
                .isEqualTo(3);
        assertThat(count(runtime, task(TaskKind.FIT, "other", 5).lastAcceptedRound(4)))
                .as("another client")
                .isEqualTo(1);
        assertThat(count(runtime, task(TaskKind.FIT, SOLE, 6).runId("another").lastAcceptedRound(5)))
                .as("another run")
                .isEqualTo(1);
    }

    private long count(Runtime runtime, Task.Builder task) throws InterruptedException {
        // Each call listens anew, because a task that is sent again has the same id.
        RecordingListener own = RecordingListener.create();
        Task built = task.build();
        submit(runtime, built, own);
        return completed(own.awaitFinished(built, patience()))
                .values()
                .getLong("count")
                .orElseThrow();
    }

    @Test
    @DisplayName("client transforms: are applied in the order in which the task names them")
    void appliesTransformsInOrder() throws Exception {
        Model ones = Model.builder()
                .trainable("w", Tensor.copyOf(new float[] {1, -2}))
                .build();
        Runtime runtime = startSole(NoOpClient.create());
        assumeTrue(runtime.capabilities().contains(Capability.CLIENT_TRANSFORMS));

        assertThat(transformed(runtime, 1, ones, ScaleTransform.spec(2), ShiftTransform.spec(10)))
                .containsExactly(12, 6);
        assertThat(transformed(runtime, 2, ones, ShiftTransform.spec(10), ScaleTransform.spec(2)))
                .containsExactly(22, 16);
        assertThat(transformed(runtime, 3, ones)).containsExactly(1, -2);
    }

    private float[] transformed(Runtime runtime, int round, Model model, TransformSpec... transforms)
            throws InterruptedException {
        Task task = task(TaskKind.FIT, SOLE, round)
                .model(model)
                .transforms(List.of(transforms))
                .build();
        return completed(run(runtime, task)).model().orElseThrow().tensor("w").toFloatArray();
    }

    @Test
    @DisplayName("client transforms: one that the site does not know makes it decline")
    void declinesUnknownTransforms() throws Exception {
        Runtime runtime = startSole(NoOpClient.create());
        assumeTrue(runtime.capabilities().contains(Capability.CLIENT_TRANSFORMS));
        TransformSpec unknown = new TransformSpec("no-such-transform", Config.empty());

        ClientOutcome outcome = run(
                runtime,
                task(TaskKind.FIT, SOLE, 1).transforms(List.of(unknown)).build());

        assertThat(outcome).isInstanceOf(Declined.class);
        assertThat(outcome.reason()).contains("no-such-transform");
    }

    @Test
    @DisplayName("client transforms: settings that a transform refuses make the task fail, not more")
    void failsOnBadTransformSettings() throws Exception {
        Runtime runtime = startSole(NoOpClient.create());
        assumeTrue(runtime.capabilities().contains(Capability.CLIENT_TRANSFORMS));
        TransformSpec bad = new TransformSpec(ScaleTransform.NAME, Config.empty());

        ClientOutcome outcome = run(
                runtime, task(TaskKind.FIT, SOLE, 1).transforms(List.of(bad)).build());

        assertThat(outcome).isInstanceOfAny(Failed.class, Declined.class);
        completed(run(runtime, fit(SOLE, 2)));
    }

    // ---- close ----

    @Test
    @DisplayName("close: gives tasks up, interrupts their clients, and may be called again")
    void closeGivesTasksUp() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        Runtime runtime = startSole((task, context) -> {
            begun.countDown();
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                interrupted.countDown();
                throw e;
            }
            throw new TaskDeclinedException("unreachable");
        });
        Task task = fit(SOLE, 1);
        submit(runtime, task);
        listener.awaitStarted(task, patience());
        // A runtime may say so when the client has been told: given up before that, its work would not begin at all.
        await(begun, "client begun");

        runtime.close();

        await(interrupted, "client interrupted");
        assertThatCode(runtime::close).doesNotThrowAnyException();
        assertThatCode(() -> runtime.cancel(task)).doesNotThrowAnyException();
        assertThat(listener.outcomes(task)).hasSizeLessThanOrEqualTo(1);
    }
}
