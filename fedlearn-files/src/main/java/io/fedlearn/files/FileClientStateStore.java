package io.fedlearn.files;

import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.formats.internal.run.DamagedException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The state of a site's clients in a directory:
 * <pre>
 * run-‹run›/client-‹client›/state-‹name›.000012.safetensors    what was saved for round 12
 * state.lock                                                   locked by the process that has the store open
 * </pre>
 * In these names every character but {@code a} to {@code z}, {@code 0} to {@code 9}, {@code -} and {@code _} is a
 * {@code %} and the four hexadecimal digits of its UTF-16 code unit, so that any identifier makes a name of its own on
 * any file system; a long one is cut and completed by its SHA-256.
 *
 * <p>A value is written aside, synced and renamed: it is whole or absent. One that is not what was written any more is
 * refused, for a client that went on without its state would compute something else.
 *
 * <p>One process at a time has the directory. Thread-safe; different values are saved at the same time.
 */
public final class FileClientStateStore implements ClientStateStore {
    private static final System.Logger LOGGER = System.getLogger(FileClientStateStore.class.getName());
    private static final String LOCK = "state.lock";
    private static final String SUFFIX = ".safetensors";
    private static final int MAX_ENCODED_LENGTH = 160;
    private static final int SHOWN_OF_LONG = 80;

    private final Path directory;
    private final Disk disk;
    private final ProcessLock processLock;
    private final AtomicLong unfinished = new AtomicLong();
    // Held while directories are created: who finds one there must find it durable. Guards no fields.
    private final ReentrantLock creating = new ReentrantLock();
    private volatile boolean closed;

    private FileClientStateStore(Path directory, Disk disk, ProcessLock processLock) {
        this.directory = directory;
        this.disk = disk;
        this.processLock = processLock;
    }

    /**
     * Opens the store in this directory, which is created if there is none.
     *
     * @throws RunStoreException if it is open elsewhere, or cannot be written to
     */
    public static FileClientStateStore at(Path directory) {
        return at(directory, Disk.durable());
    }

    static FileClientStateStore at(Path directory, Disk disk) {
        try {
            disk.createDirectories(directory.toAbsolutePath());
            ProcessLock lock = ProcessLock.take(directory.resolve(LOCK));
            FileClientStateStore store = new FileClientStateStore(directory, disk, lock);
            try {
                store.removeUnfinished();
                return store;
            } catch (IOException | RuntimeException | Error e) {
                store.close();
                throw e;
            }
        } catch (ProcessLock.HeldException e) {
            throw new RunStoreException("the client state in " + directory + " cannot be used: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new RunStoreException("the client state in " + directory + " cannot be opened: " + Disk.reason(e), e);
        }
    }

    private void removeUnfinished() throws IOException {
        for (Path run : list(directory, "run-*")) {
            for (Path client : list(run, "client-*")) {
                for (Path part : list(client, "*" + Disk.PART)) {
                    disk.delete(part);
                }
            }
        }
    }

    @Override
    public Optional<Model> load(Key key, int round) {
        requireNotClosed();
        if (round < 0) {
            return Optional.empty();
        }
        Path file = file(key, round);
        try {
            return Optional.of(ModelFile.read(file, Optional.empty(), Long.MAX_VALUE));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (DamagedException e) {
            throw new RunStoreException("the client state in " + file + " is damaged: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new RunStoreException("the client state in " + file + " cannot be read: " + Disk.reason(e), e);
        }
    }

    @Override
    public void save(Key key, int round, Model value) {
        requireNotClosed();
        if (round < 0) {
            throw new IllegalArgumentException("round must be >= 0, was " + round);
        }
        Path file = file(key, round);
        Path aside = file.resolveSibling(unfinished.incrementAndGet() + Disk.PART);
        try {
            Path folder = folder(key);
            createFolder(folder);
            try {
                ModelFile.write(disk, aside, value, round);
                disk.rename(aside, file);
            } catch (IOException | RuntimeException | Error e) {
                disk.deleteQuietly(aside, e);
                throw e;
            }
            disk.syncDirectory(folder);
        } catch (IOException e) {
            throw new RunStoreException("the client state in " + file + " cannot be saved: " + Disk.reason(e), e);
        } catch (UncheckedIOException e) {
            // A value that lies in a file itself may fail to be read.
            throw new RunStoreException("the client state in " + file + " cannot be saved: " + e.getMessage(), e);
        }
    }

    private void createFolder(Path folder) throws IOException {
        creating.lock();
        try {
            disk.createDirectories(folder.toAbsolutePath());
        } finally {
            creating.unlock();
        }
    }

    @Override
    public void deleteBefore(Key key, int round) {
        requireNotClosed();
        Path folder = folder(key);
        String prefix = prefix(key);
        try {
            for (Path file : list(folder, "*" + SUFFIX)) {
                String name = file.getFileName().toString();
                if (name.startsWith(prefix)) {
                    String number = name.substring(prefix.length(), name.length() - SUFFIX.length());
                    if (isRound(number) && Integer.parseInt(number) < round) {
                        disk.delete(file);
                    }
                }
            }
        } catch (IOException e) {
            throw new RunStoreException("client state in " + folder + " cannot be deleted: " + Disk.reason(e), e);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            try {
                processLock.close();
            } catch (IOException e) {
                LOGGER.log(Level.WARNING, directory.resolve(LOCK) + " cannot be closed", e);
            }
        }
    }

    private void requireNotClosed() {
        if (closed) {
            throw new IllegalStateException("the client state in " + directory + " is closed");
        }
    }

    private Path folder(Key key) {
        return directory.resolve("run-" + encoded(key.runId())).resolve("client-" + encoded(key.clientId()));
    }

    private Path file(Key key, int round) {
        return folder(key).resolve(prefix(key) + String.format(Locale.ROOT, "%06d", round) + SUFFIX);
    }

    private static String prefix(Key key) {
        return "state-" + encoded(key.name()) + ".";
    }

    private static boolean isRound(String number) {
        return number.matches("[0-9]{6,10}") && Long.parseLong(number) <= Integer.MAX_VALUE;
    }

    private static List<Path> list(Path folder, String pattern) throws IOException {
        List<Path> found = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> paths = Files.newDirectoryStream(folder, pattern)) {
                paths.forEach(found::add);
            }
        }
        return found;
    }

    private static String encoded(String identifier) {
        StringBuilder name = new StringBuilder();
        for (int i = 0; i < identifier.length(); i++) {
            char c = identifier.charAt(i);
            if (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
                name.append(c);
            } else {
                name.append(String.format(Locale.ROOT, "%%%04x", (int) c));
            }
        }
        if (name.length() <= MAX_ENCODED_LENGTH) {
            return name.toString();
        }
        try {
            byte[] hash =
                    MessageDigest.getInstance("SHA-256").digest(name.toString().getBytes(StandardCharsets.US_ASCII));
            return name.substring(0, SHOWN_OF_LONG) + "~" + HexFormat.of().formatHex(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform must have SHA-256", e);
        }
    }
}
