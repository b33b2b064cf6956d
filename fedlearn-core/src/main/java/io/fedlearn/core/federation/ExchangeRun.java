package io.fedlearn.core.federation;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.Exchange;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.UpdateSpool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * One exchange under way: sends the tasks, waits for the answers within their deadlines, and hands them to the exchange in the
 * order of client ids, so that nothing depends on the order of arrival.
 *
 * <p>An answer that comes before its turn waits on the heap while all that wait take at most {@code inFlightBytes}; beyond that
 * its thread waits for a moment if the turn is moving, and else writes it to the spool.
 */
final class ExchangeRun {
    /** How many answers are handed over at a time: enough that an aggregator reads its sums once for several of them. */
    private static final int MAX_ANSWERS = 32;

    private static final long MIN_WAIT_NANOS = 1_000_000;

    /** What a runtime may take to start a task, beside the client's limit, before its clients count as held up. */
    private static final long START_NANOS = 1_000_000_000;

    /**
     * What a runtime tells of tasks goes through here. A runtime may hold a listener for long after the exchange, because a client
     * that was given up may still answer; it must not hold the models of the exchange with it.
     */
    private static final class Ear implements TaskListener {
        private final Consumer<String> late;
        private volatile Optional<ExchangeRun> run;

        Ear(ExchangeRun run, Consumer<String> late) {
            this.run = Optional.of(run);
            this.late = late;
        }

        /** The exchange is over. */
        void close() {
            run = Optional.empty();
        }

        @Override
        public void started(Task task) {
            run.ifPresent(open -> open.started(task));
        }

        @Override
        public void progress(Task task, long done, long total) {
            run.ifPresent(open -> open.progress(task, done, total));
        }

        @Override
        public void finished(Task task, ClientOutcome outcome) {
            Optional<ExchangeRun> open = run;
            if (open.isPresent()) {
                open.get().finished(task, outcome);
            } else if (outcome instanceof ClientOutcome.Completed) {
                late.accept(task.id());
            }
        }

        @Override
        public Optional<UpdateSpool> spool() {
            return run.map(open -> open.spool);
        }
    }

    /** What ends an exchange. */
    record Limits(OptionalInt closeAfter, Optional<Duration> clientDeadline, Optional<Duration> deadline) {}

    private final Exchange exchange;
    private final int round;
    private final Runtime runtime;
    private final Limits limits;
    private final long inFlightBytes;
    private final UpdateSpool spool;
    private final Listeners listeners;
    private final Consumer<String> late;
    private final Ear ear;
    private final Thread coordinator = Thread.currentThread();
    private final Queue<Consumer<RoundListener>> events = new ConcurrentLinkedQueue<>();

    // Guards what follows; never held while a client, a listener, the runtime or the disk is used.
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Condition room = lock.newCondition();
    private final List<Slot> slots = new ArrayList<>();
    private final Map<String, Slot> byTask = new HashMap<>();
    private int turn;
    private boolean handingOver;
    private long heldBytes;
    private int completed;
    private OptionalLong nextClientDeadline = OptionalLong.empty();
    private int atWork;
    private long lastEvent = System.nanoTime();
    private boolean closed;
    private Optional<Throwable> failure = Optional.empty();

    /** One client's place in the order. */
    private static final class Slot {
        final Task task;
        long startedAt;
        boolean isStarted;
        boolean isArriving;
        Optional<OutcomeRecord> result = Optional.empty();
        Optional<ClientUpdate> waiting = Optional.empty();
        long heldBytes;

        Slot(Task task) {
            this.task = task;
        }
    }

    ExchangeRun(
            Exchange exchange,
            int round,
            Function<String, Task.Builder> newTask,
            Runtime runtime,
            Limits limits,
            long inFlightBytes,
            UpdateSpool spool,
            Listeners listeners,
            Consumer<String> late) {
        this.exchange = exchange;
        this.round = round;
        this.runtime = runtime;
        this.limits = limits;
        this.inFlightBytes = inFlightBytes;
        this.spool = spool;
        this.listeners = listeners;
        this.late = late;
        this.ear = new Ear(this, late);
        for (String clientId : exchange.clients().stream().sorted().toList()) {
            Task.Builder builder = newTask.apply(clientId);
            limits.clientDeadline().ifPresent(builder::timeLimit);
            exchange.instruct(clientId, builder);
            Slot slot = new Slot(builder.build());
            slots.add(slot);
            if (byTask.put(slot.task.id(), slot) != null) {
                throw new IllegalArgumentException("client '" + clientId + "' is asked twice");
            }
        }
    }

