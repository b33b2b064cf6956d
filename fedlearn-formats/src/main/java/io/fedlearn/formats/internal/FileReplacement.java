package io.fedlearn.formats.internal;

import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/**
 * Writes a file aside and renames it into place, so that nobody sees half of it and mappings of the file it replaces
 * stay as they were. Not durable: nothing is synced.
 */
public final class FileReplacement {
    private FileReplacement() {}

    /** Writes the content of a file. */
    @FunctionalInterface
    public interface Content {
        /** Writes all of it. */
        void writeTo(WritableByteChannel channel) throws IOException;
    }

    /**
     * Writes {@code content} to {@code path}; what is there and is no ordinary file (a pipe, a link) is written
     * through.
     */
    public static void write(Path path, Content content) throws IOException {
        if (Files.exists(path) && !Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
            try (WritableByteChannel channel = Files.newByteChannel(
                    path, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
                content.writeTo(channel);
            }
            return;
        }
        Path aside = path.resolveSibling(path.getFileName() + "." + UUID.randomUUID() + ".part");
        try {
            try (WritableByteChannel channel =
                    Files.newByteChannel(aside, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                content.writeTo(channel);
            }
            Files.move(aside, path, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | RuntimeException | Error e) {
            try {
                Files.deleteIfExists(aside);
            } catch (IOException notDeleted) {
                e.addSuppressed(notDeleted);
            }
            throw e;
        }
    }
}
