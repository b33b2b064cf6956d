package io.fedlearn.grpc.security;

import io.fedlearn.grpc.TransportException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * What was read from files, read again after they changed. If what is there now cannot be used, what was read before stays in
 * force, and a warning says so once per change. Thread-safe.
 */
final class Watched<T> {
    private static final Logger LOG = System.getLogger(Watched.class.getName());

    private final List<Path> files;
    private final Supplier<T> reader;
    private final ReentrantLock reading = new ReentrantLock();
    private volatile Snapshot<T> snapshot;

    private record Snapshot<T>(List<String> stamps, T value) {}

    private Watched(List<Path> files, Supplier<T> reader) {
        this.files = List.copyOf(files);
        this.reader = reader;
        // The stamps first: a change while it is being read is seen as one.
        List<String> stamps = stamps();
        this.snapshot = new Snapshot<>(stamps, reader.get());
    }

    /**
     * Reads these files now.
     *
     * @throws TransportException as the reader does
     */
    static <T> Watched<T> of(List<Path> files, Supplier<T> reader) {
        return new Watched<>(files, reader);
    }

    /** What the files say now, or said when they could last be used. */
    T get() {
        Snapshot<T> seen = snapshot;
        // Who finds another thread reading takes what is in force: nobody waits for a disk.
        if (stamps().equals(seen.stamps) || !reading.tryLock()) {
            return seen.value;
        }
        try {
            List<String> stamps = stamps();
            if (stamps.equals(snapshot.stamps)) {
                return snapshot.value;
            }
            T value = snapshot.value;
            try {
                value = reader.get();
                LOG.log(Level.INFO, () -> "read again after a change: " + names());
            } catch (TransportException e) {
                LOG.log(Level.WARNING, () -> "what was read before stays in force: " + e.getMessage());
            }
            snapshot = new Snapshot<>(stamps, value);
            return value;
        } finally {
            reading.unlock();
        }
    }

    private List<String> stamps() {
        List<String> stamps = new ArrayList<>(files.size());
        for (Path file : files) {
            String stamp;
            try {
                BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
                stamp = attributes.lastModifiedTime() + " " + attributes.size() + " " + attributes.fileKey();
            } catch (NoSuchFileException e) {
                stamp = "gone";
            } catch (IOException e) {
                stamp = "unreadable";
            }
            stamps.add(stamp);
        }
        return stamps;
    }

    private String names() {
        return String.join(", ", files.stream().map(Path::toString).toList());
    }
}
