package io.fedlearn.grpc.server;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.Verdict;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * Which answers count, and how a task ends with the one that does: once, and with a receipt after its listener has heard. Takes
 * answers that hold all their values; {@link Uploads} takes the others. Methods that take effects are called under the desk's lock,
 * the others without it. Thread-safe.
 */
final class Answers {
    private static final System.Logger LOG = System.getLogger(FederatedServer.class.getName());

    private final TransportMetrics metrics;
    private final DeskLock lock;

    // Guarded by lock.
    private final Members members;
    private final TaskTable tasks;

    Answers(TransportMetrics metrics, DeskLock lock, Members members, TaskTable tasks) {
        this.metrics = metrics;
        this.lock = lock;
        this.members = members;
        this.tasks = tasks;
    }

    /** An answer came over the client's session. */
    void answer(Session session, TaskAnswer answer) {
        answer(session.member.id, answer, receipt -> tell(session, receipt), tasks::execute);
    }

    private void tell(Session session, AnswerReceipt receipt) {
        if (receipt.getVerdict() != Verdict.VERDICT_ACCEPTED) {
            metrics.answerRefused(Replies.word(receipt.getVerdict()));
        }
        lock.decide(effects -> {
            if (session.isLive()) {
                session.connection.enqueue(
                        ServerMessage.newBuilder().setReceipt(receipt).build());
                effects.flush(session.connection);
            }
        });
    }

    /** Takes an answer without values that came in a call of its own. May block while its listener does. */
    AnswerReceipt answerNow(String clientId, TaskAnswer answer) {
        CompletableFuture<AnswerReceipt> told = new CompletableFuture<>();
        // On this thread: one that waited for another of the executor might wait for a thread that waits likewise.
        answer(clientId, answer, told::complete, InOrder::drain);
        // Whoever makes the call, if it is not this thread, is at it.
        return told.join();
    }

    /**
     * Takes an answer that holds all its values. The receipt is told once.
     *
     * @param caller has the calls made to the task's listener
     */
    private void answer(String clientId, TaskAnswer answer, Consumer<AnswerReceipt> teller, Consumer<InOrder> caller) {
        Judgement judgement = claim(clientId, answer);
        if (judgement.task().isEmpty()) {
            teller.accept(judgement.receipt());
            return;
        }
        OpenTask task = judgement.task().get();
        ClientOutcome outcome;
        AnswerReceipt receipt = judgement.receipt();
        try {
            long bytes = InlineAnswers.byteCount(answer);
            if (bytes > task.maxAnswerBytes()) {
                outcome = new ClientOutcome.Rejected(tooLarge(bytes, task));
                receipt = Replies.receipt(task.id(), Verdict.VERDICT_TOO_LARGE, outcome.reason());
            } else {
                outcome = InlineAnswers.read(answer);
            }
        } catch (InlineAnswers.CorruptException e) {
            tasks.unclaim(task);
            teller.accept(Replies.receipt(task.id(), Verdict.VERDICT_CORRUPT, e.getMessage()));
            return;
        } catch (WireException e) {
            outcome = new ClientOutcome.Rejected(e.getMessage());
            receipt = Replies.receipt(task.id(), Verdict.VERDICT_MALFORMED, outcome.reason());
        } catch (RuntimeException e) {
            warn("an answer cannot be read", task, e);
            outcome = new ClientOutcome.Rejected(
                    "the answer cannot be read: " + e.getClass().getName());
            receipt = Replies.receipt(task.id(), Verdict.VERDICT_MALFORMED, outcome.reason());
        } catch (Error e) {
            outcome = failure(task, e);
            receipt = Replies.receipt(task.id(), Verdict.VERDICT_LATE, outcome.reason());
        }
        settle(task, outcome, receipt, teller);
        caller.accept(task.calls);
    }

    static String tooLarge(long bytes, OpenTask task) {
        return "the answer has " + (bytes == Long.MAX_VALUE ? "too many" : bytes) + " bytes of values, at most "
                + task.maxAnswerBytes() + " are taken";
    }

    // ---- Judging ----

    /** A task whose answer may be looked at, or what to tell a client whose answer counts for nothing. */
    record Judgement(Optional<OpenTask> task, AnswerReceipt receipt) {
        /** What to tell a client whose answer counts for nothing. */
        static Judgement refused(String taskId, Verdict verdict, String reason) {
            return new Judgement(Optional.empty(), Replies.receipt(taskId, verdict, reason));
        }
    }

    /** Decides whether this is the one answer that counts; then it may be looked at, by the caller alone. */
    Judgement claim(String clientId, TaskAnswer answer) {
        return lock.choose(effects -> {
            Judgement judgement = judge(clientId, answer, effects);
            judgement.task().ifPresent(task -> task.isClaimed = true);
            return judgement;
        });
    }

