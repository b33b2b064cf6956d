package io.fedlearn.luna16.patch;

import static io.fedlearn.luna16.patch.Scans.SETTINGS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.luna16.dataset.Candidate;
import io.fedlearn.luna16.dataset.Scan;
import io.fedlearn.luna16.image.HuWindow;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.image.VolumeException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PatchCacheTest {
    @TempDir
    private Path directory;

    private Path folder;
    private List<Scan> scans;

    @BeforeEach
    void write() {
        folder = directory.resolve("cache");
        scans = Scans.write(directory.resolve("scans"), 4, 5);
    }

    private PatchCache cache() {
        return PatchCache.at(folder);
    }

    private PreparedPatches prepare() throws InterruptedException {
        return cache().prepare(scans, SETTINGS, CandidateSelection.all());
    }

    @Test
    void holdsWhatTheExtractorCuts() throws Exception {
        PreparedPatches prepared = prepare();

        assertThat(prepared.failures()).isEmpty();
        assertThat(prepared.builtScans()).isEqualTo(4);
        assertThat(prepared.omittedNegatives()).isZero();
        PatchSet patches = prepared.patches();
        assertThat(patches.size()).isEqualTo(5 + 6 + 7 + 8);
        assertThat(patches.seriesUids()).containsExactly("1.2.3.0", "1.2.3.1", "1.2.3.2", "1.2.3.3");
        int index = 0;
        for (Scan scan : scans) {
            Volume volume = MetaImage.read(scan.header());
            PatchExtractor extractor = PatchExtractor.of(volume, SETTINGS.withMargin(0));
            for (Candidate candidate : scan.candidates()) {
                assertThat(patches.seriesUid(index)).isEqualTo(scan.seriesUid());
                assertThat(patches.candidate(index)).isEqualTo(candidate);
                assertThat(patches.isNodule(index)).isEqualTo(candidate.isNodule());
                assertThat(patches.patch(index).values())
                        .isEqualTo(extractor.extract(candidate.center()).values());
                index++;
            }
        }
        assertThat(patches.noduleCount())
                .isEqualTo((int) scans.stream()
                        .flatMap(scan -> scan.candidates().stream())
                        .filter(Candidate::isNodule)
                        .count())
                .isPositive();
    }

    @Test
    void readsNoScanASecondTime() throws Exception {
        PreparedPatches first =
                cache().withReader("test", MetaImage::read).prepare(scans, SETTINGS, CandidateSelection.all());
        PreparedPatches second = cache().withReader("test", path -> {
                    throw new AssertionError("read " + path);
                })
                .prepare(scans, SETTINGS, CandidateSelection.all());

        assertThat(second.reusedScans()).isEqualTo(4);
        assertThat(second.builtScans()).isZero();
        assertThat(second.patches().digest()).isEqualTo(first.patches().digest());
    }

    @Test
    void givesTheSameBytesWhateverTheNumberOfThreads() throws Exception {
        PreparedPatches one = prepare();
        Path other = directory.resolve("other");
        PreparedPatches four = PatchCache.at(other).withThreads(4).prepare(scans, SETTINGS, CandidateSelection.all());

        assertThat(Scans.files(other)).isEqualTo(Scans.files(folder)).hasSize(4);
        assertThat(four.patches().digest()).isEqualTo(one.patches().digest());
        assertThat(four.patches().seriesUids()).isEqualTo(one.patches().seriesUids());
    }

    @Test
    void makesOtherFilesForOtherContent() throws Exception {
        String digest = prepare().patches().digest();
        Set<String> names = Scans.files(folder).keySet();
        List<PatchSettings> others = List.of(
                SETTINGS.withMargin(1),
                SETTINGS.withSpacing(1.25, 0.9, 0.8),
                SETTINGS.withNativeSpacing(),
                SETTINGS.withShape(new PatchShape(6, 8, 9)));
        for (PatchSettings settings : others) {
            PreparedPatches prepared = cache().prepare(scans, settings, CandidateSelection.all());
            assertThat(prepared.builtScans()).as("%s", settings).isEqualTo(4);
            assertThat(prepared.patches().digest()).isNotEqualTo(digest);
        }
        assertThat(Scans.files(folder)).hasSize(4 * (1 + others.size()));

        // Another label, another name, another place of the scan in the patient.
        Scan scan = scans.get(3);
        List<Candidate> relabelled = new ArrayList<>(scan.candidates());
        relabelled.set(
                0, new Candidate(relabelled.get(0).center(), !relabelled.get(0).isNodule()));
        for (Scan other : List.of(
                new Scan(scan.seriesUid(), 0, scan.header(), List.of(), relabelled),
                new Scan("1.2.3.9", 0, scan.header(), List.of(), scan.candidates()),
                new Scan("9.9", 0, scan.header(), List.of(), scan.candidates()))) {
            assertThat(cache().prepare(List.of(other), SETTINGS, CandidateSelection.all())
                            .builtScans())
                    .isEqualTo(1);
        }
        String text = Files.readString(scan.header());
        Files.writeString(scan.header(), text.replace("ElementSpacing = 0.8", "ElementSpacing = 0.81"));
        assertThat(prepare().builtScans()).isEqualTo(1);
        assertThat(Scans.files(folder).keySet()).containsAll(names);
    }

    @Test
    void keepsApartWhatAnotherReaderReads() throws Exception {
        PatchSet usual = prepare().patches();
        PreparedPatches prepared = cache().withReader("brighter", path -> {
                    Volume volume = MetaImage.read(path);
                    short[] values = volume.values().clone();
                    for (int i = 0; i < values.length; i++) {
                        values[i] += 100;
                    }
                    return Volume.wrap(volume.geometry(), values);
                })
                .prepare(scans, SETTINGS, CandidateSelection.all());

        assertThat(prepared.builtScans()).isEqualTo(4);
        assertThat(prepared.patches().digest()).isNotEqualTo(usual.digest());
        assertThat(prepare().patches().patch(0).values())
                .isEqualTo(usual.patch(0).values());
        assertThatThrownBy(() -> cache().withReader("", MetaImage::read))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("name of a reader must not be empty");
    }

    @Test
    void usesTheSameFilesForAnotherWindow() throws Exception {
        prepare();
        PreparedPatches prepared =
                cache().prepare(scans, SETTINGS.withWindow(new HuWindow(-1000, 1000)), CandidateSelection.all());
        assertThat(prepared.builtScans()).isZero();
        assertThat(prepared.patches().settings().window()).isEqualTo(new HuWindow(-1000, 1000));
    }

    @Test
    void noticesAVoxelThatChangedAndNotThatAFileWasTouched() throws Exception {
        Path voxels = directory.resolve("scans/1.2.3.2.raw");
        FileTime old = FileTime.from(Instant.now().minus(Duration.ofDays(3)));
        Files.setLastModifiedTime(voxels, old);
        prepare();
        Files.setLastModifiedTime(voxels, FileTime.from(Instant.now().minus(Duration.ofDays(2))));
        assertThat(prepare().builtScans()).isZero();

        byte[] bytes = Scans.read(voxels);
        bytes[5000]++;
        Files.write(voxels, bytes);
        assertThat(prepare().builtScans()).isEqualTo(1);
    }

    @Test
    void remembersDigestsOfFilesThatHaveSettled() throws Exception {
        Path voxels = directory.resolve("scans/1.2.3.2.raw");
        FileTime old = FileTime.from(Instant.now().minus(Duration.ofDays(3)));
        Files.setLastModifiedTime(voxels, old);
        prepare();
        // A change that leaves size and time as they were is the one that goes unseen: so the file was not read again.
        byte[] bytes = Scans.read(voxels);
        bytes[5000]++;
        Files.write(voxels, bytes);
        Files.setLastModifiedTime(voxels, old);
        assertThat(prepare().builtScans()).isZero();

        Path digests = folder.resolve("digests.txt");
        assertThat(Files.readString(digests)).contains("1.2.3.2.raw");
        Files.writeString(digests, Files.readString(digests).replace("1.2.3.2.raw", "1.2.3.9.raw"));
        // That line no longer has its checksum, and counts for nothing.
        assertThat(prepare().builtScans()).isEqualTo(1);
    }

    @Test
    void doesNotRememberDigestsOfFilesThatMayStillChange() throws Exception {
        Path voxels = directory.resolve("scans/1.2.3.2.raw");
        Files.setLastModifiedTime(voxels, FileTime.from(Instant.now().plus(Duration.ofHours(1))));
        prepare();

        Path digests = folder.resolve("digests.txt");
        assertThat(Files.exists(digests) ? Files.readString(digests) : "").doesNotContain("1.2.3.2.raw");
    }

    @Test
    void readsAFileOfAnotherSizeAnewThoughItsTimeIsTheSame() throws Exception {
        FileTime old = FileTime.from(Instant.now().minus(Duration.ofDays(3)));
        Path header = directory.resolve("scans/1.2.3.2.mhd");
        Files.setLastModifiedTime(header, old);
        prepare();
        Files.writeString(header, Files.readString(header).replace("Offset = -10", "Offset = -9.75"));
        Files.setLastModifiedTime(header, old);

        assertThat(prepare().builtScans()).isEqualTo(1);
    }

    @Test
    void makesADamagedFileAnewWhereverTheDamageIs() throws Exception {
        prepare();
        Map<String, String> whole = Scans.files(folder);
        Path path = folder.resolve(whole.keySet().iterator().next());
        byte[] bytes = Scans.read(path);
        for (int at : new int[] {0, 9, 13, 20, 50, 61, 66, 89, 95, 110, 130, bytes.length / 2, bytes.length - 1}) {
            byte[] damaged = bytes.clone();
            damaged[at] ^= 0x10;
            Files.write(path, damaged);
            PreparedPatches prepared = prepare();
            assertThat(prepared.repairedScans()).as("damage at %s", at).isEqualTo(1);
            assertThat(prepared.builtScans()).isEqualTo(1);
            assertThat(prepared.reusedScans()).isEqualTo(3);
            assertThat(Scans.files(folder)).isEqualTo(whole);
        }
        for (int length : new int[] {0, 7, 91, 200, bytes.length - 1, bytes.length + 1}) {
            Files.write(path, Arrays.copyOf(bytes, length));
            assertThat(prepare().repairedScans()).as("length %s", length).isEqualTo(1);
            assertThat(Scans.files(folder)).isEqualTo(whole);
        }
    }

    @Test
    void noticesDamageWhilePatchesAreRead() throws Exception {
        PatchSet patches = prepare().patches();
        Path path = Scans.all(folder).stream()
                .filter(file -> new String(Scans.read(file), StandardCharsets.ISO_8859_1).contains("1.2.3.3"))
                .findFirst()
                .orElseThrow();
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.seek(file.length() - 2);
            file.write(file.read() ^ 1);
        }
        int last = patches.size() - 1;
        assertThat(patches.patch(last - 1).shape()).isEqualTo(SETTINGS.shape());
        assertThatThrownBy(() -> patches.patch(last))
                .isInstanceOfSatisfying(
                        PatchCacheException.class, e -> assertThat(e.path()).isEqualTo(path))
                .hasMessageContaining("damaged since the patches were prepared");
        Files.delete(path);
        assertThatThrownBy(() -> patches.patch(last))
                .isInstanceOf(PatchCacheException.class)
                .hasMessageContaining(path.getFileName().toString());
    }

    @Test
    void doesNotTellOthersWhereASiteKeepsItsPatches() throws Exception {
        PatchSet patches = prepare().patches();
        for (Path file : Scans.all(folder)) {
            Files.delete(file);
        }

        assertThatThrownBy(() -> patches.patch(0))
                .isInstanceOf(PatchCacheException.class)
                .satisfies(
                        failure -> assertThat(ClientOutcome.Failed.of(failure).reason())
                                .contains(".patches: cannot be read")
                                .doesNotContain(folder.toString()));
    }

    @Test
    void reportsScansThatFailAndPreparesTheOthers() throws Exception {
        Path raw = directory.resolve("scans/1.2.3.0.raw");
        Files.write(raw, Arrays.copyOf(Scans.read(raw), 1000));
        // Damage in the middle of what is compressed shows only as it is read.
        Path compressed = directory.resolve("scans/1.2.3.1.zraw");
        byte[] bytes = Scans.read(compressed);
        for (int i = bytes.length / 2; i < bytes.length / 2 + 200; i++) {
            bytes[i] ^= 0x55;
        }
        Files.write(compressed, bytes);
        Scan outside = new Scan(
                "out", 0, scans.get(3).header(), List.of(), List.of(new Candidate(new Point(500, 0, 60), true)));
        List<Scan> all = new ArrayList<>(scans);
        all.add(outside);
        all.add(new Scan("gone", 0, directory.resolve("gone.mhd"), List.of(), outside.candidates()));

        PreparedPatches prepared = cache().withThreads(2).prepare(all, SETTINGS, CandidateSelection.all());

        assertThat(prepared.failures())
                .extracting(ScanFailure::seriesUid)
                .containsExactly("1.2.3.0", "1.2.3.1", "out", "gone");
        assertThat(prepared.failures().get(0).cause()).isInstanceOf(VolumeException.class);
        assertThat(prepared.failures().get(1).cause()).isInstanceOf(VolumeException.class);
        assertThat(prepared.failures().get(2).message())
                .startsWith("scan out: ")
                .contains("1.2.3.3.mhd")
                .contains("(500.0, 0.0, 60.0)");
        assertThat(prepared.failures().get(3).message()).contains("gone.mhd");
        assertThat(prepared.patches().seriesUids()).containsExactly("1.2.3.2", "1.2.3.3");
        assertThat(Scans.all(folder)).noneMatch(path -> path.toString().endsWith(CacheFile.PART));
    }

    @Test
    void leavesOutNegativesBySeedAndCountsThem() throws Exception {
        CandidateSelection selection = new CandidateSelection(2, 7);
        PreparedPatches prepared = cache().prepare(scans, SETTINGS, selection);
        PatchSet patches = prepared.patches();
        PatchSet all = prepare().patches();

        assertThat(patches.noduleCount()).isEqualTo(all.noduleCount());
        assertThat(patches.size()).isEqualTo(all.noduleCount() + 2 * 4);
        assertThat(prepared.omittedNegatives()).isEqualTo(all.size() - patches.size());
        assertThat(new CandidateSelection(2, 7).choose(scans.get(3)))
                .isEqualTo(selection.choose(scans.get(3)))
                .isNotEqualTo(new CandidateSelection(2, 8).choose(scans.get(3)))
                .isSubsetOf(scans.get(3).candidates());
        assertThat(new CandidateSelection(0, 7).choose(scans.get(3))).allMatch(Candidate::isNodule);
        assertThat(selection).hasToString("negativesPerScan=2,seed=7");
        assertThatThrownBy(() -> new CandidateSelection(-1, 7)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void doesNotReadScansWithoutCandidates() throws Exception {
        Scan empty = new Scan("empty", 0, directory.resolve("not-there.mhd"), List.of(), List.of());
        PreparedPatches prepared = cache().prepare(List.of(empty), SETTINGS, CandidateSelection.all());
        assertThat(prepared.failures()).isEmpty();
        assertThat(prepared.patches().size()).isZero();
        assertThat(prepared.patches().seriesUids()).isEmpty();
    }

    @Test
    void tellsHowFarItIs() throws Exception {
        List<Integer> done = new ArrayList<>();
        cache().prepare(scans, SETTINGS, CandidateSelection.all(), (finished, total) -> {
            assertThat(total).isEqualTo(4);
            done.add(finished);
        });
        assertThat(done).containsExactly(1, 2, 3, 4);
        Set<Integer> inThreads = ConcurrentHashMap.newKeySet();
        cache().withThreads(3)
                .prepare(scans, SETTINGS, CandidateSelection.all(), (finished, total) -> inThreads.add(finished));
        assertThat(inThreads).containsExactlyInAnyOrder(1, 2, 3, 4);
    }

    @Test
    void holdsNoMoreScansThanFitTheBudget() throws Exception {
        long scanBytes = 32 * 30 * 20 * 2;
        AtomicInteger held = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        // The one scan that may be held is counted from before it is read to when the next one's turn is.
        PatchCache cache = cache().withThreads(4).withMemoryBytes(scanBytes + 1).withReader("test", path -> {
            most.accumulateAndGet(held.incrementAndGet(), Math::max);
            Volume volume = MetaImage.read(path);
            Thread.yield();
            held.decrementAndGet();
            return volume;
        });
        assertThat(cache.prepare(scans, SETTINGS, CandidateSelection.all()).builtScans())
                .isEqualTo(4);
        assertThat(most).hasValue(1);

        // Two fit here, and both must be there at the same time for either to go on.
        CyclicBarrier both = new CyclicBarrier(2);
        PatchCache wider = PatchCache.at(directory.resolve("wide"))
                .withThreads(4)
                .withMemoryBytes(2 * scanBytes)
                .withReader("test", path -> {
                    try {
                        both.await(30, TimeUnit.SECONDS);
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                    return MetaImage.read(path);
                });
        assertThat(wider.prepare(scans, SETTINGS, CandidateSelection.all()).failures())
                .isEmpty();

        // A scan that is larger than the budget is cut all the same.
        assertThat(PatchCache.at(directory.resolve("tiny"))
                        .withMemoryBytes(1)
                        .withThreads(2)
                        .prepare(scans, SETTINGS, CandidateSelection.all())
                        .builtScans())
                .isEqualTo(4);
    }

    /** Holds a worker until it is told to stop: were all done before, there would be nothing to interrupt any more. */
    private static void awaitInterruptUnless(Thread caller) {
        if (Thread.currentThread() != caller) {
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Test
    void stopsWhenInterruptedAndGoesOnLater() throws Exception {
        AtomicReference<Optional<Throwable>> thrown = new AtomicReference<>(Optional.empty());
        for (int threads : new int[] {1, 3}) {
            Path other = directory.resolve("interrupted-" + threads);
            Thread preparing = new Thread(() -> {
                Thread self = Thread.currentThread();
                try {
                    PatchCache.at(other)
                            .withThreads(threads)
                            .prepare(scans, SETTINGS, CandidateSelection.all(), (done, total) -> {
                                self.interrupt();
                                awaitInterruptUnless(self);
                            });
                } catch (Throwable e) {
                    thrown.set(Optional.of(e));
                }
            });
            preparing.start();
            preparing.join();
            assertThat(thrown.getAndSet(Optional.empty())).containsInstanceOf(InterruptedException.class);
            assertThat(Scans.all(other)).noneMatch(path -> path.toString().endsWith(CacheFile.PART));
            PreparedPatches prepared = PatchCache.at(other).prepare(scans, SETTINGS, CandidateSelection.all());
            assertThat(prepared.failures()).isEmpty();
            assertThat(prepared.repairedScans()).isZero();
        }
        prepare();
        assertThat(Scans.files(directory.resolve("interrupted-1"))).isEqualTo(Scans.files(folder));
    }

    @Test
    void saysThatTheFolderCannotBeUsed() throws Exception {
        Files.writeString(folder, "a file");
        assertThatThrownBy(this::prepare)
                .isInstanceOf(PatchCacheException.class)
                .hasMessageContaining(folder.toString())
                .hasMessageContaining("cannot be used for patches");
    }

    @Test
    void refusesTwoScansOfOneName() {
        assertThatThrownBy(
                        () -> cache().prepare(List.of(scans.get(1), scans.get(1)), SETTINGS, CandidateSelection.all()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("1.2.3.1");
        assertThatThrownBy(() -> cache().withThreads(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> cache().withMemoryBytes(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void deletesWhatADeadProcessLeftAndNotWhatALiveOneWrites() throws Exception {
        Files.createDirectories(folder);
        Path dead = folder.resolve("ab.patches.of-another.part");
        Files.writeString(dead, "half");
        AtomicInteger seen = new AtomicInteger();
        cache().withReader("test", path -> MetaImage.read(path))
                .prepare(scans, SETTINGS, CandidateSelection.all(), (done, total) -> {
                    try {
                        // What this process writes at the same time is left alone, by another cache of the same folder,
                        // too.
                        Path own = folder.resolve("cd.patches." + CacheFile.PROCESS + ".1.part");
                        Files.writeString(own, "being written");
                        CacheFile.deleteLeftovers(folder);
                        assertThat(own).exists();
                        Files.delete(own);
                        seen.incrementAndGet();
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                });
        assertThat(seen).hasValue(4);
        assertThat(dead).doesNotExist();
    }

    @Test
    void leavesWhatIsLockedInThisProcessByAnotherClassLoader() throws Exception {
        Files.createDirectories(folder);
        Path other = folder.resolve("ab.patches.of-another.part");
        try (RandomAccessFile file = new RandomAccessFile(other.toFile(), "rw");
                FileLock lock = file.getChannel().lock()) {
            assertThat(prepare().builtScans()).isEqualTo(4);
            assertThat(lock.isValid()).isTrue();
            assertThat(other).exists();
        }
    }

    @Test
    void isFilledByTwoAtATime() throws Exception {
        CyclicBarrier both = new CyclicBarrier(2);
        PatchCache cache = cache().withReader("test", path -> {
            try {
                both.await(30, TimeUnit.SECONDS);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
            return MetaImage.read(path);
        });
        // Each waits for the other before every scan, so that both cut the same one at the same time.
        FutureTask<PreparedPatches> other =
                new FutureTask<>(() -> cache.prepare(scans.subList(0, 1), SETTINGS, CandidateSelection.all()));
        new Thread(other).start();
        PreparedPatches prepared = cache.prepare(scans.subList(0, 1), SETTINGS, CandidateSelection.all());
        assertThat(prepared.failures()).isEmpty();
        assertThat(other.get(30, TimeUnit.SECONDS).patches().digest())
                .isEqualTo(prepared.patches().digest());
        assertThat(Scans.files(folder)).hasSize(1);
        assertThat(prepare().repairedScans()).isZero();
    }

    @Test
    void choosesPatchesByScan() throws Exception {
        PatchSet patches = prepare().patches();
        PatchSet some = patches.ofScans(List.of("1.2.3.3", "1.2.3.1", "unknown"));
        assertThat(some.seriesUids()).containsExactly("1.2.3.1", "1.2.3.3");
        assertThat(some.size()).isEqualTo(6 + 8);
        assertThat(some.patch(0).values()).isEqualTo(patches.patch(5).values());
        assertThat(some.candidate(6)).isEqualTo(patches.candidate(18));
        assertThat(some.digest()).isNotEqualTo(patches.digest());
        assertThat(patches.ofScans(List.of()).size()).isZero();
        assertThat(patches.ofScans(patches.seriesUids()).digest()).isEqualTo(patches.digest());
        assertThatThrownBy(() -> some.patch(14)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> some.isNodule(-1)).isInstanceOf(IndexOutOfBoundsException.class);
    }
}
