package io.fedlearn.files;

import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.FallbackRunStore;
import io.fedlearn.core.store.Retention;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.formats.internal.run.NewerSchemaException;
import io.fedlearn.formats.internal.run.RecordJson;
import io.fedlearn.formats.internal.run.SealedJson;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;

/**
 * A run in a directory, in files that other tools read; the package describes them.
 *
 * <p><b>Atomic and durable.</b> A checkpoint is written aside, each file synced, then renamed into place in one step:
 * the commit. After a crash at any moment the run is as before or as after. When a commit fails (the disk is full, the
 * directory unwritable) it throws, what it wrote is removed, and the run is as before.
 *
 * <p><b>Checked.</b> Every file that a checkpoint is loaded from must have the digest that it was written with. Damaged
 * checkpoints that are newer than the newest whole one are set aside, renamed to {@code ….damaged}, with a
 * {@linkplain SavedRun#notices() notice}.
 *
 * <p><b>One at a time.</b> The directory belongs to the store that first loads, creates or commits, until it is closed
 * or its process ends. Another one's attempt fails with a {@link RunStoreException}.
 *
 * <p>What is only for people and other programs ({@code history.json}, and the top-level models) is brought up to date
 * after the commit. If that fails there is a warning in the log, and the commit holds. {@code history.json} is
 * rewritten at most once in an interval, and always when a run is loaded and when the store is closed.
 *
 * <p>Thread-safe: one operation at a time. Load and close may take as long as reading or writing the run's files does.
 */
public final class FileRunStore implements FallbackRunStore {
    /** How many bytes of values a model may have to be loaded to the heap: {@value}, which is 256 MiB. */
    public static final long DEFAULT_MAX_HEAP_MODEL_BYTES = 256L << 20;

    /** The least number of seconds between two versions of {@code history.json}: {@value}. */
    public static final int DEFAULT_HISTORY_INTERVAL_SECONDS = 2;

    private static final System.Logger LOGGER = System.getLogger(FileRunStore.class.getName());

    private static final String LOCK = "run.lock";
    static final String RUN = "run.json";
    static final String RECORDS = "records.jsonl";
    static final String ROUNDS = "rounds";
    static final String HISTORY = "history.json";

    /** There while a run is adopted that the directory held nothing of; without {@link #RUN} it means that this was cut short. */
    static final String ADOPTING = "adopting";

    private static final String LATEST_MODEL = "model.safetensors";
    private static final String BEST_MODEL = "best.safetensors";

    /** The names of the checkpoints' folders. */
    static final Pattern ROUND_NAME = Pattern.compile("[0-9]{6,10}");

    private final Path directory;
    private final Path rounds;
    private final Retention retention;
    private final long maxHeapModelBytes;
    private final Duration historyInterval;
    private final Disk disk;
    private final LongSupplier nanoTime;

    // Guards what follows and the directory itself, hence is held while it is read and written.
    private final ReentrantLock lock = new ReentrantLock();
    private Optional<ProcessLock> processLock = Optional.empty();
    private Optional<OpenRun> open = Optional.empty();
    private boolean closed;

    private FileRunStore(Builder builder) {
        this.directory = builder.directory;
        this.rounds = builder.directory.resolve(ROUNDS);
        this.retention = builder.retention;
        this.maxHeapModelBytes = builder.maxHeapModelBytes;
        this.historyInterval = builder.historyInterval;
        this.disk = builder.disk;
        this.nanoTime = builder.nanoTime;
    }

    /** The run in this directory, with the defaults. Nothing is read or created yet. */
    public static FileRunStore at(Path directory) {
        return builder(directory).build();
    }

    /** A builder for a store of the run in this directory. */
    public static Builder builder(Path directory) {
        return new Builder(directory);
    }

    /** The run's directory. */
    public Path directory() {
        return directory;
    }

    @Override
    public String toString() {
        return directory.toString();
    }