    /** Decides whether this is the one answer that counts. */
    Judgement judge(String clientId, TaskAnswer answer, Effects effects) {
        String taskId = answer.getTaskId();
        Optional<OpenTask> task = tasks.find(taskId);
        if (task.isPresent()) {
            if (!task.get().task.clientId().equals(clientId)) {
                return refused(clientId, taskId, Verdict.VERDICT_FOREIGN, "the task is another client's", effects);
            }
            if (!task.get().fingerprint().equals(answer.getFingerprint())) {
                return refused(
                        clientId, taskId, Verdict.VERDICT_STALE, "the task of this id is another one now", effects);
            }
            if (task.get().isClaimed) {
                return refused(
                        clientId, taskId, Verdict.VERDICT_CORRUPT, "another copy of the answer is being read", effects);
            }
            return new Judgement(task, Replies.receipt(taskId, Verdict.VERDICT_ACCEPTED, ""));
        }
        Optional<EndedTasks.Ended> past = tasks.findEnded(taskId);
        if (past.isEmpty()) {
            return refused(clientId, taskId, Verdict.VERDICT_UNKNOWN_TASK, "no task of this id is known", effects);
        }
        if (!past.get().clientId.equals(clientId)) {
            return refused(clientId, taskId, Verdict.VERDICT_FOREIGN, "the task is another client's", effects);
        }
        if (!past.get().fingerprint.equals(answer.getFingerprint())) {
            return refused(clientId, taskId, Verdict.VERDICT_STALE, "the task of this id was another one", effects);
        }
        if (past.get().isAnswered) {
            return refused(clientId, taskId, Verdict.VERDICT_DUPLICATE, "the task has been answered", effects);
        }
        if (answer.hasUpdate()) {
            past.get().takeWaiting().ifPresent(waiting -> {
                // Only that it came late is told, and nothing of it kept.
                ClientUpdate nothing = ClientUpdate.ofMetrics(Metrics.none(), 0);
                waiting.calls()
                        .add(() -> waiting.listener().finished(waiting.name(), new ClientOutcome.Completed(nothing)));
                effects.add(() -> tasks.execute(waiting.calls()));
            });
        }
        return refused(clientId, taskId, Verdict.VERDICT_LATE, "the task had been given up", effects);
    }

    private static Judgement refused(String clientId, String taskId, Verdict verdict, String reason, Effects effects) {
        effects.add(() -> LOG.log(
                System.Logger.Level.DEBUG,
                "refused an answer of client '" + clientId + "' to task '" + Replies.plain(taskId) + "': " + reason));
        return Judgement.refused(taskId, verdict, reason);
    }

    // ---- Ending ----

    /** The claimed task ends with this outcome; whoever drains its calls tells the listener, and then the client. */
    private void settle(OpenTask task, ClientOutcome outcome, AnswerReceipt receipt, Consumer<AnswerReceipt> teller) {
        lock.decide(effects -> {
            if (tasks.takeOff(task, effects)) {
                Optional<Member> member = members.find(task.task.clientId());
                member.ifPresent(there -> {
                    there.tasks.remove(task);
                    there.isDelivering = true;
                });
                task.start();
                // A call of its own: whatever becomes of counting, the listener hears.
                task.calls.add(() -> tasks.finished(task, outcome));
                task.calls.add(() -> deliver(task, outcome, receipt, teller, member));
            } else {
                // The server was closed meanwhile.
                task.calls.add(
                        () -> teller.accept(Replies.receipt(task.id(), Verdict.VERDICT_LATE, "the server is closed")));
            }
        });
    }

    private void deliver(
            OpenTask task,
            ClientOutcome outcome,
            AnswerReceipt receipt,
            Consumer<AnswerReceipt> teller,
            Optional<Member> member) {
        try {
            task.listener.finished(task.task, outcome);
        } finally {
            teller.accept(receipt);
            lock.decide(effects -> member.ifPresent(there -> {
                there.isDelivering = false;
                tasks.offerNext(there, effects);
            }));
        }
    }

    /** Ends a claimed task on the calling thread, so that whoever brought the answer waits for its listener. */
    AnswerReceipt settleNow(OpenTask task, ClientOutcome outcome, AnswerReceipt receipt) {
        CompletableFuture<AnswerReceipt> told = new CompletableFuture<>();
        settle(task, outcome, receipt, told::complete);
        task.calls.drain();
        // Whoever makes the call, if it is not this thread, is at it.
        return told.join();
    }

    /** Ends a claimed task whose answer this server is not able to take, on the calling thread: else it would stay claimed. */
    AnswerReceipt failNow(OpenTask task, Throwable trouble) {
        ClientOutcome outcome = failure(task, trouble);
        return settleNow(task, outcome, Replies.receipt(task.id(), Verdict.VERDICT_LATE, outcome.reason()));
    }

    /** Names the task, which the trouble's message may do too, only where who was asked in a private run may be told. */
    private static void warn(String what, OpenTask task, Throwable trouble) {
        LOG.log(
                System.Logger.Level.WARNING,
                what + " (" + trouble.getClass().getName() + "); the level DEBUG tells more");
        LOG.log(System.Logger.Level.DEBUG, "task " + task.id() + ": " + what, trouble);
    }

    private static ClientOutcome failure(OpenTask task, Throwable trouble) {
        warn("an answer cannot be taken", task, trouble);
        return new ClientOutcome.Failed("the server was not able to take the answer: "
                + trouble.getClass().getName());
    }

    /** Ends a claimed task whose answer is not taken, on the calling thread. */
    AnswerReceipt rejectNow(OpenTask task, Verdict verdict, String reason) {
        ClientOutcome outcome = new ClientOutcome.Rejected(reason);
        return settleNow(task, outcome, Replies.receipt(task.id(), verdict, outcome.reason()));
    }
}
