package io.fedlearn.testkit.network;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One direction of one connection: a thread reads into a queue, and another forwards from it when the weather lets it. The lock guards
 * the queue and the flag, and is never held across I/O.
 */
final class Lane {
    private static final int CHUNK_BYTES = 16 << 10;

    /** What is on its way at most: as much as a long line holds. */
    private static final int CHUNKS = 64;

    private final FaultyProxy proxy;
    private final Direction direction;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<Chunk> queue = new ArrayDeque<>();
    private boolean isDropped;

    Lane(FaultyProxy proxy, Direction direction) {
        this.proxy = proxy;
        this.direction = direction;
    }

    /** Bytes, or the end of the stream if there are none, and when they may arrive. */
    private record Chunk(byte[] bytes, long arrivalNanos) {}

    /** Reads until the stream ends; what is read after {@link #drop} is thrown away. */
    void read(InputStream in) throws IOException, InterruptedException {
        byte[] buffer = new byte[CHUNK_BYTES];
        int count;
        do {
            count = in.read(buffer);
            put(new Chunk(
                    Arrays.copyOf(buffer, Math.max(0, count)),
                    System.nanoTime() + proxy.weather().delay().toNanos()));
        } while (count >= 0);
    }

    private void put(Chunk chunk) throws InterruptedException {
        lock.lock();
        try {
            while (queue.size() >= CHUNKS && !isDropped) {
                changed.await();
            }
            if (!isDropped) {
                queue.add(chunk);
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Forwards until the stream has ended or what is left of it is dropped. */
    void forward(ProxiedConnection connection, OutputStream out) throws IOException, InterruptedException {
        while (true) {
            Optional<Chunk> next = next();
            if (next.isEmpty() || next.get().bytes().length == 0) {
                return;
            }
            byte[] bytes = next.get().bytes();
            int allowed = proxy.take(direction, bytes.length);
            if (direction == Direction.TO_SERVER) {
                connection.record(bytes, allowed);
            }
            out.write(bytes, 0, allowed);
            if (allowed < bytes.length) {
                connection.reset();
                return;
            }
        }
    }

    private Optional<Chunk> next() throws InterruptedException {
        lock.lock();
        try {
            long turn = Long.MIN_VALUE;
            while (true) {
                if (isDropped) {
                    return Optional.empty();
                }
                Weather weather = proxy.weather();
                Chunk chunk = queue.peek();
                if (chunk == null || weather.isHeld()) {
                    changed.await();
                    continue;
                }
                long now = System.nanoTime();
                if (turn == Long.MIN_VALUE && chunk.arrivalNanos() - now <= 0) {
                    turn = proxy.turn(direction, chunk.bytes().length, now);
                }
                long wait = turn == Long.MIN_VALUE ? chunk.arrivalNanos() - now : turn - now;
                if (wait <= 0 || (turn != Long.MIN_VALUE && weather.bytesPerSecond() == Weather.UNLIMITED)) {
                    queue.remove();
                    changed.signalAll();
                    return Optional.of(chunk);
                }
                changed.await(wait, TimeUnit.NANOSECONDS);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Forwards nothing any more. */
    void drop() {
        lock.lock();
        try {
            isDropped = true;
            queue.clear();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The weather has changed. */
    void wake() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
