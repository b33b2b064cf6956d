package io.fedlearn.luna16.patch;

import io.fedlearn.luna16.dataset.Candidate;
import io.fedlearn.luna16.dataset.Scan;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.MetaImageHeader;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * A folder of patches that were cut out once: one file for each scan, under a name that is a digest of all that decides what
 * is in it. Change a voxel, a header, a candidate, the spacing or the box, and other files are made; change the window, and
 * the same ones serve. Immutable and thread-safe; several processes may use one folder.
 *
 * <p><b>Whatever happens, what is there is right.</b> A file is written aside, synced and renamed; what a killed process
 * left unfinished is deleted by the next; each file's checksums are compared, all of it, before it is used, and a damaged one
 * is made anew. So the folder may be deleted at any time, in part or whole. Files that no settings in use ask for any more
 * are not deleted.
 *
 * <p><b>Memory.</b> Scans are held at the same time only as far as the budget goes (a scan of 512 x 512 x 600 voxels takes
 * 315 MB); one that is larger than that is cut alone. Beside the scans, each thread has the slices of one box, a few MB.
 *
 * <p><b>Settings</b> (default): threads (1: the caller's own), memory ({@linkplain #DEFAULT_MEMORY_SHARE a share} of the
 * largest heap), reader ({@link MetaImage#read}).
 */
public final class PatchCache {
    /** Default memory for scans, as a share of the largest heap: one part in {@value}. */
    public static final int DEFAULT_MEMORY_SHARE = 2;

    private static final String KEY_VERSION = "fedlearn-patches/1";

    private final Path folder;
    private final int threads;
    private final long memoryBytes;
    private final String readerName;
    private final Function<Path, Volume> reader;

    private PatchCache(Path folder, int threads, long memoryBytes, String readerName, Function<Path, Volume> reader) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be >= 1, was " + threads);
        }
        if (memoryBytes < 1) {
            throw new IllegalArgumentException("memoryBytes must be >= 1, was " + memoryBytes);
        }
        this.folder = folder;
        this.threads = threads;
        this.memoryBytes = memoryBytes;
        this.readerName = readerName;
        this.reader = reader;
    }

    /** A cache in a folder, which is created when it is first needed. */
    public static PatchCache at(Path folder) {
        return new PatchCache(folder, 1, Runtime.getRuntime().maxMemory() / DEFAULT_MEMORY_SHARE, "", MetaImage::read);
    }

    /** This cache with so many threads to read and cut, which live as long as a preparation; 1 is the caller's own. */
    public PatchCache withThreads(int threads) {
        return new PatchCache(folder, threads, memoryBytes, readerName, reader);
    }

    /** This cache with so much memory for scans that are being cut, {@code >= 1}. */
    public PatchCache withMemoryBytes(long bytes) {
        return new PatchCache(folder, threads, bytes, readerName, reader);
    }

    /**
     * This cache with another reader of scans. What it reads is kept apart from what others read of the same files, by its
     * name: one that rounds or shifts values gives other patches.
     *
     * @param name of the reader and its version, not empty
     * @param reader gives the scan of a header; called from several threads if there are several. What it throws is the
     *     scan's failure
     */
    public PatchCache withReader(String name, Function<Path, Volume> reader) {
        if (name.isEmpty()) {
            throw new IllegalArgumentException("name of a reader must not be empty");
        }
        return new PatchCache(folder, threads, memoryBytes, name, reader);
    }

    /** The folder. */
    public Path folder() {
        return folder;
    }

    /** As {@link #prepare(List, PatchSettings, CandidateSelection, PreparationListener)}, without a listener. */
    public PreparedPatches prepare(List<Scan> scans, PatchSettings settings, CandidateSelection selection)
            throws InterruptedException {
        return prepare(scans, settings, selection, (done, total) -> {});
    }

    /**
     * Cuts the patches of scans, as far as they are not there yet. A scan that cannot be read, or a candidate of which lies
     * outside of it, is among the failures, and the others are prepared all the same. Scans without a candidate are not
     * read.
     *
     * @param scans in the order that the patches are to have; no two of one name
     * @param selection which candidates
     * @throws PatchCacheException if the folder cannot be used or the disk is full; what was finished stays and is good
     * @throws InterruptedException if the thread was interrupted; likewise
     */
    public PreparedPatches prepare(
            List<Scan> scans, PatchSettings settings, CandidateSelection selection, PreparationListener listener)
            throws InterruptedException {
        Set<String> names = new HashSet<>();
        for (Scan scan : scans) {
            if (!names.add(scan.seriesUid())) {
                throw new IllegalArgumentException("scans must have names of their own, two are " + scan.seriesUid());
            }
        }
        Preparation preparation = new Preparation(scans, settings, selection, listener, openFolder());
        preparation.run();
        return preparation.result();
    }

    private ContentDigests openFolder() {
        try {
            Files.createDirectories(folder);
            CacheFile.deleteLeftovers(folder);
            return ContentDigests.in(folder);
        } catch (IOException e) {
            throw new PatchCacheException(folder, "cannot be used for patches: " + e, e);
        }
    }

    private byte[] key(byte[] content, Scan scan, PatchSettings settings, List<Candidate> candidates) {
        MessageDigest digest = ContentDigests.sha256();
        byte[] name = scan.seriesUid().getBytes(StandardCharsets.UTF_8);
        digest.update(
                (KEY_VERSION + "," + settings.cutText() + "," + name.length + "\n").getBytes(StandardCharsets.UTF_8));
        digest.update(name);
        digest.update(content);
        if (!readerName.isEmpty()) {
            byte[] own = readerName.getBytes(StandardCharsets.UTF_8);
            digest.update((",reader=" + own.length + "\n").getBytes(StandardCharsets.UTF_8));
            digest.update(own);
        }
        ByteBuffer place = ByteBuffer.allocate(3 * Double.BYTES + 1).order(ByteOrder.LITTLE_ENDIAN);
        for (Candidate candidate : candidates) {
            Point center = candidate.center();
            place.clear().putDouble(center.x()).putDouble(center.y()).putDouble(center.z());
            place.put((byte) (candidate.isNodule() ? 1 : 0));
            digest.update(place.array());
        }
        return digest.digest();
    }

    private enum Origin {
        BUILT,
        REUSED,
        REPAIRED
    }

    /** What came of one scan: a file, or none if it has no candidates. */
    private record Done(Optional<CacheFile> file, Optional<ScanFailure> failure, Origin origin, int omitted) {}

    /** One call's work. Thread-safe. */
    private final class Preparation {
        private final List<Scan> scans;
        private final PatchSettings settings;
        private final CandidateSelection selection;
        private final PreparationListener listener;
        private final ContentDigests digests;
        private final ByteBudget budget = new ByteBudget(memoryBytes);
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger finished = new AtomicInteger();
        /** Each place is written by one thread, and read after that has ended. */
        private final Done[] done;

        Preparation(
                List<Scan> scans,
                PatchSettings settings,
                CandidateSelection selection,
                PreparationListener listener,
                ContentDigests digests) {
            this.scans = List.copyOf(scans);
            this.settings = settings;
            this.selection = selection;
            this.listener = listener;
            this.digests = digests;
            this.done = new Done[scans.size()];
        }

        void run() throws InterruptedException {
            int workers = Math.min(threads, scans.size());
            if (workers <= 1) {
                work();
                return;
            }
            ExecutorService executor = Executors.newFixedThreadPool(workers, work -> {
                Thread thread = new Thread(work, "patch-cache");
                thread.setDaemon(true);
                return thread;
            });
            try {
                List<Future<?>> results = new ArrayList<>();
                for (int i = 0; i < workers; i++) {
                    results.add(executor.submit(() -> {
                        try {
                            work();
                        } catch (Throwable e) {
                            // The others would go on for hours with what comes to nothing.
                            executor.shutdownNow();
                            throw e;
                        }
                        return null;
                    }));
                }
                await(results);
            } finally {
                executor.shutdownNow();
                awaitEnd(executor);
            }
        }

        private void work() throws InterruptedException {
            for (int i = next.getAndIncrement(); i < scans.size(); i = next.getAndIncrement()) {
                done[i] = prepare(scans.get(i));
                listener.scanFinished(finished.incrementAndGet(), scans.size());
            }
        }

        private Done prepare(Scan scan) throws InterruptedException {
            if (Thread.interrupted()) {
                throw new InterruptedException("the preparation of patches was interrupted");
            }
            List<Candidate> candidates = selection.choose(scan);
            int omitted = scan.candidates().size() - candidates.size();
            if (candidates.isEmpty()) {
                return new Done(Optional.empty(), Optional.empty(), Origin.REUSED, omitted);
            }
            try {
                MetaImageHeader header = MetaImageHeader.read(scan.header());
                byte[] key = key(digests.of(header), scan, settings, candidates);
                Origin origin = Origin.BUILT;
                try {
                    Optional<CacheFile> there = open(key);
                    if (there.isPresent()) {
                        return new Done(there, Optional.empty(), Origin.REUSED, omitted);
                    }
                } catch (CacheFile.DamagedException e) {
                    origin = Origin.REPAIRED;
                }
                CacheFile built = build(scan, header.geometry(), key, candidates);
                return new Done(Optional.of(built), Optional.empty(), origin, omitted);
            } catch (PatchCacheException e) {
                throw e;
            } catch (IOException | RuntimeException e) {
                if (Thread.interrupted()) {
                    // Reading through a channel, which an interrupt closes, fails with an exception of its own.
                    throw interrupted(e);
                }
                return new Done(
                        Optional.empty(),
                        Optional.of(new ScanFailure(scan.seriesUid(), scan.header(), e)),
                        Origin.BUILT,
                        0);
            }
        }

        private Optional<CacheFile> open(byte[] key) throws CacheFile.DamagedException {
            try {
                return CacheFile.open(folder, key);
            } catch (IOException e) {
                throw new PatchCacheException(CacheFile.path(folder, key), "cannot be read: " + e.getMessage(), e);
            }
        }

        private CacheFile build(Scan scan, ImageGeometry geometry, byte[] key, List<Candidate> candidates)
                throws InterruptedException {
            long bytes = geometry.size().voxelCount() * Short.BYTES;
            budget.take(bytes);
            try {
                PatchExtractor extractor = PatchExtractor.of(reader.apply(scan.header()), settings);
                return CacheFile.write(
                        folder,
                        key,
                        scan.seriesUid(),
                        settings.boxShape(),
                        extractor.spacing(),
                        candidates,
                        (index, target) -> {
                            if (Thread.interrupted()) {
                                throw new InterruptedException("the preparation of patches was interrupted");
                            }
                            extractor.extract(candidates.get(index).center(), target);
                        });
            } catch (IOException e) {
                long needed = CacheFile.byteCount(scan.seriesUid(), settings.boxShape(), candidates.size());
                throw new PatchCacheException(
                        folder,
                        "cannot write the patches of scan " + scan.seriesUid() + ", which take " + needed + " bytes"
                                + free() + ": " + e.getMessage() + "; what was finished before is kept",
                        e);
            } finally {
                budget.give(bytes);
            }
        }

        private String free() {
            try {
                return " (" + Files.getFileStore(folder).getUsableSpace() + " are free)";
            } catch (IOException e) {
                return ""; // only to help
            }
        }

        PreparedPatches result() {
            List<CacheFile> files = new ArrayList<>();
            List<ScanFailure> failures = new ArrayList<>();
            int[] origins = new int[Origin.values().length];
            long omitted = 0;
            for (Done scan : done) {
                omitted += scan.omitted;
                scan.failure.ifPresent(failures::add);
                if (scan.file.isPresent()) {
                    files.add(scan.file.get());
                    origins[scan.origin.ordinal()]++;
                }
            }
            return new PreparedPatches(
                    PatchSet.of(settings, files),
                    failures,
                    origins[Origin.BUILT.ordinal()] + origins[Origin.REPAIRED.ordinal()],
                    origins[Origin.REUSED.ordinal()],
                    origins[Origin.REPAIRED.ordinal()],
                    omitted);
        }
    }

    private static InterruptedException interrupted(Exception cause) {
        InterruptedException interrupted = new InterruptedException("the preparation of patches was interrupted");
        interrupted.initCause(cause);
        return interrupted;
    }

    /** Waits for all, and throws what the first to fail threw; not that the others were stopped for it. */
    private static void await(List<Future<?>> results) throws InterruptedException {
        Throwable failure = null;
        for (Future<?> result : results) {
            try {
                result.get();
            } catch (CancellationException e) {
                failure = failure == null ? e : failure;
            } catch (ExecutionException e) {
                Throwable cause = e.getCause();
                if (cause != null && (failure == null || failure instanceof InterruptedException)) {
                    failure = cause;
                }
            }
        }
        if (failure instanceof InterruptedException interrupted) {
            throw interrupted;
        }
        if (failure instanceof RuntimeException exception) {
            throw exception;
        }
        if (failure instanceof Error error) {
            throw error;
        }
    }

    private static void awaitEnd(ExecutorService executor) {
        boolean interrupted = false;
        while (!executor.isTerminated()) {
            try {
                if (executor.awaitTermination(1, TimeUnit.MINUTES)) {
                    break;
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
