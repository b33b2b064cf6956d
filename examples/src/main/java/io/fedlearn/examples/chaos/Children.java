package io.fedlearn.examples.chaos;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** All processes of a command, which end with it, however it ends. Thread-safe. */
final class Children implements AutoCloseable {
    /** Guards what follows. Held while a process starts: none is to be missed. */
    private final ReentrantLock lock = new ReentrantLock();

    private final List<Process> alive = new ArrayList<>();
    private boolean isClosed;

    /** Starts a process. */
    Process start(ProcessBuilder builder) throws IOException {
        lock.lock();
        try {
            if (isClosed) {
                throw new IOException("the command ends");
            }
            Process process = builder.start();
            alive.removeIf(one -> !one.isAlive());
            alive.add(process);
            return process;
        } finally {
            lock.unlock();
        }
    }

    /** Kills all, and starts no more. */
    @Override
    public void close() {
        lock.lock();
        try {
            isClosed = true;
            alive.forEach(Process::destroyForcibly);
        } finally {
            lock.unlock();
        }
    }
}
