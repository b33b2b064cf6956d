package io.fedlearn.grpc.flower;

import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Task;
import io.fedlearn.grpc.metrics.TransportMetrics;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/** Gives clients what they are asked, one task at a time, and listeners what became of it. Thread-safe. */
final class Dispatch {
    private static final Logger LOG = System.getLogger(FlowerServer.class.getName());

    private final Roster roster;
    private final Cautions cautions;
    private final SendWindow window;
    private final int maxMessageBytes;
    private final Duration sendTimeout;
    private final TransportMetrics metrics;
    private final Executor executor;

    Dispatch(
            Roster roster,
            Cautions cautions,
            SendWindow window,
            int maxMessageBytes,
            Duration sendTimeout,
            TransportMetrics metrics,
            Executor executor) {
        this.roster = roster;
        this.cautions = cautions;
        this.window = window;
        this.maxMessageBytes = maxMessageBytes;
        this.sendTimeout = sendTimeout;
        this.metrics = metrics;
        this.executor = executor;
    }

    /** Gives a client a task, now or when it has answered those before. */
    void submit(Task task, TaskListener listener) {
        Optional<Roster.Taken> taken = roster.take(task, listener);
        if (taken.isEmpty()) {
            finish(task, listener, new ClientOutcome.Failed("there is no client '" + task.clientId() + "'"), 0);
        } else if (taken.get().isFirst()) {
            sendLater(taken.get().job());
        }
    }

    /** Sends a client its current task, on a thread of the executor. */
    void sendLater(Job job) {
        execute(() -> send(job));
    }

    /** What was sent to a client is on the line, or will never be. */
    void release(Member member) {
        member.hasRead();
        window.release(member);
    }

    private void send(Job job) {
        cautions.warn(job.task);
        Instruction instruction;
        try {
            instruction = FlowerTasks.instruction(job.task);
        } catch (TaskDeclinedException e) {
            end(job, new ClientOutcome.Declined(String.valueOf(e.getMessage())));
            return;
        } catch (IllegalArgumentException e) {
            end(job, new ClientOutcome.Failed(String.valueOf(e.getMessage())));
            return;
        }
        if (instruction.byteCount() > maxMessageBytes) {
            end(
                    job,
                    new ClientOutcome.Failed("the instruction has " + instruction.byteCount()
                            + " bytes, a message may have " + maxMessageBytes + " (maxMessageBytes)"));
            return;
        }
        window.send(job.member, instruction.byteCount(), () -> job.member.inOrder(() -> transmit(job, instruction)));
    }

    /** To be called in the order of the job's client. */
    private void transmit(Job job, Instruction instruction) {
        boolean isWanted = roster.markSent(job);
        if (isWanted) {
            tell(job.task, () -> job.listener.started(job.task));
            job.member.expectReading(sendTimeout);
            job.member.send(instruction);
            metrics.bytesSent(TransportMetrics.Content.MODEL, instruction.byteCount());
        }
        if (!isWanted || job.member.isReady()) {
            // Else the client's next readiness says that the message is on the line.
            release(job.member);
        }
    }

    /** Ends the current task of a client, unless it has ended otherwise, and gives the client its next. */
    void end(Job job, ClientOutcome outcome) {
        roster.end(job).ifPresent(ended -> {
            finish(job, outcome);
            ended.next().ifPresent(this::sendLater);
        });
    }

    /** Ends the current task of a client that gets no other. */
    void endLast(Job job, ClientOutcome outcome) {
        if (roster.endLast(job)) {
            finish(job, outcome);
        }
    }

    /** Tells what became of a task that the roster has forgotten. */
    void finish(Job job, ClientOutcome outcome) {
        finish(job.task, job.listener, outcome, System.nanoTime() - job.submitted);
    }

    private void finish(Task task, TaskListener listener, ClientOutcome outcome, long nanos) {
        metrics.taskFinished(outcome.word(), Duration.ofNanos(nanos));
        execute(() -> tell(task, () -> listener.finished(task, outcome)));
    }

    private static void tell(Task task, Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "the listener of task " + task.id() + " failed", e);
        }
    }

    private void execute(Runnable work) {
        try {
            executor.execute(work);
        } catch (RejectedExecutionException e) {
            // An executor that is shut down must not swallow outcomes.
            work.run();
        }
    }
}
