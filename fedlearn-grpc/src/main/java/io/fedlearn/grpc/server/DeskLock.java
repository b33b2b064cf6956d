package io.fedlearn.grpc.server;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The one lock under which a task desk decides. It guards members, sessions and tasks, whichever part of the desk they belong to,
 * and is never held while the network, files or listeners are used: those are effects, which come after the decision. Thread-safe.
 */
final class DeskLock {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    /** Decides under the lock, and then lets the effects follow. */
    void decide(Consumer<Effects> decision) {
        Effects effects = new Effects();
        lock.lock();
        try {
            decision.accept(effects);
        } finally {
            lock.unlock();
            effects.run();
        }
    }

    /** Decides under the lock, and then lets the effects follow. Returns what was decided. */
    <T> T choose(Function<Effects, T> decision) {
        Effects effects = new Effects();
        lock.lock();
        try {
            return decision.apply(effects);
        } finally {
            lock.unlock();
            effects.run();
        }
    }

    /** Looks at what the lock guards. */
    <T> T read(Supplier<T> question) {
        lock.lock();
        try {
            return question.get();
        } finally {
            lock.unlock();
        }
    }

    /** Asks again after each change until there is an answer. Returns it, or false if the time is over before. */
    boolean await(Supplier<Optional<Boolean>> question, Duration timeout) throws InterruptedException {
        // A time that is longer than a long has nanoseconds is as good as the longest.
        long left = TimeUnit.NANOSECONDS.convert(timeout);
        lock.lockInterruptibly();
        try {
            Optional<Boolean> answer = question.get();
            while (answer.isEmpty() && left > 0) {
                left = changed.awaitNanos(left);
                answer = question.get();
            }
            return answer.orElse(false);
        } finally {
            lock.unlock();
        }
    }

    /** Something has changed that somebody may wait for. To be called under the lock. */
    void signalChange() {
        changed.signalAll();
    }
}
