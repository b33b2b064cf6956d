package io.fedlearn.files;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The right to change something, which one owner in one process has at a time. It is a lock on a file kept for nothing
 * else, which the operating system lets go when the process ends, however it ends; the file stays.
 */
final class ProcessLock implements AutoCloseable {
    private static final int MAX_OWNER_LENGTH = 64;

    // The locks of this process. POSIX lets a lock go when its process closes any descriptor of the file: so a file
    // that is locked here must not even be opened, and only a process-wide set can tell.
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final RandomAccessFile file;
    private final Path key;

    private ProcessLock(RandomAccessFile file, Path key) {
        this.file = file;
        this.key = key;
    }

    /**
     * Takes the lock.
     *
     * @throws HeldException if somebody else has it
     */
    static ProcessLock take(Path path) throws IOException, HeldException {
        Path absolute = path.toAbsolutePath();
        Path key = Disk.directoryOf(absolute).toRealPath().resolve(absolute.getFileName());
        if (!HELD.add(key)) {
            throw new HeldException("it is open in this process already");
        }
        try {
            return lock(path, key);
        } catch (IOException | HeldException | RuntimeException | Error e) {
            HELD.remove(key);
            throw e;
        }
    }

    private static ProcessLock lock(Path path, Path key) throws IOException, HeldException {
        RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
        try {
            FileLock lock;
            try {
                lock = file.getChannel().tryLock();
            } catch (OverlappingFileLockException e) {
                throw new HeldException("it is open in this process already", e);
            }
            if (lock == null) {
                throw new HeldException("it is open in another process" + owner(path));
            }
            file.setLength(0);
            file.write(("process " + ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.UTF_8));
            return new ProcessLock(file, key);
        } catch (IOException | HeldException | RuntimeException | Error e) {
            try {
                file.close();
            } catch (IOException notClosed) {
                e.addSuppressed(notClosed);
            }
            throw e;
        }
    }

    private static String owner(Path path) {
        try {
            String owner = Files.readString(path).strip();
            return owner.length() > MAX_OWNER_LENGTH || owner.isEmpty() ? "" : " (" + owner + ")";
        } catch (IOException e) {
            return ""; // only to help; where locks are mandatory, it cannot be read
        }
    }

    @Override
    public void close() throws IOException {
        try {
            file.close();
        } finally {
            HELD.remove(key);
        }
    }

    /** Somebody else has the lock; the message says who, as far as is known. */
    static final class HeldException extends Exception {
        private static final long serialVersionUID = 1L;

        private HeldException(String message) {
            super(message);
        }

        private HeldException(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
