package io.fedlearn.core.training;

import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.task.Task;

/**
 * Chooses what a site trains on in a round, by the task and by what the model makes of the site's examples: mining of hard
 * examples, a curriculum, active learning. What is chosen stays at the site.
 *
 * <p>Rules for implementers: (1) the same task, model and state give the same source, so that a retried task gives the same
 * answer; (2) the model is evaluated and not changed; (3) what must be known in later rounds is kept in the client's state, in
 * every round anew, as {@link io.fedlearn.core.client.ClientState} says.
 */
@FunctionalInterface
public interface ExampleChoice {
    /**
     * What to train on; at least one example.
     *
     * @param task of the round
     * @param model holds what the round starts from
     * @param context of the task; work that takes long looks at {@link TaskContext#isCancelled()} now and then
     * @throws InterruptedException if the task was cancelled
     */
    ExampleSource choose(Task task, LocalModel model, TaskContext context) throws InterruptedException;
}
