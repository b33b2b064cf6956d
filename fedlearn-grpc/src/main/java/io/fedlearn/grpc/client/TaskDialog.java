package io.fedlearn.grpc.client;

import io.fedlearn.core.task.Task;
import io.fedlearn.grpc.client.TaskBoard.Key;
import io.fedlearn.grpc.client.TaskBoard.Step;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.internal.wire.WireTasks;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.TaskCancel;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import io.fedlearn.grpc.proto.v1.TaskProgress;
import io.fedlearn.grpc.proto.v1.TaskStarted;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * What server and client say to each other about tasks, from the offer to the receipt, over as many sessions as it takes: does what
 * the {@link TaskBoard} decides. Confined to the thread of the {@link JoinLoop}.
 */
final class TaskDialog {
    private static final Logger LOG = System.getLogger(FederatedClient.class.getName());

    private static final int MAX_FINGERPRINT_BYTES = 64;
    private static final int MAX_TASK_ID_LENGTH = 4096;
    private static final int MAX_DAMAGES = 4;
    private static final Duration LONGEST_LIMIT = Duration.ofDays(36_500);
    private static final Duration PROGRESS_INTERVAL = Duration.ofMillis(250);

    /** An offer that was understood, and its task without its models. */
    private record Offered(TaskOffer message, Task.Builder task, int round) {}

    /** The task at work, for logs and metrics. */
    private record Current(long job, Key key, int round, long since) {}

    private final String clientId;
    private final TransportMetrics metrics;
    private final Sessions sessions;
    private final TaskWorker worker;
    private final Consumer<ClientMessage.Builder> outbox;
    private final TaskBoard<Offered, Answer> board;

    private Optional<Session> session = Optional.empty();
    private Optional<Current> current = Optional.empty();
    private Optional<Key> lastCounted = Optional.empty();
    private long answered;
    private int damages;
    private long lastProgress;
    private boolean hasProgress;

    /** A dialog of this client, whose worker goes over these sessions; what it says goes to the outbox. */
    TaskDialog(
            JoinLoop.Settings settings,
            Duration grace,
            Sessions sessions,
            TaskWorker worker,
            Consumer<ClientMessage.Builder> outbox) {
        this.clientId = settings.clientId();
        this.metrics = settings.metrics();
        this.sessions = sessions;
        this.worker = worker;
        this.outbox = outbox;
        this.board = new TaskBoard<>(grace);
    }

    /** How many answers the server has taken. */
    long answered() {
        return answered;
    }

    private static long now() {
        return System.nanoTime();
    }

    private String name() {
        return "client '" + clientId + "'";
    }

    private void send(ClientMessage.Builder message) {
        outbox.accept(message);
    }

    // ---- time and connection ----

    /** Goes on over this session. */
    void joined(Session opened) {
        session = Optional.of(opened);
        sessions.open(opened.connection());
    }

    /** Goes on without the server until there is a session again. */
    void disconnected() {
        session = Optional.empty();
        sessions.close();
        board.disconnected();
        worker.stopUpload();
    }

    /** Does what is due by now. */
    void tick(long now) {
        if (hasProgress && now - lastProgress >= PROGRESS_INTERVAL.toNanos()) {
            sendProgress(now);
        }
        perform(board.tick(now));
    }

    /** When something will be due. */
    OptionalLong nextTick() {
        OptionalLong tasks = board.nextTick();
        if (!hasProgress) {
            return tasks;
        }
        long progress = lastProgress + PROGRESS_INTERVAL.toNanos();
        return tasks.isPresent() && tasks.getAsLong() - progress <= 0 ? tasks : OptionalLong.of(progress);
    }

    // ---- what the server says ----

    /** The server offers a task. */
    void offered(TaskOffer offer) {
        if (offer.getTaskId().isEmpty()
                || offer.getTaskId().length() > MAX_TASK_ID_LENGTH
                || offer.getFingerprint().isEmpty()
                || offer.getFingerprint().size() > MAX_FINGERPRINT_BYTES) {
            LOG.log(Level.WARNING, () -> name() + " ignores an offer without a task id or a fingerprint");
            return;
        }
        Key key = Answer.key(offer.getTaskId(), offer.getFingerprint());
        Task.Builder task;
        try {
            task = WireTasks.read(offer, clientId);
        } catch (WireException e) {
            String reason = "the task cannot be read: " + e.getMessage();
            LOG.log(
                    Level.WARNING,
                    () -> name() + " refuses task " + Refusals.plain(offer.getTaskId()) + ": "
                            + Refusals.plain(reason));
            sendFailure(key, reason);
            return;
        }
        Optional<Duration> limit = offer.hasTimeLimitMillis()
                        && offer.getTimeLimitMillis() >= 0
                        && offer.getTimeLimitMillis() <= LONGEST_LIMIT.toMillis()
                ? Optional.of(Duration.ofMillis(offer.getTimeLimitMillis()))
                : Optional.empty();
        perform(board.offered(key, new Offered(offer, task, offer.getRound()), limit, now()));
    }

    /** The server does without a task. */
    void cancelled(TaskCancel cancel) {
        perform(board.cancelled(cancel.getTaskId(), Refusals.plain(cancel.getReason()), now()));
    }

    /** The server says what became of an answer. */
    void received(AnswerReceipt receipt) {
        if (board.isSending(receipt.getTaskId())) {
            settle(receipt);
        }
    }

    // ---- what the worker says ----

    /** A job has its answer. */
    void worked(Event.Worked worked) {
        finish(worked.job(), worked.answer().word());
        perform(board.answered(worked.job(), worked.answer(), now()));
    }

