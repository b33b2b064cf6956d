package io.fedlearn.files;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Locale;

/**
 * Changes on a disk that are to survive a crash, each reported once it is done. An interrupted thread does not disturb
 * them: whoever cancels a run wants its last checkpoint whole. Thread-safe.
 */
final class Disk {
    /** What the name of everything unfinished ends with; who finds such a thing may delete it. */
    static final String PART = ".part";

    private static final int COPY_BLOCK = 1 << 16;

    private final Steps steps;
    private final boolean syncs;

    /** Changes that {@code steps} hears of; if {@code syncs} is false, they survive a crash of the process only. */
    Disk(Steps steps, boolean syncs) {
        this.steps = steps;
        this.syncs = syncs;
    }

    /** Changes that survive a crash. */
    static Disk durable() {
        return new Disk((what, path) -> {}, true);
    }

    /** Changes that survive a crash of the process only. */
    static Disk unsynced() {
        return new Disk((what, path) -> {}, false);
    }

    /** Hears of each change after it was made; what it throws counts as a failure of that change. */
    @FunctionalInterface
    interface Steps {
        /** {@code what} (create, write, sync, rename, delete) was done to {@code path}. */
        void done(String what, Path path) throws IOException;
    }

    /** Writes what is to be in a file. */
    @FunctionalInterface
    interface Content {
        /** Writes all of it. */
        void writeTo(WritableByteChannel out) throws IOException;

        /** These bytes. */
        static Content of(byte[] bytes) {
            return out -> {
                ByteBuffer buffer = ByteBuffer.wrap(bytes);
                while (buffer.hasRemaining()) {
                    out.write(buffer);
                }
            };
        }
    }

