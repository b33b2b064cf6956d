package io.fedlearn.core.runtime;

import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Task;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * Carries tasks to clients and outcomes back, in this process or over a network.
 *
 * <p>Rules for implementers, tested by {@code RuntimeContract}: (1) each submitted task finishes exactly once, unless it was
 * cancelled; (2) whatever a client does becomes an outcome, never an exception; (3) after {@link #cancel} the task's listener
 * hears at most one more {@code finished}, which is late; (4) a client works on one task at a time; (5) models in outcomes are
 * not changed by anyone. Thread-safe.
 */
public interface Runtime extends AutoCloseable {
    /** The clients that can take a task now, in the order of their ids. */
    List<ClientInfo> clients();

    /** What these clients and the way to them can do. */
    Set<Capability> capabilities();

    /**
     * Waits until there are so many clients.
     *
     * @return whether there are
     * @throws InterruptedException if the waiting thread is interrupted
     */
    boolean awaitClients(int count, Duration timeout) throws InterruptedException;

    /** Sends a task to its client; returns at once. */
    void submit(Task task, TaskListener listener);

    /** Gives a task up; what its client may still answer is late. A task that is unknown or has finished is ignored. */
    void cancel(Task task);

    /**
     * Which clients were not let in since this was last asked, for the audit log. What is kept for it is bounded, however often
     * somebody knocks. None where all are let in, which is the default.
     */
    default List<Refusal> takeRefusals() {
        return List.of();
    }

    /** Gives all tasks up and releases threads and connections. Closing again does nothing. */
    @Override
    void close();
}
