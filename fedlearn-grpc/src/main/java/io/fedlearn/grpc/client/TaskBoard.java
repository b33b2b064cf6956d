package io.fedlearn.grpc.client;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a client makes of offers, cancels and receipts: which task it works on, which wait, and which answer it keeps. It does
 * nothing itself but says what to do; times are nanoseconds of any clock that only goes forward. Confined to one thread.
 *
 * <p>Rules: (1) one task at a time, the others wait in order; (2) an offer of the task at work is confirmed, and the work goes on;
 * (3) an offer of the task answered last gets the same answer again, receipt or not; that answer is kept until another task is
 * begun; (4) the same id with another fingerprint is another task; (5) what is cancelled is interrupted and never answered; (6) a
 * task whose time limit has passed is interrupted, and answered as failed only if the server does not cancel it; (7) work that does
 * not heed its interruption makes the next task fail after a while, but never hangs it; (8) answers go only to a connection on
 * which their task was offered, since a server that was restarted does not know it before; (9) work is interrupted when a new
 * connection begins with another task, since such a server may not know it at all, nor have its model.
 *
 * @param <O> an offer
 * @param <A> an answer
 */
final class TaskBoard<O, A> {
    /** The most tasks that wait: {@value}. */
    static final int MAX_WAITING = 256;

    /**
     * Which task.
     *
     * @param taskId as the server calls it
     * @param fingerprint of the offer, in any form that equals itself
     */
    record Key(String taskId, String fingerprint) {}

    /** Something to do now. */
    sealed interface Step<O, A> {}

    /** Begin with this offer, under this number, and tell the server. */
    record Start<O, A>(long job, Key key, O offer) implements Step<O, A> {}

    /** Tell the server that this task has been begun. */
    record Confirm<O, A>(Key key) implements Step<O, A> {}

    /** Send this answer. */
    record Send<O, A>(Key key, A answer) implements Step<O, A> {}

    /** Stop sending it. */
    record StopSending<O, A>(Key key) implements Step<O, A> {}

    /** Interrupt the work of this number. */
    record Interrupt<O, A>(long job, Key key, String reason) implements Step<O, A> {}

    /** Answer that the task failed, and forget it. */
    record Refuse<O, A>(Key key, String reason) implements Step<O, A> {}

    private record Offer<O>(Key key, O content, Optional<Duration> timeLimit) {}

    private record Work(long job, Key key, boolean offeredHere, OptionalLong deadline, boolean expired) {
        Work offered(boolean here) {
            return new Work(job, key, here, deadline, expired);
        }

        /** Its time is up; what was its deadline is now until when the server may say so itself. */
        Work expire(long until) {
            return new Work(job, key, offeredHere, OptionalLong.of(until), true);
        }
    }

    private enum Delivery {
        SENDING,
        UNSENT,
        SETTLED
    }

    private record Kept<A>(Key key, A answer, Delivery delivery) {
        Kept<A> with(Delivery other) {
            return new Kept<>(key, answer, other);
        }
    }

    /** A thread that is still at work which is no longer wanted. */
    private record Deaf(long job, long since) {}

    private final long graceNanos;
    private final Deque<Offer<O>> waiting = new ArrayDeque<>();
    private Optional<Work> work = Optional.empty();
    private Optional<Kept<A>> kept = Optional.empty();
    private Optional<Deaf> deaf = Optional.empty();
    private long lastJob;

    /**
     * A board without tasks.
     *
     * @param grace how long interrupted work may take to end, and the server to cancel a task whose time is up
     */
    TaskBoard(Duration grace) {
        this.graceNanos = grace.toNanos();
    }