    /** Runs the exchange to its end and tells how each client's task ended, in the order of client ids. */
    List<OutcomeRecord> run() throws InterruptedException {
        long startedAt = System.nanoTime();
        listeners.tell(listener -> listener.exchangeStarted(round, exchange.kind(), exchange.clients()));
        try {
            for (Slot slot : slots) {
                runtime.submit(slot.task, ear);
            }
            lock.lock();
            try {
                lastEvent = System.nanoTime();
            } finally {
                lock.unlock();
            }
            while (true) {
                tellEvents();
                List<Exchange.Answer> answers = new ArrayList<>();
                List<Slot> taken = new ArrayList<>();
                List<Task> expired = new ArrayList<>();
                lock.lock();
                try {
                    throwFailure();
                    take(answers, taken);
                    if (answers.isEmpty()) {
                        if (turn == slots.size()) {
                            break;
                        }
                        expire(startedAt, expired);
                        if (expired.isEmpty() && events.isEmpty()) {
                            awaitChange(startedAt);
                        }
                    }
                } finally {
                    lock.unlock();
                }
                expired.forEach(runtime::cancel);
                if (!answers.isEmpty()) {
                    handOver(answers, taken);
                }
            }
        } finally {
            close();
        }
        tellEvents();
        return slots.stream().map(slot -> slot.result.orElseThrow()).toList();
    }

    private void throwFailure() {
        if (failure.isPresent()) {
            if (failure.get() instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) failure.get();
        }
    }

    private void tellEvents() {
        for (Consumer<RoundListener> event = events.poll(); event != null; event = events.poll()) {
            listeners.tell(event);
        }
    }

    /** Takes the answers whose turn it is. */
    private void take(List<Exchange.Answer> answers, List<Slot> taken) {
        while (turn < slots.size() && slots.get(turn).result.isPresent() && answers.size() < MAX_ANSWERS) {
            Slot slot = slots.get(turn++);
            if (slot.waiting.isPresent()) {
                answers.add(new Exchange.Answer(slot.task.clientId(), slot.waiting.get()));
                taken.add(slot);
                slot.waiting = Optional.empty();
            }
        }
        handingOver = !answers.isEmpty();
        // Who waits for room looks again: the turn may have moved past clients that sent nothing, and now stand still.
        room.signalAll();
    }