    /** Writes a file anew and syncs it. */
    void write(Path file, Content content) throws IOException {
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.setLength(0);
            steps.done("create", file);
            content.writeTo(new PlainChannel(out));
            steps.done("write", file);
            sync(out, file);
        } catch (FileSystemException e) {
            throw e;
        } catch (IOException e) {
            throw named(file, e);
        }
    }

    /** Replaces a file: writes it aside, syncs it, renames it and syncs the directory. */
    void replace(Path file, Content content) throws IOException {
        Path aside = aside(file);
        try {
            write(aside, content);
            rename(aside, file);
        } catch (IOException | RuntimeException | Error e) {
            deleteQuietly(aside, e);
            throw e;
        }
        syncDirectory(directoryOf(file));
    }

    /** Writes bytes into an open file at an offset, makes them its end, and syncs it. */
    void writeTail(RandomAccessFile out, Path file, long offset, byte[] bytes) throws IOException {
        try {
            out.seek(offset);
            out.write(bytes);
            out.setLength(offset + bytes.length);
            steps.done("write", file);
            sync(out, file);
        } catch (FileSystemException e) {
            throw e;
        } catch (IOException e) {
            throw named(file, e);
        }
    }

    /** Writes bytes into an open file at an offset, without syncing it. */
    void overwrite(RandomAccessFile out, Path file, long offset, byte[] bytes) throws IOException {
        try {
            out.seek(offset);
            out.write(bytes);
            steps.done("write", file);
        } catch (FileSystemException e) {
            throw e;
        } catch (IOException e) {
            throw named(file, e);
        }
    }

    /** Cuts an open file off at a length and syncs it. */
    void truncate(RandomAccessFile out, Path file, long length) throws IOException {
        try {
            out.setLength(length);
            steps.done("write", file);
            sync(out, file);
        } catch (IOException e) {
            throw named(file, e);
        }
    }

    /** Renames in one step, replacing a file that is there. */
    void rename(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        steps.done("rename", to);
    }

    /** Creates a directory and those it lies in, and syncs those it had to write to. */
    void createDirectories(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            return;
        }
        Path parent = directoryOf(directory);
        createDirectories(parent);
        try {
            Files.createDirectory(directory);
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(directory)) {
                throw e;
            }
            // Somebody else was faster, and may not have synced it yet.
        }
        steps.done("create", directory);
        syncDirectory(parent);
    }

    /** Makes durable which names a directory holds. */
    void syncDirectory(Path directory) throws IOException {
        if (System.getProperty("os.name", "").toLowerCase(Locale.ROOT).startsWith("windows")) {
            return; // it opens no directories, and its file systems log their changes themselves
        }
        if (syncs) {
            forceDirectory(directory);
        }
        steps.done("sync", directory);
    }

    /** Makes durable what was written into an open file. */
    void sync(RandomAccessFile out, Path file) throws IOException {
        if (syncs) {
            out.getFD().sync();
        }
        steps.done("sync", file);
    }

    private static void forceDirectory(Path directory) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            while (true) {
                try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                    channel.force(true);
                    break;
                } catch (ClosedByInterruptException e) {
                    interrupted = Thread.interrupted();
                } catch (FileSystemException e) {
                    throw e;
                } catch (IOException e) {
                    throw named(directory, e);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Gives a file a second name, replacing a file of that name; copies it where the file system has no links. */
    void link(Path file, Path name) throws IOException {
        Path aside = aside(name);
        try {
            Files.deleteIfExists(aside);
            try {
                Files.createLink(aside, file);
            } catch (UnsupportedOperationException | FileSystemException e) {
                Files.copy(file, aside);
            }
            steps.done("create", aside);
            rename(aside, name);
        } finally {
            // Renaming one name of a file to another of its names does nothing, and leaves both.
            Files.deleteIfExists(aside);
        }
    }

    /** Deletes a file, or a directory with all that is in it; links are not followed. */
    void delete(Path path) throws IOException {
        if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
            try (DirectoryStream<Path> children = Files.newDirectoryStream(path)) {
                for (Path child : children) {
                    delete(child);
                }
            }
        }
        if (Files.deleteIfExists(path)) {
            steps.done("delete", path);
        }
    }

    /** Deletes after a failure, to which a further one is added. */
    void deleteQuietly(Path path, Throwable failure) {
        try {
            delete(path);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    /** The name under which something is written until it is whole. */
    static Path aside(Path path) {
        return path.resolveSibling(path.getFileName() + PART);
    }

    /** What went wrong, for a person, with the path. */
    static String reason(IOException failure) {
        if (failure instanceof NoSuchFileException) {
            return failure.getMessage() + ": no such file or directory";
        }
        if (failure instanceof AccessDeniedException) {
            return failure.getMessage() + ": access denied";
        }
        if (failure instanceof FileAlreadyExistsException) {
            return failure.getMessage() + ": is in the way";
        }
        String message = failure.getMessage();
        if (message == null || failure instanceof FileSystemException known && known.getReason() == null) {
            return (message == null ? "" : message + ": ") + failure.getClass().getSimpleName();
        }
        return message;
    }

    /** What tells a file from another that takes its name; the same for all where the file system does not tell. */
    static Object fileKey(Path path) throws IOException {
        Object key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        return key == null ? "" : key;
    }

    /** The directory that a path names something in. */
    static Path directoryOf(Path path) throws IOException {
        Path parent = path.toAbsolutePath().getParent();
        if (parent == null) {
            throw new NoSuchFileException(path.toString());
        }
        return parent;
    }

    private static IOException named(Path path, IOException failure) {
        String reason = reason(failure);
        return new IOException(reason.startsWith(path.toString()) ? reason : path + ": " + reason, failure);
    }

    /** A channel that an interrupt does not close, unlike a {@link FileChannel}. */
    private static final class PlainChannel implements WritableByteChannel {
        private final RandomAccessFile out;

        PlainChannel(RandomAccessFile out) {
            this.out = out;
        }

        @Override
        public int write(ByteBuffer source) throws IOException {
            int count = source.remaining();
            if (source.hasArray()) {
                out.write(source.array(), source.arrayOffset() + source.position(), count);
                source.position(source.limit());
            } else {
                byte[] block = new byte[Math.min(COPY_BLOCK, count)];
                while (source.hasRemaining()) {
                    int part = Math.min(block.length, source.remaining());
                    source.get(block, 0, part);
                    out.write(block, 0, part);
                }
            }
            return count;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }
}
