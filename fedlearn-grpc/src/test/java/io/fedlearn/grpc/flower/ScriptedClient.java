package io.fedlearn.grpc.flower;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** A client that does what a test says, declines every other kind of task, and remembers its tasks. */
final class ScriptedClient implements Client {
    /** Work of one kind. */
    @FunctionalInterface
    interface Work {
        ClientUpdate on(Task task, TaskContext context) throws Exception;
    }

    private final Map<TaskKind, Work> works = new ConcurrentHashMap<>();
    private final List<Task> tasks = new CopyOnWriteArrayList<>();

    private ScriptedClient() {}

    static ScriptedClient create() {
        return new ScriptedClient();
    }

    /** A client that gives every model back as it came, trained on this many examples. */
    static ScriptedClient echo(long exampleCount) {
        return create().on(TaskKind.FIT, (task, context) -> ClientUpdate.ofModel(task.model(), exampleCount));
    }

    ScriptedClient on(TaskKind kind, Work work) {
        works.put(kind, work);
        return this;
    }

    /** The tasks of this kind, in order. */
    List<Task> tasks(TaskKind kind) {
        return tasks.stream().filter(task -> task.kind().equals(kind)).toList();
    }

    @Override
    public ClientUpdate fit(Task task, TaskContext context) throws Exception {
        return work(task, context);
    }

    @Override
    public ClientUpdate evaluate(Task task, TaskContext context) throws Exception {
        return work(task, context);
    }

    @Override
    public ClientUpdate perform(Task task, TaskContext context) throws Exception {
        return work(task, context);
    }

    private ClientUpdate work(Task task, TaskContext context) throws Exception {
        tasks.add(task);
        return works.getOrDefault(task.kind(), ScriptedClient::decline).on(task, context);
    }

    private static ClientUpdate decline(Task task, TaskContext context) {
        throw new TaskDeclinedException("Client does not implement `" + task.kind() + "`");
    }
}
