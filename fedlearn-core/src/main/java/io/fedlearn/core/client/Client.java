package io.fedlearn.core.client;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;

/**
 * A site that takes part in federated training: it trains and evaluates models on data that never leaves it.
 *
 * <p>Rules for implementers, each tested by the testkit's {@code ClientContract}: (1) the same task gives the same answer,
 * because all randomness comes from {@link Task#seed()}, but for noise that protects privacy and must be drawn anew; (2) the
 * task and its model are not changed; (3) an answer to a fit task has the tensor names, types and shapes of the task's model;
 * (4) what the client keeps between rounds, it keeps in {@link TaskContext#state()} and not in fields, so that a restart loses
 * nothing; (5) a client that cannot or will not work throws {@link TaskDeclinedException} with a reason a person understands;
 * (6) one that fine-tunes keeps what comes of it as {@link PersonalModel} in its state and answers with metrics alone.
 *
 * <p>Any other exception than that of rule 5 makes the outcome {@code Failed} and harms no other client.
 *
 * <p>A runtime calls a client with one task at a time, from any thread, and interrupts that thread when the task's time is up.
 */
public interface Client {
    /**
     * Trains the task's model on the site's own training examples.
     *
     * @return the model or model delta, with the number of examples it was trained on
     * @throws Exception if the site fails; the round goes on without it
     */
    ClientUpdate fit(Task task, TaskContext context) throws Exception;

    /**
     * Evaluates the task's model on the site's own test examples. The default declines.
     *
     * @return metrics, with the number of examples they rest on
     * @throws Exception if the site fails
     */
    default ClientUpdate evaluate(Task task, TaskContext context) throws Exception {
        throw TaskDeclinedException.unsupported(task.kind());
    }

    /**
     * Does any other kind of task: properties, the initial model, statistics, the exchanges of a protocol. The default
     * declines.
     *
     * @throws Exception if the site fails
     */
    default ClientUpdate perform(Task task, TaskContext context) throws Exception {
        throw TaskDeclinedException.unsupported(task.kind());
    }
}
