package io.fedlearn.core.client;

/** What a client finds around it while it works on a task. Confined to the task's thread. */
public interface TaskContext {
    /** What the client keeps between rounds. */
    ClientState state();

    /**
     * Says how far the work is. Calls may come often; what shows them slows them down as it needs.
     *
     * @param done units of work done so far, such as batches
     * @param total units of work in all
     */
    void progress(long done, long total);

    /** Whether the answer is no longer wanted; the thread is interrupted too. Long work should look now and then. */
    boolean isCancelled();
}
