package io.fedlearn.core.strategy;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import java.util.List;
import java.util.Map;

/**
 * One question put to several clients and what is made of their answers: the step that fit, evaluation, statistics and every
 * protocol are made of. The coordinator sends, waits, orders and counts; an exchange only says what to ask and takes answers.
 */
public interface Exchange {
    /** An answer that came in time and passed {@link #check}. */
    record Answer(String clientId, ClientUpdate update) {}

    /** What sort of work is asked for. */
    TaskKind kind();

    /** Who is asked. */
    List<String> clients();

    /** Completes the task of one client; run, round, exchange, kind and seed are there already. */
    void instruct(String clientId, Task.Builder task);

    /**
     * Checks an answer when it arrives. Called from any thread, and several at a time.
     *
     * @throws io.fedlearn.core.update.InvalidUpdateException if it is malformed
     */
    void check(String clientId, ClientUpdate update);

    /**
     * Takes answers in the order of client ids, each once; later calls go on where earlier ones stopped.
     *
     * @return for each answer that turned out to be malformed only now, client id and reason
     */
    Map<String, String> accept(List<Answer> answers);
}