    private void handOver(List<Exchange.Answer> answers, List<Slot> taken) {
        Map<String, String> rejected = exchange.accept(answers);
        lock.lock();
        try {
            for (Slot slot : taken) {
                heldBytes -= slot.heldBytes;
                slot.heldBytes = 0;
                String reason = rejected.get(slot.task.clientId());
                if (reason != null) {
                    completed--;
                    OutcomeRecord answered = slot.result.orElseThrow();
                    settle(
                            slot,
                            record(
                                    slot,
                                    new ClientOutcome.Rejected(reason),
                                    answered.updateBytes(),
                                    answered.seconds()));
                }
            }
            handingOver = false;
            room.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Ends the tasks whose time is up, and all that are open if the exchange has enough or its own time is up. */
    private void expire(long startedAt, List<Task> expired) {
        long now = System.nanoTime();
        boolean enough = limits.closeAfter().isPresent()
                && completed >= limits.closeAfter().getAsInt();
        boolean over = limits.deadline().isPresent()
                && now - startedAt >= limits.deadline().get().toNanos();
        boolean clientsDue = nextClientDeadline.isPresent() && now - nextClientDeadline.getAsLong() >= 0;
        // Tasks that nobody begins while nobody is at work: their threads or sites are held by something else.
        boolean stalled = isIdle() && now - stallDeadline() >= 0;
        if (!enough && !over && !clientsDue && !stalled) {
            return;
        }
        nextClientDeadline = OptionalLong.empty();
        for (int i = turn; i < slots.size(); i++) {
            Slot slot = slots.get(i);
            if (slot.result.isPresent() || slot.isArriving && !enough) {
                continue;
            }
            if (enough) {
                settle(slot, cancelled());
            } else if (over) {
                settle(slot, new ClientOutcome.TimedOut(limits.deadline().orElseThrow()));
            } else if (stalled || slot.isStarted && now - clientDeadline(slot) >= 0) {
                settle(slot, new ClientOutcome.TimedOut(limits.clientDeadline().orElseThrow()));
            } else {
                expectDeadline(slot);
                continue;
            }
            expired.add(slot.task);
        }
    }

    private boolean isIdle() {
        return limits.clientDeadline().isPresent() && atWork == 0;
    }

    private long stallDeadline() {
        return lastEvent + limits.clientDeadline().orElseThrow().toNanos() + START_NANOS;
    }

    private long clientDeadline(Slot slot) {
        return slot.startedAt + limits.clientDeadline().map(Duration::toNanos).orElse(Long.MAX_VALUE / 2);
    }

    /** Keeps the earliest deadline of the clients at work, so that not every answer costs a look at all clients. */
    private void expectDeadline(Slot slot) {
        if (slot.isStarted && limits.clientDeadline().isPresent()) {
            long deadline = clientDeadline(slot);
            if (nextClientDeadline.isEmpty() || deadline - nextClientDeadline.getAsLong() < 0) {
                nextClientDeadline = OptionalLong.of(deadline);
            }
        }
    }

    private void awaitChange(long startedAt) throws InterruptedException {
        long now = System.nanoTime();
        long wait = Long.MAX_VALUE;
        if (limits.deadline().isPresent()) {
            wait = limits.deadline().get().toNanos() - (now - startedAt);
        }
        if (nextClientDeadline.isPresent()) {
            wait = Math.min(wait, nextClientDeadline.getAsLong() - now);
        }
        if (isIdle()) {
            wait = Math.min(wait, stallDeadline() - now);
        }
        // At least a moment: an answer that is arriving when time is up is let in, and not waited for by spinning.
        changed.awaitNanos(Math.max(wait, MIN_WAIT_NANOS));
    }

    private ClientOutcome cancelled() {
        return new ClientOutcome.Cancelled("the round closed after " + completed + " updates");
    }

    private void settle(Slot slot, ClientOutcome outcome) {
        settle(slot, outcome, 0);
    }

    private void settle(Slot slot, ClientOutcome outcome, long updateBytes) {
        double seconds = slot.isStarted ? (System.nanoTime() - slot.startedAt) / 1e9 : 0;
        settle(slot, record(slot, outcome, updateBytes, seconds));
    }

    private void settle(Slot slot, OutcomeRecord result) {
        if (slot.isStarted && slot.result.isEmpty()) {
            atWork--;
            lastEvent = System.nanoTime();
        }
        slot.result = Optional.of(result);
        events.add(listener -> listener.clientFinished(round, exchange.kind(), result));
    }

    private static OutcomeRecord record(Slot slot, ClientOutcome outcome, long updateBytes, double seconds) {
        Optional<ClientUpdate> update =
                outcome instanceof ClientOutcome.Completed done ? Optional.of(done.update()) : Optional.empty();
        return new OutcomeRecord(
                slot.task.clientId(),
                outcome.word(),
                outcome.reason(),
                update.map(ClientUpdate::exampleCount).orElse(0L),
                0,
                update.map(ClientUpdate::metrics).orElse(Metrics.none()),
                updateBytes,
                0,
                seconds);
    }

    private void close() {
        List<Task> open = new ArrayList<>();
        lock.lock();
        try {
            closed = true;
            for (Slot slot : slots) {
                if (slot.result.isEmpty()) {
                    open.add(slot.task);
                }
            }
            room.signalAll();
        } finally {
            lock.unlock();
        }
        open.forEach(runtime::cancel);
        ear.close();
    }

    private void started(Task task) {
        lock.lock();
        try {
            Slot slot = byTask.get(task.id());
            if (slot == null || closed || slot.isStarted || slot.result.isPresent()) {
                return;
            }
            slot.isStarted = true;
            atWork++;
            lastEvent = System.nanoTime();
            slot.startedAt = System.nanoTime();
            expectDeadline(slot);
            events.add(listener -> listener.clientStarted(round, exchange.kind(), task.clientId()));
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    private void progress(Task task, long done, long total) {
        lock.lock();
        try {
            Slot slot = byTask.get(task.id());
            if (slot == null || closed || slot.result.isPresent()) {
                return;
            }
        } finally {
            lock.unlock();
        }
        listeners.tell(listener -> listener.clientProgress(round, exchange.kind(), task.clientId(), done, total));
    }

    private void finished(Task task, ClientOutcome outcome) {
        Slot slot;
        lock.lock();
        try {
            slot = byTask.get(task.id());
            if (slot == null) {
                return;
            }
            if (closed || slot.result.isPresent() || slot.isArriving) {
                if (outcome instanceof ClientOutcome.Completed) {
                    late.accept(task.id());
                }
                return;
            }
            slot.isArriving = true;
        } finally {
            lock.unlock();
        }
        try {
            ClientOutcome checked = check(task, outcome);
            if (checked instanceof ClientOutcome.Completed done) {
                arrive(slot, done.update());
            } else {
                settleIfOpen(slot, checked);
            }
        } catch (RuntimeException | Error e) {
            // Errors too, or the coordinator would wait for this answer for ever.
            fail(e);
        }
    }

    private void settleIfOpen(Slot slot, ClientOutcome outcome) {
        lock.lock();
        try {
            if (slot.result.isEmpty()) {
                settle(slot, outcome);
                changed.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    private ClientOutcome check(Task task, ClientOutcome outcome) {
        if (outcome instanceof ClientOutcome.Completed done) {
            try {
                exchange.check(task.clientId(), done.update());
            } catch (InvalidUpdateException e) {
                return new ClientOutcome.Rejected(e.getMessage());
            } catch (RuntimeException | Error e) {
                // Its values may lie where they cannot be read: in a file that is gone, behind code of the site's.
                return ClientOutcome.Failed.of(e);
            }
        }
        return outcome;
    }

    private void fail(Throwable e) {
        lock.lock();
        try {
            failure = Optional.of(e);
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    private void arrive(Slot slot, ClientUpdate update) {
        ClientUpdate resting = update;
        if (mustSpool(slot, update.heapBytes())) {
            try {
                resting = spool.write(update);
            } catch (UpdateSpool.SpoolException e) {
                if (!isOpen(slot)) {
                    // The round closed its spool meanwhile: the answer is late, and nothing has failed.
                    late.accept(slot.task.id());
                    return;
                }
                throw e;
            } catch (RuntimeException | Error e) {
                settleIfOpen(slot, ClientOutcome.Failed.of(e));
                return;
            }
        }
        lock.lock();
        try {
            if (closed || slot.result.isPresent()) {
                late.accept(slot.task.id());
                return;
            }
            if (limits.closeAfter().isPresent()
                    && completed >= limits.closeAfter().getAsInt()) {
                settle(slot, cancelled());
                changed.signal();
                return;
            }
            settle(slot, new ClientOutcome.Completed(update), update.byteCount());
            slot.waiting = Optional.of(resting);
            slot.heldBytes = resting.heapBytes();
            heldBytes += slot.heldBytes;
            completed++;
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    private boolean isOpen(Slot slot) {
        lock.lock();
        try {
            return !closed && slot.result.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    private boolean isNext(Slot slot) {
        return turn < slots.size() && slots.get(turn).task.id().equals(slot.task.id());
    }

    /** Waits until there is room for so many bytes, or says that there will be none soon. */
    private boolean mustSpool(Slot slot, long bytes) {
        lock.lock();
        try {
            while (bytes > 0 && heldBytes + bytes > inFlightBytes && !isNext(slot)) {
                boolean moving = handingOver
                        || turn < slots.size() && slots.get(turn).result.isPresent();
                if (closed || slot.result.isPresent()) {
                    return false;
                }
                if (!moving || Thread.currentThread() == coordinator) {
                    return true;
                }
                room.awaitUninterruptibly();
            }
            return false;
        } finally {
            lock.unlock();
        }
    }
}