    /** The server offers a task, for the first time or again. */
    List<Step<O, A>> offered(Key key, O offer, Optional<Duration> timeLimit, long now) {
        List<Step<O, A>> steps = new ArrayList<>();
        if (work.isPresent() && work.get().key().equals(key) && !work.get().expired()) {
            work = work.map(it -> it.offered(true));
            steps.add(new Confirm<>(key));
            return steps;
        }
        if (kept.isPresent() && kept.get().key().equals(key)) {
            if (kept.get().delivery() != Delivery.SENDING) {
                kept = kept.map(it -> it.with(Delivery.SENDING));
                steps.add(new Confirm<>(key));
                steps.add(new Send<>(key, kept.get().answer()));
            }
            return steps;
        }
        if (waiting.stream().anyMatch(it -> it.key().equals(key))) {
            return steps;
        }
        if (work.isPresent() && !work.get().offeredHere()) {
            // A server offers a client's tasks in their order: one that was restarted may not know this one any more.
            forget(work.get().key().taskId(), "the server asks for another task instead", now, steps);
        }
        forget(key.taskId(), "it is another task now", now, steps);
        if (waiting.size() >= MAX_WAITING) {
            steps.add(new Refuse<>(key, "more than " + MAX_WAITING + " tasks wait for this client"));
            return steps;
        }
        waiting.add(new Offer<>(key, offer, timeLimit));
        advance(now, steps);
        return steps;
    }

    /** The server has given a task up. */
    List<Step<O, A>> cancelled(String taskId, String reason, long now) {
        List<Step<O, A>> steps = new ArrayList<>();
        // An answer that the server has taken stays: should it be restarted, it asks for the task again.
        if (kept.isEmpty()
                || kept.get().delivery() != Delivery.SETTLED
                || !kept.get().key().taskId().equals(taskId)) {
            forget(taskId, reason, now, steps);
        }
        advance(now, steps);
        return steps;
    }

    private void forget(String taskId, String reason, long now, List<Step<O, A>> steps) {
        waiting.removeIf(offer -> offer.key().taskId().equals(taskId));
        if (work.isPresent() && work.get().key().taskId().equals(taskId)) {
            interrupt(work.get(), reason, now, steps);
            work = Optional.empty();
        }
        if (kept.isPresent() && kept.get().key().taskId().equals(taskId)) {
            if (kept.get().delivery() == Delivery.SENDING) {
                steps.add(new StopSending<>(kept.get().key()));
            }
            kept = Optional.empty();
        }
    }

    private void interrupt(Work unwanted, String reason, long now, List<Step<O, A>> steps) {
        if (!unwanted.expired()) {
            steps.add(new Interrupt<>(unwanted.job(), unwanted.key(), reason));
            deaf = Optional.of(new Deaf(unwanted.job(), now));
        }
    }

    /** The work of this number has come to an answer. */
    List<Step<O, A>> answered(long job, A answer, long now) {
        List<Step<O, A>> steps = new ArrayList<>();
        if (isAtWork(job)) {
            Work done = work.orElseThrow();
            work = Optional.empty();
            kept = Optional.of(new Kept<>(done.key(), answer, done.offeredHere() ? Delivery.SENDING : Delivery.UNSENT));
            if (done.offeredHere()) {
                steps.add(new Send<>(done.key(), answer));
            }
        }
        left(job, now, steps);
        return steps;
    }

    /** The work of this number has ended without an answer that could be given again, such as when its model cannot be had. */
    List<Step<O, A>> lost(long job, String reason, long now) {
        List<Step<O, A>> steps = new ArrayList<>();
        if (isAtWork(job)) {
            Work done = work.orElseThrow();
            work = Optional.empty();
            if (done.offeredHere()) {
                steps.add(new Refuse<>(done.key(), reason));
            }
        }
        left(job, now, steps);
        return steps;
    }

    private void left(long job, long now, List<Step<O, A>> steps) {
        if (deaf.isPresent() && deaf.get().job() == job) {
            deaf = Optional.empty();
        }
        advance(now, steps);
    }

