package io.fedlearn.grpc.security;

import io.fedlearn.grpc.TransportException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * What was read from files, read again after they changed and have stood for a second: a file that is edited in place is empty or
 * half there for a moment. If what is there now cannot be used, what was read before stays in force, a warning says so once per
 * change, and it is tried again from time to time. Thread-safe.
 */
final class Watched<T> {
    private static final Logger LOG = System.getLogger(Watched.class.getName());

    /** How long a change must have stood, and how long after a failure it is tried again. */
    private static final Duration SETTLED = Duration.ofSeconds(1);

    private final List<Path> files;
    private final Supplier<T> reader;
    private final LongSupplier nanoTime;
    private final ReentrantLock reading = new ReentrantLock();
    private volatile Snapshot<T> snapshot;
    // Guarded by reading.
    private Optional<Change> change = Optional.empty();

    private record Snapshot<T>(List<String> stamps, T value) {}

    /** A change that is not in force: since when it stands so, or when it was last tried. */
    private record Change(List<String> stamps, long since, boolean hasFailed) {}

    private Watched(List<Path> files, Supplier<T> reader, LongSupplier nanoTime) {
        this.files = List.copyOf(files);
        this.reader = reader;
        this.nanoTime = nanoTime;
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
        return of(files, reader, System::nanoTime);
    }

    /** The same with a clock of the caller's. */
    static <T> Watched<T> of(List<Path> files, Supplier<T> reader, LongSupplier nanoTime) {
        return new Watched<>(files, reader, nanoTime);
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
            if (!stamps.equals(snapshot.stamps) && isDue(stamps)) {
                readAgain(stamps);
            }
            return snapshot.value;
        } finally {
            reading.unlock();
        }
    }

    /** Whether what is there now is to be read. Called with the lock held. */
    private boolean isDue(List<String> stamps) {
        long now = nanoTime.getAsLong();
        Change seen =
                change.filter(known -> known.stamps.equals(stamps)).orElseGet(() -> new Change(stamps, now, false));
        change = Optional.of(seen);
        return now - seen.since >= SETTLED.toNanos() || (!seen.hasFailed && areOld(stamps));
    }

    /** Whether nobody has written to the changed files for a while, such as when ready ones were moved there. */
    private boolean areOld(List<String> stamps) {
        Instant limit = Instant.now().minus(SETTLED);
        for (int i = 0; i < files.size(); i++) {
            try {
                if (!stamps.get(i).equals(snapshot.stamps.get(i))
                        && Files.getLastModifiedTime(files.get(i)).toInstant().isAfter(limit)) {
                    return false;
                }
            } catch (IOException e) {
                return false;
            }
        }
        return true;
    }

    private void readAgain(List<String> stamps) {
        try {
            T value = reader.get();
            if (stamps().equals(stamps)) {
                snapshot = new Snapshot<>(stamps, value);
                change = Optional.empty();
                LOG.log(Level.INFO, () -> "read again after a change: " + names());
            }
        } catch (TransportException e) {
            if (change.filter(Change::hasFailed).isEmpty()) {
                LOG.log(Level.WARNING, () -> "what was read before stays in force: " + e.getMessage());
            }
            change = Optional.of(new Change(stamps, nanoTime.getAsLong(), true));
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
