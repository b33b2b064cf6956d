package io.fedlearn.luna16.phantom;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.json.CanonicalJson;
import io.fedlearn.luna16.dataset.Candidate;
import io.fedlearn.luna16.dataset.Nodule;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A data set in the layout of LUNA16 that is made, not taken: chests that nobody has, or parts of one real CT, with
 * nodules and with what is mistaken for nodules.
 *
 * <p><b>Folder.</b> {@code subset0} to {@code subset9} with an {@code .mhd} and a {@code .raw} for each scan,
 * {@code annotations.csv}, {@code candidates_V2.csv}, {@code seriesuids.csv}; besides, {@value #SITES} (columns
 * {@code seriesuid,site}), a {@code README.txt} and {@value #MARKER}, which both say that the scans are generated.
 *
 * <p><b>Content.</b> A nodule has 4 to 20 mm and is as long as wide as high, within a third: solid, hazy or both, free
 * in the lung, at the pleura or at a vessel. The other candidates are vessels, forks, crossings, scars, plaques and
 * such, as thick and as bright, but long, flat or branching. So the shape in three dimensions tells them apart, which
 * intensity and blob filters do not ({@link DifficultyFloors} measures that). Hospitals differ in noise, reconstruction
 * kernel, spacing, offset, orientation and in their mix of nodules.
 *
 * <p><b>Promises.</b> The same settings give the same bytes, whatever the number of threads. A data set that was begun
 * is completed by {@link #write} with the same settings; scans that are there are left alone. Files appear whole. Memory:
 * one scan for each thread, about 50 MB.
 *
 * <p>Immutable. One process at a time may write a folder.
 */
public final class PhantomDataset {
    /** How many scans there are unless said otherwise: {@value}. */
    public static final int DEFAULT_SCANS = 80;
    /** How many hospitals there are unless said otherwise: {@value}. */
    public static final int DEFAULT_HOSPITALS = 4;
    /** The most hospitals: {@value}. */
    public static final int MAX_HOSPITALS = 20;
    /** The most scans: {@value}. */
    public static final int MAX_SCANS = 10_000;
    /** The file that says which hospital has which scan: {@value}. */
    public static final String SITES = "sites.csv";
    /** The file that says that the folder's scans are generated, and by which settings: {@value}. */
    public static final String MARKER = "phantom.json";

    private static final int SUBSETS = 10;
    /** To be raised with every change that gives other scans for the same settings. */
    private static final int GENERATOR = 1;

    private static final String README = String.join(
            "\n",
            "GENERATED SCANS - NOT PATIENTS",
            "",
            "FedLearn made the scans in this folder: the nodules in them, and most or all of the rest, are invented.",
            "They resemble the LUNA16 challenge's data in layout only. Use them to try the software, never to draw a",
            "conclusion about patients. phantom.json has the settings; the same settings give the same files again.",
            "");

    private final Path folder;
    private final int scans;
    private final int hospitals;
    private final long seed;
    private final Optional<Background> background;
    private final int threads;

    private PhantomDataset(Builder builder) {
        this.folder = builder.folder;
        this.scans = builder.scans;
        this.hospitals = builder.hospitals;
        this.seed = builder.seed;
        this.background = builder.background.map(Background::of);
        this.threads = builder.threads;
    }

    /** Starts to describe a data set in this folder, which is made if it does not exist. */
    public static Builder builder(Path folder) {
        return new Builder(folder);
    }

    /** What a generated data set is made from. Confined to one thread at a time. */
    public static final class Builder {
        private final Path folder;
        private int scans = DEFAULT_SCANS;
        private int hospitals = DEFAULT_HOSPITALS;
        private long seed;
        private Optional<Volume> background = Optional.empty();
        private int threads = Runtime.getRuntime().availableProcessors();

        private Builder(Path folder) {
            this.folder = folder;
        }

        /** How many scans ({@value #DEFAULT_SCANS}), from the number of hospitals to {@value #MAX_SCANS}. */
        public Builder scans(int scans) {
            this.scans = scans;
            return this;
        }

        /** How many hospitals share them ({@value #DEFAULT_HOSPITALS}), from 1 to {@value #MAX_HOSPITALS}. */
        public Builder hospitals(int hospitals) {
            this.hospitals = hospitals;
            return this;
        }

        /** Where all randomness starts (0). */
        public Builder seed(long seed) {
            this.seed = seed;
            return this;
        }

        /** A real chest CT to put the findings into, rather than phantoms. */
        public Builder background(Volume background) {
            this.background = Optional.of(background);
            return this;
        }

        /** How many scans are made at a time (as many as there are processors); no influence on what they are. */
        public Builder threads(int threads) {
            this.threads = threads;
            return this;
        }

        /**
         * The data set, not written yet.
         *
         * @throws IllegalArgumentException if a setting is out of range, or the background does not show lungs
         */
        public PhantomDataset build() {
            check("hospitals", hospitals, 1, MAX_HOSPITALS);
            check("scans", scans, hospitals, MAX_SCANS);
            check("threads", threads, 1, 1024);
            return new PhantomDataset(this);
        }

        private static void check(String name, int value, int least, int most) {
            if (value < least || value > most) {
                throw new IllegalArgumentException(name + " must be from " + least + " to " + most + ", was " + value);
            }
        }
    }

    /** Which scan lies where. */
    record Entry(String uid, int subset, int hospital, long seed) {}

    private record Written(int number, List<Nodule> nodules, List<Candidate> candidates) {}

    /**
     * Writes what is missing of the data set.
     *
     * @return what each hospital has
     * @throws PhantomException if the folder holds something else or cannot be written
     * @throws InterruptedException if the thread is interrupted; scans that are done stay
     */
    public List<GeneratedHospital> write(PhantomProgress progress) throws InterruptedException {
        try {
            claimFolder();
            List<Entry> entries = entries();
            List<Written> written = writeScans(entries, progress);
            writeLists(entries, written);
            return summary(entries, written);
        } catch (IOException e) {
            throw new PhantomException(folder, "cannot be written: " + e, e);
        }
    }

    /** The settings, as the marker has them. */
    private Map<String, Object> settings() {
        Map<String, Object> settings = new TreeMap<>();
        settings.put("background", background.map(real -> digest(real.volume())).orElse("none"));
        settings.put("generator", GENERATOR);
        settings.put("hospitals", hospitals);
        settings.put("scans", scans);
        settings.put("seed", Long.toString(seed));
        settings.put(
                "what", "GENERATED by FedLearn in the layout of LUNA16: nodules that no patient has; not medical data");
        return settings;
    }

    /** What tells one background from another. */
    private static String digest(Volume volume) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            ImageGeometry geometry = volume.geometry();
            ByteBuffer spacing = ByteBuffer.allocate(3 * Double.BYTES + 3 * Integer.BYTES);
            spacing.putDouble(geometry.spacing().x());
            spacing.putDouble(geometry.spacing().y());
            spacing.putDouble(geometry.spacing().z());
            spacing.putInt(geometry.size().x());
            spacing.putInt(geometry.size().y());
            spacing.putInt(geometry.size().z());
            digest.update(spacing.array());
            short[] values = volume.values();
            byte[] bytes = new byte[1 << 16];
            int used = 0;
            for (short value : values) {
                bytes[used++] = (byte) value;
                bytes[used++] = (byte) (value >> 8);
                if (used == bytes.length) {
                    digest.update(bytes);
                    used = 0;
                }
            }
            digest.update(bytes, 0, used);
            return "sha256:" + HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }

    private void claimFolder() throws IOException {
        Path file = folder.resolve(MARKER);
        byte[] marker = CanonicalJson.encode(settings());
        if (Files.exists(file)) {
            byte[] present = Files.readAllBytes(file);
            if (!Arrays.equals(present, marker)) {
                throw new PhantomException(PhantomException.Problem.OTHER_SETTINGS, folder, difference(present));
            }
            removeLeftovers();
            return;
        }
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
                for (Path present : files) {
                    if (!isLeftover(present)) {
                        throw new PhantomException(
                                PhantomException.Problem.OTHER_CONTENT,
                                folder,
                                "must be empty, a new folder or a generated data set, but holds "
                                        + present.getFileName() + " and no " + MARKER);
                    }
                }
            }
        }
        Files.createDirectories(folder);
        replace(file, new String(marker, StandardCharsets.UTF_8));
    }

    /** Which settings of another data set are not those of this one. */
    private String difference(byte[] present) {
        String others;
        try {
            others = CanonicalJson.parse(present, MARKER) instanceof Map<?, ?> other
                    ? settings().entrySet().stream()
                            .filter(setting -> !same(setting.getValue(), other.get(setting.getKey())))
                            .map(setting -> setting.getKey() + " " + other.get(setting.getKey()) + " (wanted: "
                                    + setting.getValue() + ")")
                            .collect(Collectors.joining(", "))
                    : "unreadable";
        } catch (FormatException e) {
            others = "unreadable";
        }
        return "holds a generated data set of other settings: " + others
                + "; pass the same, or another folder, or delete this one";
    }

    private static boolean same(Object a, @Nullable Object b) {
        // Numbers may be read as another type than they were written.
        return a.toString().equals(String.valueOf(b));
    }

    private static boolean isLeftover(Path file) {
        return String.valueOf(file.getFileName()).endsWith(".part");
    }

    /** What a process that was killed had not renamed yet. */
    private void removeLeftovers() throws IOException {
        List<Path> folders = new ArrayList<>(List.of(folder));
        for (int i = 0; i < SUBSETS; i++) {
            folders.add(subset(i));
        }
        for (Path place : folders) {
            if (Files.isDirectory(place)) {
                try (DirectoryStream<Path> files = Files.newDirectoryStream(place)) {
                    for (Path file : files) {
                        if (isLeftover(file)) {
                            Files.deleteIfExists(file);
                        }
                    }
                }
            }
        }
    }

    private Path subset(int number) {
        return folder.resolve("subset" + number);
    }

    /** Which scan lies where: a hospital's scans go to one subset after the other, so that each subset has of all. */
    List<Entry> entries() {
        double[] due = new double[hospitals];
        int[] count = new int[hospitals];
        double sum = 0;
        for (int i = 0; i < hospitals; i++) {
            sum += HospitalProfile.of(i).share();
        }
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < scans; i++) {
            int next = 0;
            for (int j = 0; j < hospitals; j++) {
                due[j] += HospitalProfile.of(j).share() / sum;
                // Everyone gets one before anyone gets a second one.
                double claim = i < hospitals ? (count[j] == 0 ? 1 : 0) : due[j];
                double best = i < hospitals ? (count[next] == 0 ? 1 : 0) : due[next];
                next = claim > best ? j : next;
            }
            due[next]--;
            long own = SeededRandom.derive(SeededRandom.derive(seed, "phantom"), i);
            int subset = (count[next] + next * SUBSETS / hospitals) % SUBSETS;
            count[next]++;
            entries.add(new Entry(uid(own), subset, next, own));
        }
        return entries;
    }

    /** A unique identifier of the kind that needs no registration: 2.25. and a random UUID as a whole number. */
    private static String uid(long seed) {
        SeededRandom random = SeededRandom.of(SeededRandom.derive(seed, "uid"));
        byte[] bytes = ByteBuffer.allocate(2 * Long.BYTES)
                .putLong(random.nextLong() & ~0xf000L | 0x4000L)
                .putLong(random.nextLong() & ~(3L << 62) | 1L << 63)
                .array();
        return "2.25." + new BigInteger(1, bytes);
    }

    private List<Written> writeScans(List<Entry> entries, PhantomProgress progress)
            throws IOException, InterruptedException {
        for (int i = 0; i < SUBSETS; i++) {
            Files.createDirectories(subset(i));
        }
        List<Written> written = new ArrayList<>();
        ExecutorService executor = Executors.newFixedThreadPool(threads, task -> {
            Thread thread = new Thread(task, "fedlearn-phantom");
            thread.setDaemon(true);
            return thread;
        });
        try {
            ExecutorCompletionService<Written> done = new ExecutorCompletionService<>(executor);
            for (int i = 0; i < entries.size(); i++) {
                int number = i;
                done.submit(() -> writeScan(number, entries.get(number)));
            }
            for (int i = 0; i < entries.size(); i++) {
                written.add(done.take().get());
                progress.scanWritten(i + 1, entries.size());
            }
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            if (cause instanceof IOException failure) {
                throw failure;
            }
            if (cause instanceof RuntimeException failure) {
                throw failure;
            }
            if (cause instanceof Error failure) {
                throw failure;
            }
            throw new IllegalStateException("a scan failed for no reason that is known", cause);
        } finally {
            executor.shutdownNow();
            // What is being written is finished or removed before anybody looks.
            awaitEnd(executor);
        }
        written.sort((a, b) -> Integer.compare(a.number(), b.number()));
        return written;
    }

    private static void awaitEnd(ExecutorService executor) {
        boolean isInterrupted = false;
        while (!executor.isTerminated()) {
            try {
                executor.awaitTermination(1, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                isInterrupted = true;
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private Written writeScan(int number, Entry entry) throws IOException {
        GeneratedScan scan = new GeneratedScan(HospitalProfile.of(entry.hospital()), background, entry.seed());
        Path header = subset(entry.subset()).resolve(entry.uid() + ".mhd");
        Path voxels = subset(entry.subset()).resolve(entry.uid() + ".raw");
        long size = scan.chest().size().voxelCount() * Short.BYTES;
        // The header is the last to appear.
        boolean isThere = Files.exists(header) && Files.exists(voxels) && Files.size(voxels) == size;
        if (!isThere) {
            MetaImage.write(header, scan.volume(), MetaImage.Compression.NONE);
        }
        return new Written(number, scan.nodules(), scan.candidates());
    }

    private void writeLists(List<Entry> entries, List<Written> written) throws IOException {
        StringBuilder annotations = new StringBuilder("seriesuid,coordX,coordY,coordZ,diameter_mm\n");
        StringBuilder candidates = new StringBuilder("seriesuid,coordX,coordY,coordZ,class\n");
        StringBuilder sites = new StringBuilder("seriesuid,site\n");
        StringBuilder series = new StringBuilder();
        for (int i = 0; i < entries.size(); i++) {
            Entry entry = entries.get(i);
            for (Nodule nodule : written.get(i).nodules()) {
                annotations.append(row(entry, nodule.center(), GeneratedScan.text(nodule.diameterMillimetres())));
            }
            for (Candidate candidate : written.get(i).candidates()) {
                candidates.append(row(entry, candidate.center(), candidate.isNodule() ? "1" : "0"));
            }
            String site = HospitalProfile.of(entry.hospital()).name();
            sites.append(entry.uid()).append(',').append(site).append('\n');
            series.append(entry.uid()).append('\n');
        }
        replace(folder.resolve("README.txt"), README);
        replace(folder.resolve(SITES), sites.toString());
        replace(folder.resolve("annotations.csv"), annotations.toString());
        replace(folder.resolve("candidates_V2.csv"), candidates.toString());
        replace(folder.resolve("seriesuids.csv"), series.toString());
    }

    private static String row(Entry entry, Point center, String last) {
        return entry.uid() + "," + GeneratedScan.text(center.x()) + "," + GeneratedScan.text(center.y()) + ","
                + GeneratedScan.text(center.z()) + "," + last + "\n";
    }

    private static void replace(Path file, String text) throws IOException {
        Path aside = file.resolveSibling(file.getFileName() + ".part");
        Files.writeString(aside, text, StandardCharsets.UTF_8);
        Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private List<GeneratedHospital> summary(List<Entry> entries, List<Written> written) {
        List<GeneratedHospital> summary = new ArrayList<>();
        for (int hospital = 0; hospital < hospitals; hospital++) {
            int own = 0;
            int nodules = 0;
            int positives = 0;
            int all = 0;
            for (int i = 0; i < entries.size(); i++) {
                if (entries.get(i).hospital() == hospital) {
                    own++;
                    nodules += written.get(i).nodules().size();
                    positives += (int) written.get(i).candidates().stream()
                            .filter(Candidate::isNodule)
                            .count();
                    all += written.get(i).candidates().size();
                }
            }
            HospitalProfile profile = HospitalProfile.of(hospital);
            summary.add(
                    new GeneratedHospital(profile.name(), own, nodules, positives, all - positives, profile.scanner()));
        }
        return summary;
    }
}