    /** The server has said what became of a task's answer, for good. */
    List<Step<O, A>> settled(String taskId, long now) {
        List<Step<O, A>> steps = new ArrayList<>();
        if (isSending(taskId)) {
            kept = kept.map(it -> it.with(Delivery.SETTLED));
        }
        advance(now, steps);
        return steps;
    }

    /** Sending this answer broke off, on a connection that goes on; the server will ask again when it wants it. */
    List<Step<O, A>> unsent(String taskId, long now) {
        List<Step<O, A>> steps = new ArrayList<>();
        if (isSending(taskId)) {
            kept = kept.map(it -> it.with(Delivery.UNSENT));
        }
        advance(now, steps);
        return steps;
    }

    /** Whether this work is wanted and has not ended. */
    boolean isAtWork(long job) {
        return work.isPresent() && work.get().job() == job && !work.get().expired();
    }

    /** The task whose answer is on its way. */
    Optional<Key> sending() {
        return kept.filter(it -> it.delivery() == Delivery.SENDING).map(Kept::key);
    }

    /** The answer that is kept. */
    Optional<A> answer() {
        return kept.map(Kept::answer);
    }

    /** Whether this very answer is on its way. */
    boolean isSending(Key key) {
        return sending().equals(Optional.of(key));
    }

    /** Whether the answer to this task is on its way, so that a receipt for it makes sense. */
    boolean isSending(String taskId) {
        return sending().filter(key -> key.taskId().equals(taskId)).isPresent();
    }

    /** The connection is gone: what waits is offered again on the next, and what was on its way may have been lost. */
    void disconnected() {
        waiting.clear();
        work = work.filter(it -> !it.expired()).map(it -> it.offered(false));
        if (kept.isPresent() && kept.get().delivery() == Delivery.SENDING) {
            kept = kept.map(it -> it.with(Delivery.UNSENT));
        }
    }

    /** Time goes by. */
    List<Step<O, A>> tick(long now) {
        List<Step<O, A>> steps = new ArrayList<>();
        if (work.isPresent()
                && work.get().deadline().isPresent()
                && now - work.get().deadline().getAsLong() >= 0) {
            Work late = work.get();
            if (late.expired()) {
                work = Optional.empty();
                steps.add(new Refuse<>(late.key(), "the task's time limit has passed"));
            } else {
                interrupt(late, "its time limit has passed", now, steps);
                // A server that does not wait for it need not be told.
                work = late.offeredHere() ? Optional.of(late.expire(now + graceNanos)) : Optional.empty();
            }
        }
        advance(now, steps);
        return steps;
    }

    /** When {@link #tick} is due, if nothing else happens before. */
    OptionalLong nextTick() {
        OptionalLong limit = work.isPresent() ? work.get().deadline() : OptionalLong.empty();
        if (deaf.isEmpty() || waiting.isEmpty() || !isFree()) {
            return limit;
        }
        long patience = deaf.get().since() + graceNanos;
        return OptionalLong.of(limit.isPresent() && limit.getAsLong() - patience < 0 ? limit.getAsLong() : patience);
    }

    /** Whether nothing wanted is at work or on its way. */
    private boolean isFree() {
        return work.isEmpty() && (kept.isEmpty() || kept.get().delivery() != Delivery.SENDING);
    }

    private void advance(long now, List<Step<O, A>> steps) {
        while (isFree() && !waiting.isEmpty()) {
            if (deaf.isPresent()) {
                if (now - deaf.get().since() < graceNanos) {
                    return;
                }
                steps.add(new Refuse<>(waiting.remove().key(), "the client is still busy with an earlier task"));
            } else {
                Offer<O> next = waiting.remove();
                kept = Optional.empty();
                work = Optional.of(new Work(
                        ++lastJob,
                        next.key(),
                        true,
                        next.timeLimit()
                                .map(limit -> OptionalLong.of(now + limit.toNanos()))
                                .orElse(OptionalLong.empty()),
                        false));
                steps.add(new Start<>(lastJob, next.key(), next.content()));
            }
        }
    }
}
