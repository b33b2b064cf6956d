package io.fedlearn.benchmarks;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.HuWindow;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.MetaImageReader;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.lung.LungFinder;
import io.fedlearn.luna16.resample.Resampler;
import io.fedlearn.luna16.resample.Workers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

/**
 * How long does it take to read a CT, resample it to 1 mm and bring it into a window, beside NumPy with SciPy, and both beside
 * copying the same bytes in memory?
 *
 * <p>In turn, in one run, on the same files: a generated scan of 512 x 512 x 300 voxels, or the one that is given, once uncompressed and once by
 * zlib, read out of the system's page cache. Python is a process of its own; it interpolates at the same places
 * ({@code affine_transform}, order 1), and is left out if it is not there. Stages apart, then all together, where ours
 * overlap.
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -Xmx3g -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.PreprocessingBenchmark [--threads N] [--turns N] [--ct FILE.mhd] [--python python3] [--samples FILE]
 * </pre>
 */
public final class PreprocessingBenchmark {
    private static final String COPY = "memory copy of the scan";
    private static final String READ = "read";
    private static final String INFLATE = "read, zlib";
    private static final String RESAMPLE = "resample to HU";
    private static final String FEATURES = "resample with window";
    private static final String TRILINEAR = "resample with window, trilinear";
    private static final String ALL_RAW = "all, uncompressed";
    private static final String ALL_ZLIB = "all, zlib";
    private static final String ALL_HU = "all, uncompressed, to HU";
    private static final String LUNGS = "lung mask of a scan in memory";
    private static final String PYTHON = "Python: ";
    private static final List<String> PYTHON_WORK =
            List.of("read", "inflate", "resample", "zoom", "window", "raw", "zlib");

    private PreprocessingBenchmark() {}

