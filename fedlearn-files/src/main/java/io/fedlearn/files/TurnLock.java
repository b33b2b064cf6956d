package io.fedlearn.files;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * A lock that processes take by turns, on a file kept for nothing else; the operating system lets it go when a process ends,
 * however it ends. A process opens it once and takes it from one thread at a time.
 *
 * <p>Two bytes are locked: who wants the second, which is the right itself, waits for it while it holds the first. So a process
 * that lets go and comes again finds one that waits before it, although both can but ask again and again.
 */
final class TurnLock implements AutoCloseable {
    private static final long TURN = 0;
    private static final long RIGHT = 1;
    private static final long PAUSE_NANOS = 200_000;

    // Those of this process. POSIX lets all locks go when a process closes any descriptor of the file: so it must not
    // be opened twice.
    private static final Set<Path> OPEN = ConcurrentHashMap.newKeySet();

    private final Path path;
    private final Path key;
    private final RandomAccessFile file;
    private final Object fileKey;
    private final Duration patience;

    private TurnLock(Path path, Path key, RandomAccessFile file, Duration patience) throws IOException {
        this.path = path;
        this.key = key;
        this.file = file;
        this.fileKey = Disk.fileKey(path);
        this.patience = patience;
    }

    /**
     * Opens the lock without taking it.
     *
     * @throws IOException if that fails, or this process has it open already
     */
    static TurnLock open(Path path, Duration patience) throws IOException {
        Path key = Disk.directoryOf(path).toRealPath().resolve(path.getFileName());
        if (!OPEN.add(key)) {
            throw new IOException("it is open in this process already");
        }
        try {
            return new TurnLock(path, key, new RandomAccessFile(path.toFile(), "rw"), patience);
        } catch (IOException | RuntimeException | Error e) {
            OPEN.remove(key);
            throw e;
        }
    }

    /**
     * Takes the lock, which the answer lets go.
     *
     * @throws InterruptedIOException if the thread is interrupted while another process has it; the thread stays interrupted
     * @throws IOException if another process does not let go
     */
    Held take() throws IOException {
        long end = System.nanoTime() + patience.toNanos();
        FileLock turn = await(TURN, end);
        try {
            FileLock right = await(RIGHT, end);
            if (!isThere()) {
                right.release();
                throw new IOException(path + " was deleted while it was in use, so that others may lock another file");
            }
            return right::release;
        } finally {
            turn.release();
        }
    }

    private boolean isThere() throws IOException {
        try {
            return Disk.fileKey(path).equals(fileKey);
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private FileLock await(long place, long end) throws IOException {
        FileChannel channel = file.getChannel();
        while (true) {
            try {
                FileLock lock = channel.tryLock(place, 1, false);
                if (lock != null) {
                    return lock;
                }
            } catch (OverlappingFileLockException e) {
                // Another class loader's copy of this class has it: like another process.
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedIOException("interrupted while another process has " + path);
            }
            if (System.nanoTime() - end > 0) {
                throw new IOException("another process has " + path + " for more than " + patience.toSeconds() + " s");
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    @Override
    public void close() throws IOException {
        try {
            file.close();
        } finally {
            OPEN.remove(key);
        }
    }

    /** The lock in the hands of a thread. */
    interface Held extends AutoCloseable {
        @Override
        void close() throws IOException;
    }
}
