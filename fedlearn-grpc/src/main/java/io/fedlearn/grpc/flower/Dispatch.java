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
            ClientOutcome outcome = new ClientOutcome.Failed("there is no client '" + task.clientId() + "'");
            finish(task, listener, outcome, Duration.ZERO, () -> {});
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
        end(job, outcome, () -> {});
    }

    /** As {@link #end(Job, ClientOutcome)}; what is done at last is done when the listener has heard, or at once if it does not. */
    void end(Job job, ClientOutcome outcome, Runnable atLast) {
        Optional<Roster.Ended> ended = roster.end(job);
        if (ended.isEmpty()) {
            atLast.run();
            return;
        }
        finish(job.task, job.listener, outcome, job.sinceSubmitted(), atLast);
        ended.get().next().ifPresent(this::sendLater);
    }

    /** Ends the current task of a client that gets no other. */
    void endLast(Job job, ClientOutcome outcome) {
        if (roster.endLast(job)) {
            finish(job, outcome);
        }
    }

    /** Tells what became of a task that the roster has forgotten. */
    void finish(Job job, ClientOutcome outcome) {
        finish(job.task, job.listener, outcome, job.sinceSubmitted(), () -> {});
    }

    private void finish(Task task, TaskListener listener, ClientOutcome outcome, Duration time, Runnable atLast) {
        metrics.taskFinished(outcome.word(), time);
        boolean isTaken = execute(() -> {
            try {
                tell(task, () -> listener.finished(task, outcome));
            } finally {
                atLast.run();
            }
        });
        if (!isTaken) {
            atLast.run();
        }
    }

    private static void tell(Task task, Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            // Which client was asked may be what a private run withholds.
            LOG.log(
                    Level.ERROR,
                    "the listener of a task has failed (" + e.getClass().getName() + "); the level DEBUG tells more");
            LOG.log(Level.DEBUG, "the listener of task " + task.id() + " has failed", e);
        }
    }

    /** Has work done, unless the server was closed; whether it is. */
    private boolean execute(Runnable work) {
        try {
            executor.execute(work);
            return true;
        } catch (RejectedExecutionException e) {
            LOG.log(Level.DEBUG, "a client or listener is not told: the executor is closed");
            return false;
        }
    }
}