    /** Measures and prints a table. */
    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = new LinkedHashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            options.put(arguments[i], arguments[i + 1]);
        }
        Path folder = Files.createTempDirectory("preprocessing");
        try {
            measure(options, folder);
        } finally {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    private static void measure(Map<String, String> options, Path folder) throws Exception {
        int threads = Integer.parseInt(options.getOrDefault("--threads", "2"));
        int turns = Integer.parseInt(options.getOrDefault("--turns", "7"));
        Volume scan = options.containsKey("--ct") ? MetaImage.read(Path.of(options.getOrDefault("--ct", ""))) : made();
        Path raw = folder.resolve("raw.mhd");
        Path zlib = folder.resolve("zlib.mhd");
        MetaImage.write(raw, scan, MetaImage.Compression.NONE);
        MetaImage.write(zlib, scan, MetaImage.Compression.ZLIB);

        ExecutorService executor = Executors.newFixedThreadPool(threads);
        Workers workers = Workers.of(threads, executor);
        Resampler resampler = Resampler.toSpacing(1).withWorkers(workers);
        short[] copy = new short[scan.values().length];
        Map<String, Samples.Work> ways = new LinkedHashMap<>();
        ways.put(COPY, () -> System.arraycopy(scan.values(), 0, copy, 0, copy.length));
        ways.put(READ, () -> MetaImage.read(raw));
        ways.put(INFLATE, () -> MetaImage.read(zlib));
        ways.put(RESAMPLE, () -> resampler.resample(scan));
        ways.put(FEATURES, () -> resampler.features(scan, HuWindow.LUNG));
        ways.put(TRILINEAR, () -> resampler.withoutAveraging().features(scan, HuWindow.LUNG));
        ways.put(ALL_RAW, () -> features(resampler, raw));
        ways.put(ALL_ZLIB, () -> features(resampler, zlib));
        ways.put(ALL_HU, () -> {
            try (MetaImageReader reader = MetaImage.open(raw)) {
                resampler.resample(reader);
            }
        });
        if (options.containsKey("--ct")) {
            ways.put(LUNGS, () -> LungFinder.defaults().withWorkers(workers).find(scan));
        }
        ImageGeometry target = resampler.geometry(scan.geometry());
        Optional<PythonPeer> python = PythonPeer.start(
                options.getOrDefault("--python", "python3"),
                Path.of("benchmarks", "preprocessing_scipy.py"),
                raw,
                zlib,
                target.size().z() + "x" + target.size().y() + "x"
                        + target.size().x(),
                text(scan.geometry().toIndex(target.origin())),
                text(step(scan.geometry(), target)));
        try {
            python.ifPresent(peer -> {
                for (String work : PYTHON_WORK) {
                    ways.put(PYTHON + work, () -> peer.seconds(work));
                }
            });
            Samples samples = Samples.inTurn(ways, 2, turns);
            print(scan, target, threads, turns, samples, List.copyOf(ways.keySet()), python);
            if (options.containsKey("--samples")) {
                Files.writeString(
                        Path.of(options.getOrDefault("--samples", "")),
                        "{\"machine\": \"" + Machine.description() + "\", \"unit\": \"s\", \"threads\": " + threads
                                + ", \"samples\": " + samples.toJson() + "}\n");
            }
        } finally {
            python.ifPresent(PythonPeer::close);
            executor.shutdownNow();
        }
    }

    private static void features(Resampler resampler, Path file) {
        try (MetaImageReader reader = MetaImage.open(file)) {
            resampler.features(reader, HuWindow.LUNG);
        }
    }

    /** How many voxels of the scan there are to one of the target; for Python, which can do no other direction. */
    private static Point step(ImageGeometry scan, ImageGeometry target) {
        Point origin = scan.toIndex(target.origin());
        Point next = scan.toIndex(target.toWorld(1, 1, 1));
        return new Point(next.x() - origin.x(), next.y() - origin.y(), next.z() - origin.z());
    }

    private static String text(Point index) {
        return index.z() + "," + index.y() + "," + index.x();
    }

    /** A body with two lungs, with the noise of a scanner: what deflates about as well as a CT. */
    private static Volume made() throws IOException {
        GridSize size = new GridSize(512, 512, 300);
        short[] noise = new short[1 << 20];
        SeededRandom random = SeededRandom.of(1);
        for (int i = 0; i < noise.length; i++) {
            noise[i] = (short) Math.round(20 * random.nextGaussian());
        }
        short[] values = new short[(int) size.voxelCount()];
        int next = 0;
        for (int z = 0; z < size.z(); z++) {
            for (int y = 0; y < size.y(); y++) {
                for (int x = 0; x < size.x(); x++) {
                    double u = (x - 256) / 200.0;
                    double v = (y - 256) / 140.0;
                    boolean inBody = u * u + v * v < 1;
                    double w = (Math.abs(x - 256) - 95) / 75.0;
                    boolean inLung = w * w + v * v * 1.8 < 1 && z > 30 && z < 270;
                    int hu = inLung ? -860 : inBody ? 40 : -1000;
                    values[next] = (short) (inBody ? hu + noise[next * 7 & noise.length - 1] : hu);
                    next++;
                }
            }
        }
        return Volume.wrap(ImageGeometry.of(size, new Point(0.7, 0.7, 1.25), new Point(-180, -180, -200)), values);
    }

    private static void print(
            Volume scan,
            ImageGeometry target,
            int threads,
            int turns,
            Samples samples,
            List<String> ways,
            Optional<PythonPeer> python) {
        System.out.println(Machine.description() + "; " + threads + " threads; "
                + python.map(PythonPeer::version).orElse("no Python with NumPy and SciPy here"));
        System.out.println(scan.geometry().size() + " voxels of "
                + scan.geometry().spacing() + " mm to " + target.size() + " of 1 mm, medians of " + turns + " turns");
        System.out.println();
        System.out.println("| what | s | least s | memory copies |");
        System.out.println("|---|---|---|---|");
        for (String way : ways) {
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %.3f | %.3f | %.1f |%n",
                    way,
                    samples.median(way),
                    samples.least(way),
                    samples.ratio(way, COPY));
        }
        if (python.isPresent()) {
            System.out.println();
            for (String[] pair : new String[][] {
                {READ, "read"}, {INFLATE, "inflate"}, {RESAMPLE, "resample"}, {ALL_RAW, "raw"}, {ALL_ZLIB, "zlib"}
            }) {
                System.out.printf(
                        Locale.ROOT,
                        "%s: %.1f times as fast as Python%n",
                        pair[0],
                        samples.ratio(PYTHON + pair[1], pair[0]));
            }
        }
    }
}
