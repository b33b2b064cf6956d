package io.fedlearn.testkit.runtime;

import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** A listener that keeps all it hears, and lets a test wait for it. Thread-safe. */
public final class RecordingListener implements TaskListener {
    /** Something that a listener heard. */
    public sealed interface Event {
        /** The task that it is about. */
        String taskId();
    }

    /** The client began. */
    public record Started(String taskId) implements Event {}

    /** The client said how far it is. */
    public record Progressed(String taskId, long done, long total) implements Event {}

    /**
     * The task ended.
     *
     * @param taskId of the task
     * @param outcome how
     * @param thread that said so
     */
    public record Finished(String taskId, ClientOutcome outcome, Thread thread) implements Event {}

    // Guards events.
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition heard = lock.newCondition();
    private final List<Event> events = new ArrayList<>();

    private RecordingListener() {}

    /** A listener that has heard nothing. */
    public static RecordingListener create() {
        return new RecordingListener();
    }

    @Override
    public void started(Task task) {
        add(new Started(task.id()));
    }

    @Override
    public void progress(Task task, long done, long total) {
        add(new Progressed(task.id(), done, total));
    }

    @Override
    public void finished(Task task, ClientOutcome outcome) {
        add(new Finished(task.id(), outcome, Thread.currentThread()));
    }

    private void add(Event event) {
        lock.lock();
        try {
            events.add(event);
            heard.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** All that was heard, in order. */
    public List<Event> events() {
        lock.lock();
        try {
            return List.copyOf(events);
        } finally {
            lock.unlock();
        }
    }

    /** What was heard of one task, in order. */
    public List<Event> events(Task task) {
        return events().stream()
                .filter(event -> event.taskId().equals(task.id()))
                .toList();
    }

    /** How the task ended, once for each time that it was said to have. */
    public List<ClientOutcome> outcomes(Task task) {
        return events(task).stream()
                .filter(Finished.class::isInstance)
                .map(event -> ((Finished) event).outcome())
                .toList();
    }

    /** The ids of the tasks that ended, in the order in which that was said. */
    public List<String> finishedIds() {
        return events().stream()
                .filter(Finished.class::isInstance)
                .map(Event::taskId)
                .toList();
    }

    /**
     * Waits until the task has begun.
     *
     * @throws AssertionError if it has not within this time
     */
    public void awaitStarted(Task task, Duration timeout) throws InterruptedException {
        await(task, Started.class, timeout, "begun");
    }

    /**
     * Waits until the task has ended.
     *
     * @return how it ended first
     * @throws AssertionError if it has not within this time
     */
    public ClientOutcome awaitFinished(Task task, Duration timeout) throws InterruptedException {
        return await(task, Finished.class, timeout, "ended").outcome();
    }

    private <T extends Event> T await(Task task, Class<T> type, Duration timeout, String what)
            throws InterruptedException {
        long left = timeout.toNanos();
        lock.lock();
        try {
            int next = 0;
            while (true) {
                for (; next < events.size(); next++) {
                    Event event = events.get(next);
                    if (type.isInstance(event) && event.taskId().equals(task.id())) {
                        return type.cast(event);
                    }
                }
                if (left <= 0) {
                    throw new AssertionError("task " + task + " should have " + what + " within "
                            + TimeUnit.NANOSECONDS.toMillis(timeout.toNanos()) + " ms");
                }
                left = heard.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }
}
