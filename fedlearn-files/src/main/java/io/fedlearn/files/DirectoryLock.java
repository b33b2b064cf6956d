package io.fedlearn.files;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The right to change a directory, which one process has at a time. It is a lock on a file in there, which the operating system
 * lets go when the process ends, however it ends; the file stays.
 */
final class DirectoryLock implements AutoCloseable {
    private static final int MAX_OWNER_LENGTH = 64;

    private final RandomAccessFile file;

    private DirectoryLock(RandomAccessFile file) {
        this.file = file;
    }

    /**
     * Takes the lock.
     *
     * @throws HeldException if somebody else has it
     */
    static DirectoryLock take(Path path) throws IOException, HeldException {
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
            return new DirectoryLock(file);
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
        file.close();
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
