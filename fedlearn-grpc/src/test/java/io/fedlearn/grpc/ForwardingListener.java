package io.fedlearn.grpc;

import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.update.UpdateSpool;
import java.util.Optional;

/** Passes on all it hears and is asked; tests override where they step in. As thread-safe as the listener behind it. */
public class ForwardingListener implements TaskListener {
    private final TaskListener listener;

    /** Passes on to this listener. */
    public ForwardingListener(TaskListener listener) {
        this.listener = listener;
    }

    @Override
    public void started(Task task) {
        listener.started(task);
    }

    @Override
    public void progress(Task task, long done, long total) {
        listener.progress(task, done, total);
    }

    @Override
    public void finished(Task task, ClientOutcome outcome) {
        listener.finished(task, outcome);
    }

    @Override
    public Optional<UpdateSpool> spool() {
        return listener.spool();
    }
}
