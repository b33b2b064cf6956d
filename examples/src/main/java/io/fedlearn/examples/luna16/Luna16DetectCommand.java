package io.fedlearn.examples.luna16;

import io.fedlearn.dl4j.Dl4jBackend;
import io.fedlearn.examples.console.ProgressBar;
import io.fedlearn.examples.console.ProgressStyle;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.luna16.dataset.CandidateList;
import io.fedlearn.luna16.detect.BlobFinder;
import io.fedlearn.luna16.detect.CandidateFinder;
import io.fedlearn.luna16.detect.Detection;
import io.fedlearn.luna16.detect.DetectionListener;
import io.fedlearn.luna16.detect.Findings;
import io.fedlearn.luna16.detect.NoduleDetector;
import io.fedlearn.luna16.detect.SlidingWindow;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.image.VolumeReaders;
import io.fedlearn.luna16.lung.LungException;
import io.fedlearn.luna16.lung.LungFinder;
import io.fedlearn.luna16.lung.LungMask;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.patch.PatchShape;
import io.fedlearn.luna16.resample.Workers;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn luna16-detect}: finds nodules in a CT with a network that luna16 trained. */
@Command(
        name = "luna16-detect",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "Finds lung nodules in a CT, with a network that luna16 trained.",
            "",
            Findings.NOTICE,
            "",
            "It finds the lungs and, in them, candidates: what is brighter than its surroundings and about as long as it is"
                    + " wide and high. The network says of each how probably it is a nodule. Candidates that are near each"
                    + " other become one finding.",
            ""
        },
        footerHeading = "%nFiles in --out:%n",
        footer = {
            "  " + Findings.SUBMISSION
                    + "    the findings as the LUNA16 challenge takes them; fedlearn froc scores them",
            "  " + Findings.JSON
                    + "     the same with size and settings, for programs; docs/luna16-detect.md describes it",
            "  finding-001.png   the most probable one in three planes, and so on",
            "",
            "Examples:",
            "  fedlearn luna16-detect --model runs/luna16/best.safetensors --ct chest.mhd",
            "  fedlearn luna16-detect --model runs/luna16/model.safetensors --ensemble 3 --flips --ct chest.nii.gz",
            "  fedlearn luna16-detect --model a/model.safetensors --model b/model.safetensors --ct chest.mhd \\",
            "                         --candidates candidates_V2.csv --least 0.1 --out findings",
            ""
        })
public final class Luna16DetectCommand implements Callable<Integer> {
    private static final int DEFAULT_PICTURES = 10;
    private static final int SHOWN = 20;
    private static final int NAMED = 5;

