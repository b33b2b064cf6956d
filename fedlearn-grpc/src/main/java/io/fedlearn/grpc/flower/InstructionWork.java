package io.fedlearn.grpc.flower;

import io.fedlearn.grpc.proto.flower.ServerMessage;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;

/** One instruction at work: begins when the one before it has ended, and tells its call the answer unless it was cancelled. */
final class InstructionWork implements Runnable {
    private final FlowerDuties duties;
    private final FlowerJoin join;
    private final ServerMessage.MsgCase asked;
    private final AtomicReference<Optional<ServerMessage>> instruction;
    private final Optional<CountDownLatch> before;
    private final CountDownLatch ended = new CountDownLatch(1);
    private final long since = System.nanoTime();

    // Guards what follows, so that an interruption never hits what the thread does next.
    private final ReentrantLock threadLock = new ReentrantLock();
    private Optional<Thread> thread = Optional.empty();
    private volatile boolean cancelled;

    InstructionWork(FlowerDuties duties, FlowerJoin join, ServerMessage instruction, Optional<InstructionWork> before) {
        this.duties = duties;
        this.join = join;
        this.asked = instruction.getMsgCase();
        this.instruction = new AtomicReference<>(Optional.of(instruction));
        this.before = before.map(earlier -> earlier.ended);
    }

    @Override
    public void run() {
        try {
            // A client works on one task at a time, and one of a call that broke may still be at work.
            if (before.isPresent()) {
                before.get().await();
            }
            if (!enter()) {
                return;
            }
            FlowerDuties.Answer answer;
            try {
                answer = duties.answer(asked, this::takeInstruction, () -> cancelled);
            } finally {
                exit();
            }
            join.tell(new FlowerJoin.Event.Done(answer));
        } catch (InterruptedException e) {
            // Only by whoever owns the thread, which then shuts down; nobody waits for the answer.
            Thread.currentThread().interrupt();
        } finally {
            ended.countDown();
        }
    }

    private ServerMessage takeInstruction() {
        return instruction.getAndSet(Optional.empty()).orElseThrow();
    }

    private boolean enter() {
        threadLock.lock();
        try {
            thread = Optional.of(Thread.currentThread());
            return !cancelled;
        } finally {
            threadLock.unlock();
        }
    }

    private void exit() {
        threadLock.lock();
        try {
            thread = Optional.empty();
            if (cancelled) {
                Thread.interrupted();
            }
        } finally {
            threadLock.unlock();
        }
    }

    /** Ends at once, without having begun. */
    void reject(String reason) {
        ended.countDown();
        join.tell(new FlowerJoin.Event.Done(
                new FlowerDuties.Answer(FlowerDuties.refuse(asked, reason), "failed", OptionalInt.empty())));
    }

    /** Since when it is there, by {@link System#nanoTime}. */
    long since() {
        return since;
    }

    /** Interrupts the work, whose answer nobody waits for. */
    void cancel() {
        threadLock.lock();
        try {
            cancelled = true;
            thread.ifPresent(Thread::interrupt);
        } finally {
            threadLock.unlock();
        }
    }
}
