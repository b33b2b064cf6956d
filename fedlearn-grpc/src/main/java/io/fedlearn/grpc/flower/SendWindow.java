package io.fedlearn.grpc.flower;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Bounds how many bytes are handed to the network and not yet on the line: gRPC takes a message whole, however slow its receiver is.
 * Work waits in order; something larger than the window goes alone. Thread-safe; work is done outside the lock.
 */
final class SendWindow {
    private final long limit;

    // Guards what follows.
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Object, Long> held = new HashMap<>();
    private final Deque<Waiting> waiting = new ArrayDeque<>();
    private long used;

    private record Waiting(Object owner, long bytes, Runnable work) {}

    SendWindow(long limit) {
        this.limit = limit;
    }

    /** Does the work now if there is room for so many bytes, or later when there is; until {@link #release}, the owner holds them. */
    void send(Object owner, long bytes, Runnable work) {
        lock.lock();
        try {
            waiting.add(new Waiting(owner, bytes, work));
        } finally {
            lock.unlock();
        }
        proceed();
    }

    /** What the owner holds is on the line, or will never be. */
    void release(Object owner) {
        lock.lock();
        try {
            Long bytes = held.remove(owner);
            if (bytes == null) {
                return;
            }
            used -= bytes;
        } finally {
            lock.unlock();
        }
        proceed();
    }

    private void proceed() {
        List<Runnable> ready = new ArrayList<>();
        lock.lock();
        try {
            while (!waiting.isEmpty() && (used == 0 || waiting.element().bytes() <= limit - used)) {
                Waiting next = waiting.remove();
                used += next.bytes();
                held.merge(next.owner(), next.bytes(), Long::sum);
                ready.add(next.work());
            }
        } finally {
            lock.unlock();
        }
        ready.forEach(Runnable::run);
    }
}
