package io.fedlearn.core.runtime;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.function.BooleanSupplier;

/**
 * The site's end of every runtime: gives a task to a client, applies the transforms that the task names, and turns whatever
 * happens into an outcome. Thread-safe as its state store is.
 */
public final class TaskRunner {
    private static final System.Logger LOG = System.getLogger(TaskRunner.class.getName());

    private final ClientStateStore states;

    private TaskRunner(ClientStateStore states) {
        this.states = states;
    }

    /** A runner whose clients keep their state in this store. */
    public static TaskRunner of(ClientStateStore states) {
        return new TaskRunner(states);
    }

    /** Receives how far a client is. */
    @FunctionalInterface
    public interface Progress {
        /** So many units of work of so many are done. */
        void report(long done, long total);
    }

    /** Runs the task on the calling thread. Never throws what a client throws, errors included. */
    public ClientOutcome run(Client client, Task task, Progress progress, BooleanSupplier cancelled) {
        RunContext context = new RunContext(task, progress, cancelled);
        try {
            ClientUpdate update = dispatch(client, task, context);
            if (update == null) {
                return new ClientOutcome.Failed("the client answered null");
            }
            return new ClientOutcome.Completed(transform(task, update, context));
        } catch (TaskDeclinedException e) {
            return new ClientOutcome.Declined(String.valueOf(e.getMessage()));
        } catch (InterruptedException e) {
            // Not passed on: the thread is the runtime's, which knows whether it interrupted it, and the client may not
            // have been.
            return new ClientOutcome.Failed("the task was interrupted");
        } catch (Throwable e) {
            // Errors too: whatever site code does, the round goes on, and the coordinator must not wait for an answer
            // for ever.
            ClientOutcome.Failed failed = ClientOutcome.Failed.of(e);
            LOG.log(System.Logger.Level.WARNING, () -> "task " + task.id() + " failed: " + failed.reason());
            // What it says may hold examples, so a site turns this on knowingly.
            LOG.log(System.Logger.Level.DEBUG, () -> "task " + task.id() + " failed", e);
            return failed;
        }
    }

    private static ClientUpdate dispatch(Client client, Task task, TaskContext context) throws Exception {
        if (task.kind().equals(TaskKind.FIT)) {
            return client.fit(task, context);
        }
        if (task.kind().equals(TaskKind.EVALUATE)) {
            return client.evaluate(task, context);
        }
        return client.perform(task, context);
    }

    private static ClientUpdate transform(Task task, ClientUpdate update, RunContext context) {
        ClientUpdate result = update;
        for (int i = 0; i < task.transforms().size(); i++) {
            TransformSpec spec = task.transforms().get(i);
            UpdateTransform transform = ServiceLoader.load(UpdateTransform.Factory.class).stream()
                    .map(ServiceLoader.Provider::get)
                    .filter(factory -> factory.name().equals(spec.name()))
                    .findFirst()
                    .orElseThrow(() -> new TaskDeclinedException("this site knows no transform '" + spec.name() + "'"))
                    .create(spec.settings());
            result = transform.apply(
                    result,
                    new TransformContext(
                            task.clientId(),
                            task.round(),
                            SeededRandom.derive(task.seed(), "transform" + i),
                            task.model(),
                            Optional.of(context.state())));
        }
        return result;
    }

    private final class RunContext implements TaskContext, ClientState {
        private final Task task;
        private final Progress progress;
        private final BooleanSupplier cancelled;

        RunContext(Task task, Progress progress, BooleanSupplier cancelled) {
            this.task = task;
            this.progress = progress;
            this.cancelled = cancelled;
        }

        @Override
        public ClientState state() {
            return this;
        }

        @Override
        public void progress(long done, long total) {
            progress.report(done, total);
        }

        @Override
        public boolean isCancelled() {
            return cancelled.getAsBoolean();
        }

        private ClientStateStore.Key key(String name) {
            return new ClientStateStore.Key(task.runId(), task.clientId(), name);
        }

        @Override
        public Optional<Model> load(String name) {
            return task.lastAcceptedRound().isPresent()
                    ? states.load(key(name), task.lastAcceptedRound().getAsInt())
                    : Optional.empty();
        }

        @Override
        public void save(String name, Model value) {
            states.save(key(name), task.round(), value);
            task.keepStateSince().ifPresent(round -> states.deleteBefore(key(name), round));
        }
    }
}
