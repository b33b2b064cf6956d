package io.fedlearn.grpc.server;

import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.grpc.internal.transfer.Admission;
import io.fedlearn.grpc.internal.transfer.AnswerReceiver;
import io.fedlearn.grpc.internal.transfer.HeapBudget;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.Verdict;
import java.util.Optional;

/** Answers whose values travel in calls of their own, which may break and be gone on with. Thread-safe. */
final class Uploads {
    /** How many different answers a client may announce to one task: each is a receiver of its own. */
    static final int MAX_ANNOUNCEMENTS = 8;

    private final HeapBudget budget;
    private final DeskLock lock;
    private final TaskTable tasks;
    private final Answers answers;

    Uploads(HeapBudget budget, DeskLock lock, TaskTable tasks, Answers answers) {
        this.budget = budget;
        this.lock = lock;
        this.tasks = tasks;
        this.answers = answers;
    }

    /** Decides on an answer before any of its values travel. May block if that ends the task. */
    Admission admit(String clientId, TaskAnswer announced) {
        if (!announced.hasUpdate()) {
            return new Admission.Refused(answers.answerNow(clientId, announced));
        }
        Optional<Admission> known = lock.choose(effects -> known(clientId, announced, effects));
        return known.isPresent() ? known.get() : admitNew(clientId, announced);
    }

    /** What is clear without beginning anew: the answer counts for nothing, or this is the one that is under way. */
    private Optional<Admission> known(String clientId, TaskAnswer announced, Effects effects) {
        Answers.Judgement judgement = answers.judge(clientId, announced, effects);
        if (judgement.task().isEmpty()) {
            return Optional.of(new Admission.Refused(judgement.receipt()));
        }
        return judgement
                .task()
                .get()
                .upload
                .filter(upload -> upload.announced().equals(announced))
                .<Admission>map(upload -> new Admission.Admitted(upload.receiver()));
    }

    private Admission admitNew(String clientId, TaskAnswer announced) {
        Answers.Judgement judgement = answers.claim(clientId, announced);
        if (judgement.task().isEmpty()) {
            return new Admission.Refused(judgement.receipt());
        }
        OpenTask task = judgement.task().get();
        try {
            return admitClaimed(task, clientId, announced);
        } catch (RuntimeException | Error e) {
            return new Admission.Refused(answers.failNow(task, e));
        }
    }

    private Admission admitClaimed(OpenTask task, String clientId, TaskAnswer announced) {
        if (lock.choose(effects -> ++task.announcements) > MAX_ANNOUNCEMENTS) {
            return new Admission.Refused(answers.rejectNow(
                    task,
                    Verdict.VERDICT_MALFORMED,
                    "more than " + MAX_ANNOUNCEMENTS + " different answers were announced"));
        }
        long bytes = InlineAnswers.byteCount(announced);
        if (bytes > task.maxAnswerBytes()) {
            return new Admission.Refused(
                    answers.rejectNow(task, Verdict.VERDICT_TOO_LARGE, Answers.tooLarge(bytes, task)));
        }
        AnswerReceiver receiver;
        try {
            receiver = AnswerReceiver.of(announced, task.maxAnswerBytes(), budget, task.listener.spool());
        } catch (WireException e) {
            return new Admission.Refused(answers.rejectNow(task, Verdict.VERDICT_MALFORMED, e.getMessage()));
        }
        lock.decide(effects -> {
            // Unless the server was closed meanwhile.
            if (tasks.isOpen(task)) {
                task.upload.ifPresent(before -> effects.add(before.receiver()::discard));
                task.upload = Optional.of(new OpenTask.Upload(announced, receiver));
                tasks.start(task, effects);
            }
        });
        tasks.unclaim(task);
        if (lock.read(() -> task.upload.isPresent())) {
            return new Admission.Admitted(receiver);
        }
        // It was given up meanwhile.
        Answers.Judgement again = answers.claim(clientId, announced);
        again.task().ifPresent(tasks::unclaim);
        return new Admission.Refused(
                again.task().isEmpty()
                        ? again.receipt()
                        : Replies.receipt(task.id(), Verdict.VERDICT_CORRUPT, "the task has been asked again"));
    }

    /** Takes an answer whose values are all here. Blocks while its listener does. */
    AnswerReceipt deliver(String clientId, AnswerReceiver complete) {
        Answers.Judgement judgement = claim(clientId, complete);
        if (judgement.task().isEmpty()) {
            return judgement.receipt();
        }
        OpenTask task = judgement.task().get();
        ClientOutcome outcome;
        AnswerReceipt receipt = judgement.receipt();
        try {
            outcome = new ClientOutcome.Completed(complete.update());
        } catch (WireException | IllegalArgumentException e) {
            outcome = new ClientOutcome.Rejected(String.valueOf(e.getMessage()));
            receipt = Replies.receipt(task.id(), Verdict.VERDICT_MALFORMED, outcome.reason());
        } catch (RuntimeException | Error e) {
            return answers.failNow(task, e);
        }
        return answers.settleNow(task, outcome, receipt);
    }

    /** Ends the task of an answer whose values are not what it announced. Blocks while its listener does. */
    AnswerReceipt reject(String clientId, AnswerReceiver receiver, Verdict verdict, String reason) {
        Answers.Judgement judgement = claim(clientId, receiver);
        return judgement.task().isEmpty()
                ? judgement.receipt()
                : answers.rejectNow(judgement.task().get(), verdict, reason);
    }

    /** Decides whether what was received is the one answer that counts. */
    private Answers.Judgement claim(String clientId, AnswerReceiver receiver) {
        Answers.Judgement judgement = answers.claim(clientId, receiver.announced());
        if (judgement.task().isEmpty()) {
            return judgement;
        }
        OpenTask task = judgement.task().get();
        boolean isCurrent = lock.read(() -> {
            boolean isSame = task.upload.isPresent() && task.upload.get().receiver() == receiver;
            if (isSame) {
                // What it holds belongs to the update from here on.
                task.upload = Optional.empty();
            }
            return isSame;
        });
        if (!isCurrent) {
            tasks.unclaim(task);
            return Answers.Judgement.refused(
                    task.id(), Verdict.VERDICT_CORRUPT, "another copy of the answer is being received");
        }
        return judgement;
    }
}