    /** A job has no answer. */
    void lost(Event.Lost lost) {
        finish(lost.job(), "failed");
        perform(board.lost(lost.job(), lost.reason(), now()));
    }

    /** A job has come further. */
    void progressed() {
        hasProgress = true;
    }

    /** An answer has been sent, beside the messages. */
    void uploaded(Event.Uploaded uploaded) {
        if (board.isSending(uploaded.key())) {
            worker.stopUpload();
            settle(uploaded.receipt());
        }
    }

    /** An answer could not be sent. */
    void notUploaded(Event.NotUploaded failed) {
        if (session.isEmpty() || session.get().connection() != failed.session() || !board.isSending(failed.key())) {
            return;
        }
        // Over a session that goes on, so that nobody would ask for it again.
        LOG.log(
                Level.WARNING,
                () -> name() + " cannot send the answer to task " + failed.key().taskId() + ": " + failed.reason());
        sendFailure(failed.key(), "the answer could not be sent: " + failed.reason());
        perform(board.unsent(failed.key().taskId(), now()));
    }

    // ---- what is done ----

    private void perform(List<Step<Offered, Answer>> steps) {
        for (Step<Offered, Answer> step : steps) {
            if (step instanceof TaskBoard.Start<Offered, Answer> start) {
                begin(start);
            } else if (step instanceof TaskBoard.Confirm<Offered, Answer> confirm) {
                confirm(confirm.key());
            } else if (step instanceof TaskBoard.Send<Offered, Answer> send) {
                damages = 0;
                sendAnswer(send.key(), send.answer());
            } else if (step instanceof TaskBoard.StopSending<Offered, Answer>) {
                worker.stopUpload();
            } else if (step instanceof TaskBoard.Interrupt<Offered, Answer> interrupt) {
                LOG.log(
                        Level.DEBUG,
                        () -> name() + " stops task " + interrupt.key().taskId() + ": " + interrupt.reason());
                worker.interrupt(interrupt.job());
            } else if (step instanceof TaskBoard.Refuse<Offered, Answer> refuse) {
                LOG.log(
                        Level.WARNING,
                        () -> name() + " fails task " + refuse.key().taskId() + ": " + refuse.reason());
                sendFailure(refuse.key(), refuse.reason());
            }
        }
    }

    private void begin(TaskBoard.Start<Offered, Answer> start) {
        confirm(start.key());
        current =
                Optional.of(new Current(start.job(), start.key(), start.offer().round(), now()));
        LOG.log(
                Level.DEBUG,
                () -> name() + " begins task " + start.key().taskId() + " of round "
                        + start.offer().round());
        worker.begin(
                start.job(), start.key(), start.offer().message(), start.offer().task());
    }

    private void confirm(Key key) {
        send(ClientMessage.newBuilder()
                .setStarted(TaskStarted.newBuilder().setTaskId(key.taskId()).setFingerprint(Answer.fingerprint(key))));
        sessions.offered(key);
    }

    private void finish(long job, String word) {
        current.filter(it -> it.job() == job).ifPresent(it -> {
            // The last progress always is told, and before the answer.
            sendProgress(now());
            metrics.taskFinished(word, Duration.ofNanos(now() - it.since()));
        });
    }

    private void sendProgress(long now) {
        hasProgress = false;
        Optional<TaskWorker.Progress> progress = worker.takeProgress();
        if (progress.isEmpty()
                || session.isEmpty()
                || current.isEmpty()
                || current.get().job() != progress.get().job()
                || !board.isAtWork(current.get().job())) {
            return;
        }
        lastProgress = now;
        send(ClientMessage.newBuilder()
                .setProgress(TaskProgress.newBuilder()
                        .setTaskId(current.get().key().taskId())
                        .setDone(progress.get().done())
                        .setTotal(progress.get().total())));
    }

    private void sendAnswer(Key key, Answer answer) {
        Session here = session.orElseThrow();
        LOG.log(Level.DEBUG, () -> name() + " answers task " + key.taskId() + round(key) + ": " + answer.word());
        if (answer.isInline(here.inlineBytes())) {
            send(ClientMessage.newBuilder().setAnswer(answer.whole(key)));
        } else {
            worker.upload(key, answer, here.connection());
        }
    }

    private String round(Key key) {
        return current.filter(it -> it.key().equals(key))
                .map(it -> " of round " + it.round())
                .orElse("");
    }

    /** Says that a task failed for a reason that may be gone another time; nothing is kept of it. */
    private void sendFailure(Key key, String reason) {
        TaskAnswer answer = Answer.failed(key, reason);
        send(ClientMessage.newBuilder().setAnswer(answer));
    }

    private void settle(AnswerReceipt receipt) {
        String taskId = receipt.getTaskId();
        Key key = board.sending().orElseThrow();
        switch (receipt.getVerdict()) {
            case VERDICT_ACCEPTED, VERDICT_DUPLICATE -> {
                if (!lastCounted.equals(Optional.of(key))) {
                    answered++;
                    lastCounted = Optional.of(key);
                }
            }
            case VERDICT_CORRUPT -> {
                if (++damages <= MAX_DAMAGES) {
                    board.answer().ifPresent(answer -> sendAnswer(key, answer));
                    return;
                }
                LOG.log(Level.WARNING, () -> name() + ": the answer to task " + taskId + " arrives damaged each time");
                sendFailure(key, "the answer was damaged on its way, time and again");
            }
            default ->
                LOG.log(
                        Level.WARNING,
                        () -> name() + ": the server does not take the answer to task " + taskId + " ("
                                + receipt.getVerdict() + (receipt.getReason().isBlank() ? "" : ": ")
                                + Refusals.plain(receipt.getReason()) + ")");
        }
        perform(board.settled(taskId, now()));
    }
}