    /** Ways of finding candidates. */
    enum Search {
        BLOBS,
        WINDOW
    }

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--model",
            paramLabel = "FILE",
            required = true,
            description = "A run's model.safetensors or best.safetensors, or its " + Luna16Command.DL4J_MODEL
                    + ". Given several times, such as for hospitals' own models, probabilities are averaged. What else"
                    + " must be known is read from the run.json beside it.")
    private List<Path> models = List.of();

    @Option(
            names = "--ct",
            paramLabel = "FILE",
            required = true,
            description =
                    "The CT: .mhd, .mha, .nii, .nii.gz, or what else there is a reader for (fedlearn doctor lists them).")
    private Path ct = Path.of("");

    @Option(
            names = "--ensemble",
            paramLabel = "K",
            description =
                    "Average over the models of the last K rounds that --model's run kept (two, and the best, unless"
                            + " it was told to keep more).")
    private Optional<Integer> ensemble = Optional.empty();

    @Option(
            names = "--flips",
            description = "Average over eight mirror images of each patch; takes eight times as long.")
    private boolean flips;

    @Option(
            names = "--candidates",
            paramLabel = "FILE",
            description = "Where to look: a CSV with seriesuid, coordX, coordY and coordZ in millimetres, such as the"
                    + " challenge's candidates_V2.csv; the rows of --series count.")
    private Optional<Path> candidates = Optional.empty();

    @Option(
            names = "--series",
            paramLabel = "UID",
            description = "What the CT is called in lists (default: its file's name without .mhd and the like).")
    private Optional<String> series = Optional.empty();

    @Option(
            names = "--search",
            paramLabel = "WAY",
            description = "How candidates are found without --candidates: blobs, or window, which looks everywhere and"
                    + " takes some twenty times as long (default: ${DEFAULT-VALUE}).")
    private Search search = Search.BLOBS;

    @Option(
            names = "--least-response",
            paramLabel = "HU",
            description =
                    "How much brighter than its surroundings a blob is, about, at least; less finds hazier nodules and"
                            + " more else (default: ${DEFAULT-VALUE}).")
    private double leastResponse = BlobFinder.DEFAULT_RESPONSE;

    @Option(
            names = "--most-candidates",
            paramLabel = "N",
            description = "How many blobs are looked at, at most (default: ${DEFAULT-VALUE}).")
    private int mostCandidates = BlobFinder.DEFAULT_MOST;

    @Option(
            names = "--lungs",
            paramLabel = "FILE",
            description = "The lungs, as a MetaImage with 3 and 4 where they are, such as those of seg-lungs-LUNA16"
                    + " (default: found in the CT).")
    private Optional<Path> lungs = Optional.empty();

    @Option(
            names = "--merge",
            paramLabel = "MM",
            description = "How near candidates are to each other that become one finding (default: ${DEFAULT-VALUE}).")
    private double merge = NoduleDetector.DEFAULT_MERGE_RADIUS;

    @Option(
            names = "--least",
            paramLabel = "P",
            description = "The probability from which on a candidate counts (default: ${DEFAULT-VALUE}).")
    private double least = NoduleDetector.DEFAULT_LEAST_PROBABILITY;

    @Option(names = "--most", paramLabel = "N", description = "The most findings (default: ${DEFAULT-VALUE}).")
    private int most = NoduleDetector.DEFAULT_MOST_FINDINGS;

    @Option(
            names = "--patch",
            paramLabel = "ZxYxX",
            converter = Extent.class,
            description = "Voxels of the network's patches, if there is no run.json beside --model.")
    private Optional<PatchShape> patch = Optional.empty();

    @Option(
            names = "--spacing",
            paramLabel = "ZxYxX",
            description = "Millimetres between them, if there is no run.json beside --model.")
    private Optional<String> spacing = Optional.empty();

    @Option(
            names = "--channels",
            paramLabel = "N,N,...",
            split = ",",
            description = "The network's channels, if there is no run.json beside --model (default: 8,16,32,64).")
    private List<Integer> channels = LunaNet.DEFAULT_CHANNELS;

    @Option(
            names = "--normalization",
            paramLabel = "WAY",
            description = "What follows the network's convolutions, if there is no run.json beside --model: none or"
                    + " batch (default: ${DEFAULT-VALUE}).")
    private String normalization = "none";

    @Option(
            names = "--batch",
            paramLabel = "N",
            description = "How many patches are scored at a time (default: ${DEFAULT-VALUE}).")
    private int batch = NoduleDetector.DEFAULT_BATCH;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "How many threads work; findings are the same (default: as many as there are processors).")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(
            names = "--pictures",
            paramLabel = "N",
            description = "Of how many findings there are pictures (default: ${DEFAULT-VALUE}).")
    private int pictures = DEFAULT_PICTURES;

    @Option(
            names = "--progress",
            paramLabel = "WAY",
            description = "How progress is shown: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private ProgressStyle progress = ProgressStyle.AUTO;

    @Option(names = "--out", paramLabel = "DIR", description = "Where files are written (default: ${DEFAULT-VALUE}).")
    private Path out = Path.of("findings");

    Luna16DetectCommand() {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        check();
        DetectionModels detectionModels = DetectionModels.read(models, ensemble, given());
        List<Path> files = detectionModels.files();
        String seriesUid = series.orElseGet(this::seriesOfFile);
        Optional<List<Point>> places = candidates.map(file -> places(file, seriesUid));
        PrintWriter console = spec.commandLine().getOut();
        Dl4jBackend.useThreads(1);
        ExecutorService executor = Executors.newFixedThreadPool(Math.max(1, threads - 1), task -> {
            Thread thread = new Thread(task, "luna16-detect");
            thread.setDaemon(true);
            return thread;
        });
        try (Stages stages = new Stages(console)) {
            Workers workers = Workers.of(threads, executor);
            NoduleDetector detector = detector(detectionModels, workers, stages);
            stages.begin("Reading the CT");
            Volume scan = VolumeReaders.installed().read(ct);
            stages.end();
            List<Detection> detections = detect(detector, scan, places, stages, workers);
            stages.finish();
            stages.begin("Writing");
            Findings findings =
                    Findings.of(seriesUid, scan.geometry(), detections).withSettings(settings(detectionModels, places));
            write(findings, scan);
            stages.end();
            print(console, files, scan, detections);
        } finally {
            executor.shutdownNow();
        }
        return 0;
    }

    private void check() {
        if (!Files.isRegularFile(ct)) {
            throw new InputException("--ct " + ct + " is not a file");
        }
        if (Files.exists(out) && !Files.isDirectory(out)) {
            throw new InputException("--out " + out + " is not a folder");
        }
        if (threads < 1 || threads > 1024) {
            throw new InputException("--threads must be from 1 to 1024, was " + threads);
        }
        if (pictures < 0) {
            throw new InputException("--pictures must be >= 0, was " + pictures);
        }
        if (candidates.isPresent() && (lungs.isPresent() || search != Search.BLOBS)) {
            throw new InputException("--lungs and --search are to find candidates, and --candidates gives them");
        }
        if (channels.isEmpty()) {
            throw new InputException("--channels must not be empty");
        }
    }

    private Optional<NetworkSettings> given() {
        if (patch.isEmpty() && spacing.isEmpty()) {
            return Optional.empty();
        }
        if (patch.isEmpty() || spacing.isEmpty()) {
            throw new InputException("--patch and --spacing go together");
        }
        try {
            return Optional.of(NetworkSettings.of(
                    patch.get(), spacing.get(), channels, NetworkSettings.normalization(normalization)));
        } catch (IllegalArgumentException e) {
            throw new InputException("--patch, --spacing, --channels or --normalization: " + e.getMessage(), e);
        }
    }

    private static List<Point> places(Path file, String seriesUid) {
        List<Point> places = CandidateList.read(file, seriesUid);
        if (places.isEmpty()) {
            throw new InputException("--candidates " + file + " has no row of series '" + seriesUid
                    + "': --series says what the CT is called there");
        }
        return places;
    }

    private String seriesOfFile() {
        String name = String.valueOf(ct.getFileName());
        String bare = name.toLowerCase(Locale.ROOT).endsWith(".gz") ? name.substring(0, name.length() - 3) : name;
        int dot = bare.lastIndexOf('.');
        return dot > 0 ? bare.substring(0, dot) : bare;
    }

    private CandidateFinder finder() {
        return search == Search.WINDOW
                ? SlidingWindow.defaults()
                : BlobFinder.defaults().withLeastResponse(leastResponse).withMost(mostCandidates);
    }

    private NoduleDetector detector(DetectionModels detectionModels, Workers workers, DetectionListener listener) {
        try {
            NetworkSettings network = detectionModels.settings();
            return NoduleDetector.builder(network.network(), network.patches())
                    .models(detectionModels.models())
                    .flips(flips)
                    .candidates(finder())
                    .batch(batch)
                    .mergeRadius(merge)
                    .leastProbability(least)
                    .mostFindings(most)
                    .workers(workers)
                    .listener(listener)
                    .build();
        } catch (IllegalArgumentException e) {
            throw new InputException("the detector cannot be set up like that: " + e.getMessage(), e);
        }
    }

    private List<Detection> detect(
            NoduleDetector detector, Volume scan, Optional<List<Point>> places, Stages stages, Workers workers)
            throws InterruptedException {
        if (places.isPresent()) {
            return detector.detect(scan, places.get());
        }
        LungMask mask;
        stages.begin("Finding the lungs");
        try {
            mask = lungs.isPresent()
                    ? LungMask.read(lungs.get(), scan.geometry())
                    : LungFinder.defaults().withWorkers(workers).find(scan);
        } catch (LungException e) {
            throw new InputException("no lungs found in " + lungs.orElse(ct) + ": " + e.getMessage(), e);
        }
        stages.end();
        return detector.detect(scan, mask);
    }

    private Map<String, String> settings(DetectionModels detectionModels, Optional<List<Point>> places) {
        Map<String, String> settings = new TreeMap<>();
        settings.put("network", detectionModels.settings().network().toString());
        settings.put(
                "patches", detectionModels.settings().patches().withMargin(0).toString());
        for (int i = 0; i < detectionModels.files().size(); i++) {
            settings.put("model." + (i + 1), detectionModels.models().get(i).digest());
        }
        settings.put("flips", Boolean.toString(flips));
        settings.put("candidates", places.isPresent() ? "given" : finder().toString());
        settings.put("mergeMillimetres", Double.toString(merge));
        settings.put("leastProbability", Double.toString(least));
        settings.put("mostFindings", Integer.toString(most));
        return settings;
    }

    private void write(Findings findings, Volume scan) {
        try {
            findings.write(out, scan, pictures);
        } catch (IOException e) {
            throw InputException.of("--out " + out + " cannot be written", e);
        }
    }

    private void print(PrintWriter console, List<Path> files, Volume scan, List<Detection> detections) {
        console.println();
        if (files.size() > 1) {
            console.println("Mean of " + files.size() + " models:");
            files.forEach(file -> console.println("  " + file));
            console.println();
        }
        if (detections.isEmpty()) {
            console.println("No finding of probability " + least + " or more.");
        } else {
            Grid grid = Grid.of("finding", "probability", "mm across", "x", "y", "z (mm)", "slice", "candidates");
            for (int i = 0; i < Math.min(SHOWN, detections.size()); i++) {
                Detection detection = detections.get(i);
                Point center = detection.center();
                grid = grid.with(
                        Integer.toString(i + 1),
                        number("%.3f", detection.probability()),
                        detection.diameterMillimetres().isPresent()
                                ? number("%.1f", detection.diameterMillimetres().getAsDouble())
                                : "-",
                        number("%.1f", center.x()),
                        number("%.1f", center.y()),
                        number("%.1f", center.z()),
                        Long.toString(Math.round(scan.geometry().toIndex(center).z()) + 1),
                        Integer.toString(detection.candidates()));
            }
            grid.toLines().forEach(console::println);
            if (detections.size() > SHOWN) {
                console.println("... and " + (detections.size() - SHOWN) + " more, in " + Findings.SUBMISSION);
            }
        }
        console.println();
        console.println("List:     " + out.resolve(Findings.SUBMISSION));
        console.println("JSON:     " + out.resolve(Findings.JSON));
        if (pictures > 0 && !detections.isEmpty()) {
            console.println("Pictures: " + out.resolve("finding-001.png") + " ...");
        }
        console.println(Findings.NOTICE);
        console.flush();
    }

    private static String number(String format, double value) {
        return String.format(Locale.ROOT, format, value);
    }

    /** Shows one stage after the other, and says what came of each. */
    private final class Stages implements DetectionListener, AutoCloseable {
        private final PrintWriter console;
        // Set before threads are at work, and after.
        private Optional<ProgressBar> bar = Optional.empty();

        Stages(PrintWriter console) {
            this.console = console;
        }

        void begin(String work) {
            bar = Optional.of(ProgressBar.start(console, progress, work));
            bar.get().update(0, 1);
        }

        void end() {
            bar.ifPresent(shown -> shown.update(1, 1));
            finish();
        }

        void finish() {
            bar.ifPresent(ProgressBar::close);
            bar = Optional.empty();
        }

        @Override
        public void lungsFound(LungMask mask) {
            console.println("  " + mask);
            mask.warnings().forEach(warning -> console.println("Note: " + warning));
            begin("Looking for candidates");
        }

        @Override
        public void candidatesFound(int count, List<Point> outside) {
            end();
            if (!outside.isEmpty()) {
                console.println("Note: candidates outside the CT, which are left out: " + outside.size());
                outside.stream().limit(NAMED).forEach(place -> console.println("  " + place));
                if (outside.size() > NAMED) {
                    console.println("  and " + (outside.size() - NAMED) + " more");
                }
            }
            if (count == 0) {
                console.println("Note: there is no candidate in the CT");
                return;
            }
            bar = Optional.of(ProgressBar.start(console, progress, "Scoring candidates"));
            bar.get().update(0, count);
        }

        @Override
        public void candidatesScored(int done, int total) {
            bar.ifPresent(shown -> shown.update(done, total));
        }

        @Override
        public void close() {
            finish();
        }
    }
}