    @Override
    public Optional<SavedRun> load() {
        lock.lock();
        try {
            requireNotClosed();
            if (!Files.exists(directory)) {
                return Optional.empty();
            }
            takeDirectory();
            return recover();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void create(RunHeader header, Checkpoint initial) {
        if (initial.round() != 0) {
            throw new IllegalArgumentException("a run's first checkpoint must be of round 0, was " + initial.round());
        }
        lock.lock();
        try {
            requireNotClosed();
            takeDirectory();
            if (open.isEmpty()) {
                recover();
            }
            if (open.isPresent()) {
                throw new RunStoreException(
                        directory + " holds run " + open.get().header.runId() + " already; resume it, or use another");
            }
            begin(header, initial, false, List.of());
            publish(open.get());
            writeHistoryOrWarn(open.get());
        } finally {
            lock.unlock();
        }
    }

    /** Writes a run into a directory that holds none; that {@link #RUN} is there commits it. */
    private void begin(RunHeader header, Checkpoint checkpoint, boolean best, List<SealedJson> lines) {
        SealedJson sealed = RecordJson.write(header);
        Path folder = folder(checkpoint.round());
        Path records = directory.resolve(RECORDS);
        Path run = directory.resolve(RUN);
        Path adopting = directory.resolve(ADOPTING);
        Optional<String> record = lines.isEmpty()
                ? Optional.empty()
                : Optional.of(lines.get(lines.size() - 1).sha256());
        try {
            disk.delete(directory.resolve(HISTORY));
            if (Files.exists(adopting)) {
                disk.delete(rounds);
                disk.delete(adopting);
            }
            disk.delete(folder);
            if (checkpoint.round() > 0) {
                disk.write(adopting, Disk.Content.of(new byte[0]));
                disk.syncDirectory(directory);
            }
            disk.createDirectories(rounds);
            disk.write(records, Disk.Content.of(new byte[0]));
            Journal journal = Journal.open(disk, records, 0);
            try {
                if (!lines.isEmpty()) {
                    journal.write(lines);
                    journal.accept(lines);
                }
                CheckpointFolder.write(disk, Disk.aside(folder), header.runId(), checkpoint, best, record);
                disk.rename(Disk.aside(folder), folder);
                disk.syncDirectory(rounds);
                disk.replace(run, Disk.Content.of(sealed.toLine()));
            } catch (IOException | RuntimeException | Error e) {
                journal.close();
                throw e;
            }
            open = Optional.of(new OpenRun(header, sealed, journal));
        } catch (IOException | RuntimeException | Error e) {
            disk.deleteQuietly(run, e);
            disk.deleteQuietly(folder, e);
            disk.deleteQuietly(Disk.aside(folder), e);
            disk.deleteQuietly(records, e);
            throw asFailure("run " + header.runId() + " cannot be started in " + directory, e);
        }
        if (checkpoint.round() > 0) {
            try {
                disk.delete(adopting);
            } catch (IOException e) {
                warn(adopting + " cannot be deleted", e);
            }
        }
    }

    @Override
    public void adopt(SavedRun run, boolean best) {
        int latest = run.latest().round();
        if (latest < 1 || run.records().size() != latest) {
            throw new IllegalArgumentException(
                    "a run to adopt must have at least one round and the records of all, had "
                            + run.records().size() + " of " + latest);
        }
        lock.lock();
        try {
            requireNotClosed();
            takeDirectory();
            Optional<SavedRun> mine = recover();
            int known = mine.isPresent() ? requireBeginning(mine.get(), run) : 0;
            List<SealedJson> lines = new ArrayList<>();
            for (RoundRecord record : run.records().subList(known, latest - 1)) {
                lines.add(RecordJson.write(record, false));
            }
            lines.add(line(run.header().runId(), run.latest(), best));
            if (mine.isEmpty()) {
                begin(run.header(), run.latest(), best, lines);
            } else {
                write(open.orElseThrow(), run.latest(), best, lines);
            }
            open.orElseThrow().committed(latest, best);
            publish(open.get());
            prune(open.get());
            writeHistoryOrWarn(open.get());
        } finally {
            lock.unlock();
        }
    }

    /** How many rounds there are already, if they are the first of that run. */
    private int requireBeginning(SavedRun mine, SavedRun run) {
        if (!mine.header().equals(run.header())) {
            throw new RunStoreException(
                    directory + " holds run " + mine.header().runId() + ", so it cannot take over "
                            + (mine.header().runId().equals(run.header().runId())
                                    ? "another of that name"
                                    : run.header().runId()));
        }
        int known = mine.records().size();
        if (known >= run.records().size()
                || !mine.records().equals(run.records().subList(0, known))) {
            throw new RunStoreException(
                    directory + " holds rounds of run " + mine.header().runId()
                            + " that are not those of the run to take over; it has " + known + " rounds, the other "
                            + run.records().size());
        }
        return known;
    }

    @Override
    public void commit(Checkpoint checkpoint, boolean best) {
        lock.lock();
        try {
            requireNotClosed();
            openIfThere();
            OpenRun run = open.orElseThrow(() -> new RunStoreException(directory + " holds no run"));
            if (checkpoint.round() != run.latest + 1) {
                throw new RunStoreException("round " + (run.latest + 1) + " must be committed next in " + directory
                        + ", was " + checkpoint.round());
            }
            write(run, checkpoint, best, List.of(line(run.header.runId(), checkpoint, best)));
            run.committed(checkpoint.round(), best);
            publish(run);
            prune(run);
            if (nanoTime.getAsLong() - run.historyWrittenAt >= historyInterval.toNanos()) {
                writeHistoryOrWarn(run);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Commits a checkpoint with the lines of the rounds since the one before; the last is its own. */
    private void write(OpenRun run, Checkpoint checkpoint, boolean best, List<SealedJson> lines) {
        Path folder = folder(checkpoint.round());
        Path aside = Disk.aside(folder);
        if (Files.exists(folder)) {
            throw new RunStoreException(
                    folder + " is in the way of round " + checkpoint.round() + "; load the run again");
        }
        try {
            String sha256 = lines.get(lines.size() - 1).sha256();
            disk.delete(aside);
            CheckpointFolder.write(disk, aside, run.header.runId(), checkpoint, best, Optional.of(sha256));
            run.journal.write(lines);
            disk.rename(aside, folder);
            disk.syncDirectory(rounds);
            run.journal.accept(lines);
        } catch (IOException | RuntimeException | Error e) {
            undo(run, folder, e);
            throw asFailure("round " + checkpoint.round() + " of run " + run.header.runId() + " cannot be saved", e);
        }
    }

    private static SealedJson line(String runId, Checkpoint checkpoint, boolean best) {
        RoundRecord record = checkpoint.record().orElseThrow();
        String digest;
        try {
            digest = checkpoint.model().digest();
        } catch (UncheckedIOException e) {
            throw asFailure("round " + checkpoint.round() + " of run " + runId + " cannot be saved", e);
        }
        if (!record.modelDigest().equals(digest)) {
            throw new IllegalArgumentException("the record of round " + record.round()
                    + " must have its model's digest " + digest + ", was " + record.modelDigest());
        }
        return RecordJson.write(record, best);
    }

    private void undo(OpenRun run, Path folder, Throwable failure) {
        try {
            if (Files.exists(folder)) {
                Files.move(folder, Disk.aside(folder));
            }
        } catch (IOException e) {
            // Whether the round counts is up to what the disk holds when it can be read again.
            failure.addSuppressed(e);
            open = Optional.empty();
        }
        disk.deleteQuietly(Disk.aside(folder), failure);
        run.journal.revert(failure);
        if (open.isEmpty()) {
            closeQuietly(run);
        }
    }

    @Override
    public Optional<Model> model(int round) {
        return kept(round, (folder, manifest) -> CheckpointFolder.readModel(folder, manifest, maxHeapModelBytes));
    }

    @Override
    public Optional<Checkpoint> checkpoint(int round) {
        return kept(round, (folder, manifest) -> {
            Optional<RoundRecord> record = Optional.ofNullable(Journal.read(directory.resolve(RECORDS), false)
                            .lines()
                            .get(round))
                    .map(RecordJson.Line::record);
            if (round > 0 && record.isEmpty()) {
                throw new DamagedException("the record of the round is missing or damaged in " + RECORDS);
            }
            return CheckpointFolder.read(folder, manifest, record, maxHeapModelBytes);
        });
    }

    @Override
    public boolean isBest(int round) {
        lock.lock();
        try {
            requireNotClosed();
            openIfThere();
            return open.isPresent() && open.get().bests.contains(round);
        } finally {
            lock.unlock();
        }
    }

    private void openIfThere() {
        if (open.isEmpty() && Files.exists(directory)) {
            takeDirectory();
            recover();
        }
    }

    private interface Reading<T> {
        T of(Path folder, CheckpointFolder.Manifest manifest)
                throws IOException, DamagedException, NewerSchemaException;
    }

    private <T> Optional<T> kept(int round, Reading<T> reading) {
        lock.lock();
        try {
            requireNotClosed();
            openIfThere();
            if (open.isEmpty() || round < 0 || round > open.get().latest || !Files.isDirectory(folder(round))) {
                return Optional.empty();
            }
            Path folder = folder(round);
            try {
                CheckpointFolder.Manifest manifest = CheckpointFolder.readManifest(
                        folder, round, open.get().header.runId());
                return Optional.of(reading.of(folder, manifest));
            } catch (DamagedException | NewerSchemaException e) {
                throw new RunStoreException(
                        "the checkpoint of round " + round + " in " + folder + " is damaged: " + e.getMessage(), e);
            } catch (IOException e) {
                throw asFailure(folder + " cannot be read", e);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Brings {@code history.json} up to date and lets the directory go. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            Optional<RunStoreException> failure = Optional.empty();
            if (open.isPresent()) {
                try {
                    if (open.get().historyStale) {
                        writeHistory(open.get());
                    }
                } catch (IOException e) {
                    failure = Optional.of(
                            asFailure(directory.resolve(HISTORY) + " cannot be written; the run itself is saved", e));
                }
                closeQuietly(open.get());
                open = Optional.empty();
            }
            if (processLock.isPresent()) {
                try {
                    processLock.get().close();
                } catch (IOException e) {
                    LOGGER.log(Level.WARNING, directory.resolve(LOCK) + " cannot be closed", e);
                }
            }
            if (failure.isPresent()) {
                throw failure.get();
            }
        } finally {
            lock.unlock();
        }
    }

    // ---- loading

    /** Reads the directory, puts right what a crash or damage left there, and opens the run. */
    private Optional<SavedRun> recover() {
        open.ifPresent(this::closeQuietly);
        open = Optional.empty();
        try {
            removeUnfinished(directory);
            if (Files.isDirectory(rounds)) {
                removeUnfinished(rounds);
            }
            Optional<RunRecovery.Recovered> recovered = new RunRecovery(directory, disk, maxHeapModelBytes).run();
            if (recovered.isPresent() && Files.exists(directory.resolve(ADOPTING))) {
                disk.delete(directory.resolve(ADOPTING));
            }
            return recovered.map(this::reopen);
        } catch (IOException e) {
            throw asFailure("the run in " + directory + " cannot be loaded", e);
        }
    }

    private SavedRun reopen(RunRecovery.Recovered recovered) {
        OpenRun run = new OpenRun(recovered.header(), recovered.sealedHeader(), recovered.journal());
        open = Optional.of(run);
        List<RoundRecord> history = new ArrayList<>();
        for (RecordJson.Line line : recovered.lines()) {
            history.add(line.record());
            run.committed(line.record().round(), line.best());
        }
        publish(run);
        prune(run);
        writeHistoryOrWarn(run);
        return new SavedRun(recovered.header(), recovered.latest(), history, recovered.notices());
    }

    private void removeUnfinished(Path parent) throws IOException {
        List<Path> unfinished = new ArrayList<>();
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(parent, "*" + Disk.PART)) {
            paths.forEach(unfinished::add);
        }
        for (Path path : unfinished) {
            disk.delete(path);
        }
    }

    // ---- what follows a commit

    /** Points the top-level models at the latest and the best. */
    private void publish(OpenRun run) {
        try {
            disk.link(folder(run.latest).resolve(CheckpointFolder.MODEL), directory.resolve(LATEST_MODEL));
            Path best = directory.resolve(BEST_MODEL);
            Optional<Path> source = run.best.isPresent()
                    ? Optional.of(folder(run.best.getAsInt()).resolve(CheckpointFolder.MODEL))
                    : Optional.empty();
            if (source.isEmpty() || !Files.exists(source.get())) {
                Files.deleteIfExists(best);
            } else if (!Files.exists(best) || !Files.isSameFile(source.get(), best)) {
                disk.link(source.get(), best);
            }
        } catch (IOException e) {
            warn("the models in " + directory + " are out of date", e);
        }
    }

    private void prune(OpenRun run) {
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(rounds)) {
            for (Path path : paths) {
                String name = path.getFileName().toString();
                if (!ROUND_NAME.matcher(name).matches() || Long.parseLong(name) >= run.latest) {
                    continue;
                }
                int round = Integer.parseInt(name);
                boolean kept = retention.keeps(round, run.latest, run.best)
                        || retention.keeps(round, run.latest, run.bestBefore);
                if (!kept) {
                    // Renamed first, so that there is never half a checkpoint under a checkpoint's name.
                    disk.rename(path, Disk.aside(path));
                    disk.delete(Disk.aside(path));
                }
            }
        } catch (IOException e) {
            warn("old checkpoints in " + rounds + " cannot be deleted", e);
        }
    }

    private void writeHistoryOrWarn(OpenRun run) {
        try {
            writeHistory(run);
        } catch (IOException e) {
            warn(directory.resolve(HISTORY) + " is out of date", e);
        }
    }

    private void writeHistory(OpenRun run) throws IOException {
        History.write(
                disk,
                directory.resolve(HISTORY),
                run.sealedHeader,
                run.latest,
                run.best,
                directory.resolve(RECORDS),
                run.journal.end());
        run.historyWrittenAt = nanoTime.getAsLong();
        run.historyStale = false;
    }

    // ---- parts

    private Path folder(int round) {
        return folder(rounds, round);
    }

    static Path folder(Path rounds, int round) {
        return rounds.resolve(String.format(Locale.ROOT, "%06d", round));
    }

    private void requireNotClosed() {
        if (closed) {
            throw new IllegalStateException("the store of " + directory + " is closed");
        }
    }

    private void takeDirectory() {
        if (processLock.isPresent()) {
            return;
        }
        try {
            disk.createDirectories(directory.toAbsolutePath());
            processLock = Optional.of(ProcessLock.take(directory.resolve(LOCK)));
        } catch (ProcessLock.HeldException e) {
            throw new RunStoreException("the run in " + directory + " cannot be used: " + e.getMessage(), e);
        } catch (IOException e) {
            throw asFailure("the run's directory " + directory + " cannot be written to", e);
        }
    }

    private void closeQuietly(OpenRun run) {
        try {
            run.journal.close();
        } catch (IOException e) {
            warn(directory.resolve(RECORDS) + " cannot be closed", e);
        }
    }

    private static void warn(String what, IOException why) {
        LOGGER.log(Level.WARNING, () -> what + ": " + Disk.reason(why));
    }

    /** A failure of storage as the store reports it; what is no failure of storage is thrown as it is. */
    private static RunStoreException asFailure(String what, Throwable why) {
        if (why instanceof IOException failure) {
            return new RunStoreException(what + ": " + Disk.reason(failure), why);
        }
        // A model whose values lie in a file may fail to give them.
        if (why instanceof UncheckedIOException failure) {
            return new RunStoreException(what + ": " + failure.getMessage(), why);
        }
        if (why instanceof Error error) {
            throw error;
        }
        throw (RuntimeException) why;
    }

    /** A run whose directory this store has. */
    private static final class OpenRun {
        final RunHeader header;
        final SealedJson sealedHeader;
        final Journal journal;
        int latest;
        OptionalInt best = OptionalInt.empty();
        // Before the latest round: what the best is again, should the latest checkpoint be damaged.
        OptionalInt bestBefore = OptionalInt.empty();
        final Set<Integer> bests = new HashSet<>();
        long historyWrittenAt;
        boolean historyStale = true;

        OpenRun(RunHeader header, SealedJson sealedHeader, Journal journal) {
            this.header = header;
            this.sealedHeader = sealedHeader;
            this.journal = journal;
        }

        void committed(int round, boolean isBest) {
            latest = round;
            bestBefore = best;
            if (isBest) {
                best = OptionalInt.of(round);
                bests.add(round);
            }
            historyStale = true;
        }
    }

    /** Settings of a {@link FileRunStore}. Not thread-safe. */
    public static final class Builder {
        private final Path directory;
        private Retention retention = Retention.latestAndBest();
        private long maxHeapModelBytes = DEFAULT_MAX_HEAP_MODEL_BYTES;
        private Duration historyInterval = Duration.ofSeconds(DEFAULT_HISTORY_INTERVAL_SECONDS);
        private Disk disk = Disk.durable();
        private LongSupplier nanoTime = System::nanoTime;

        private Builder(Path directory) {
            this.directory = directory;
        }

        /** Which checkpoints are kept; {@link Retention#latestAndBest()} if not set. */
        public Builder retention(Retention value) {
            this.retention = value;
            return this;
        }

        /**
         * How many bytes of values a model may have to be loaded to the heap, {@value #DEFAULT_MAX_HEAP_MODEL_BYTES} if
         * not set; a larger one stays in its file, mapped into memory.
         */
        public Builder maxHeapModelBytes(long bytes) {
            if (bytes < 0) {
                throw new IllegalArgumentException("maxHeapModelBytes must be >= 0, was " + bytes);
            }
            this.maxHeapModelBytes = bytes;
            return this;
        }

        /**
         * The least time between two versions of {@code history.json} while the run goes on,
         * {@value #DEFAULT_HISTORY_INTERVAL_SECONDS} seconds if not set; 0 rewrites it after every round.
         */
        public Builder historyInterval(Duration value) {
            if (value.isNegative()) {
                throw new IllegalArgumentException("historyInterval must be >= 0, was " + value);
            }
            this.historyInterval = value;
            return this;
        }

        Builder disk(Disk value) {
            this.disk = value;
            return this;
        }

        Builder nanoTime(LongSupplier value) {
            this.nanoTime = value;
            return this;
        }

        /** The store. Nothing is read or created yet. */
        public FileRunStore build() {
            return new FileRunStore(this);
        }
    }
}
