package io.fedlearn.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.dataset.Mark;
import io.fedlearn.luna16.dataset.ReferenceStandard;
import io.fedlearn.luna16.dataset.Submission;
import io.fedlearn.luna16.froc.Froc;
import io.fedlearn.luna16.froc.FrocBand;
import io.fedlearn.luna16.froc.FrocResult;
import io.fedlearn.luna16.image.Point;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * How long does the score of a full submission take, as a whole process and as a call, beside the same rules in NumPy, and how far are
 * the figures apart?
 *
 * <p>50,000 marks on 888 scans with 1,186 nodules and 35,192 excluded findings, made from a seed, or files that are given; without
 * bootstrap and with 1,000 samples. Processes are {@code ./fedlearn froc} and {@code benchmarks/numpy_froc.py}, in turn:
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" io.fedlearn.benchmarks.FrocBenchmark \
 *       [turns [python3 [annotations excluded seriesuids submission [file for the samples]]]]
 * </pre>
 */
public final class FrocBenchmark {
    private static final int SCANS = 888;
    private static final int NODULES = 1_186;
    private static final int EXCLUDED = 35_192;
    private static final int MARKS = 50_000;
    private static final int BOOTSTRAPS = 1_000;
    private static final long SEED = 7;

    private FrocBenchmark() {}

    /** The lists of a score. */
    private record Lists(Path annotations, Path excluded, Path series, Path submission) {
        ReferenceStandard reference() {
            return ReferenceStandard.read(annotations, excluded, series);
        }

        FrocResult score(int bootstraps) {
            return Froc.builder()
                    .bootstraps(bootstraps)
                    .seed(SEED)
                    .build()
                    .score(reference(), Submission.read(submission));
        }

        void runOurs(int bootstraps) {
            run(List.of(
                    "./fedlearn",
                    "froc",
                    "--annotations",
                    annotations.toString(),
                    "--excluded",
                    excluded.toString(),
                    "--seriesuids",
                    series.toString(),
                    "--submission",
                    submission.toString(),
                    "--bootstrap",
                    Integer.toString(bootstraps),
                    "--seed",
                    Long.toString(SEED)));
        }

        String runNumpy(String interpreter, int bootstraps) {
            return run(List.of(
                    interpreter,
                    Path.of("benchmarks", "numpy_froc.py").toString(),
                    annotations.toString(),
                    excluded.toString(),
                    series.toString(),
                    submission.toString(),
                    Integer.toString(bootstraps),
                    Long.toString(SEED)));
        }

        private static String run(List<String> command) {
            StringBuilder out = new StringBuilder();
            try (ChildProgram process = ChildProgram.start(command)) {
                process.forEachLine(line -> out.append(line).append('\n'));
            }
            return out.toString();
        }
    }

    /** Measures and prints a table. */
    public static void main(String[] arguments) throws Exception {
        int turns = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 5;
        String interpreter = arguments.length > 1 ? arguments[1] : "python3";
        Path folder = Files.createTempDirectory("froc");
        Lists lists = arguments.length > 5
                ? new Lists(Path.of(arguments[2]), Path.of(arguments[3]), Path.of(arguments[4]), Path.of(arguments[5]))
                : made(folder);
        try {
            measure(
                    lists,
                    turns,
                    interpreter,
                    Optional.of(arguments).filter(a -> a.length > 6).map(a -> Path.of(a[6])));
        } finally {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    private static void measure(Lists lists, int turns, String interpreter, Optional<Path> file) throws Exception {
        Optional<JsonNode> numpy = json(lists, interpreter);
        Map<String, Samples.Work> ways = new LinkedHashMap<>();
        for (int bootstraps : new int[] {0, BOOTSTRAPS}) {
            ways.put("./fedlearn froc, " + bootstraps, () -> lists.runOurs(bootstraps));
            ways.put("call, " + bootstraps, () -> lists.score(bootstraps));
            if (numpy.isPresent()) {
                ways.put("numpy_froc.py, " + bootstraps, () -> lists.runNumpy(interpreter, bootstraps));
            }
        }
        Samples samples = Samples.inTurn(ways, 1, turns);
        System.out.println(Machine.description()
                + numpy.map(node -> ", NumPy " + node.path("numpy").asText()).orElse(""));
        System.out.println(lists.reference() + "; " + Submission.read(lists.submission()));
        System.out.println();
        System.out.println("| what, bootstrap samples | median s | least s |");
        System.out.println("|---|---|---|");
        for (String name : ways.keySet()) {
            System.out.printf(Locale.ROOT, "| %s | %.2f | %.2f |%n", name, samples.median(name), samples.least(name));
        }
        System.out.println();
        if (numpy.isPresent()) {
            System.out.printf(
                    Locale.ROOT,
                    "Largest difference of a figure, band included: %.1e%n",
                    difference(lists.score(BOOTSTRAPS), numpy.get()));
        }
        if (file.isPresent()) {
            Files.writeString(file.get(), "{\n  \"seconds\": " + samples.toJson() + "\n}\n");
        }
    }

    private static Optional<JsonNode> json(Lists lists, String interpreter) throws IOException {
        String text;
        try {
            text = lists.runNumpy(interpreter, BOOTSTRAPS);
        } catch (RuntimeException e) {
            return Optional.empty(); // no such interpreter
        }
        return text.isBlank() ? Optional.empty() : Optional.of(new ObjectMapper().readTree(text));
    }

    private static double difference(FrocResult ours, JsonNode numpy) {
        List<Double> differences = new ArrayList<>();
        differences.add(ours.cpm() - numpy.path("cpm").asDouble());
        JsonNode bootstrap = numpy.path("bootstrap");
        FrocBand band = ours.band().orElseThrow();
        add(differences, band.cpm(), bootstrap.path("cpm"));
        for (int i = 0; i < ours.operatingPoints().size(); i++) {
            differences.add(ours.operatingPoints().get(i).sensitivity()
                    - numpy.path("sensitivities").path(i).asDouble());
            add(
                    differences,
                    band.operatingPoints().get(i).sensitivity(),
                    bootstrap.path("points").path(i));
        }
        for (int i = 0; i < band.points().size(); i++) {
            add(
                    differences,
                    band.points().get(i).sensitivity(),
                    bootstrap.path("band").path(i));
        }
        return differences.stream().mapToDouble(Math::abs).max().orElseThrow();
    }

    private static void add(List<Double> differences, FrocBand.Spread ours, JsonNode numpy) {
        differences.add(ours.mean() - numpy.path(0).asDouble());
        differences.add(ours.lower() - numpy.path(1).asDouble());
        differences.add(ours.upper() - numpy.path(2).asDouble());
    }

    /** Lists of the challenge's size: most nodules found, many marks on excluded findings, others anywhere. */
    private static Lists made(Path folder) throws IOException {
        SeededRandom random = SeededRandom.of(SEED);
        List<String> series = new ArrayList<>();
        Map<String, List<Mark>> marks = new LinkedHashMap<>();
        for (int i = 0; i < SCANS; i++) {
            // As long as the challenge's.
            series.add("1.3.6.1.4.1.14519.5.2.1.6279.6001." + "%030d".formatted(1_000_003L * i));
        }
        StringBuilder annotations = new StringBuilder("seriesuid,coordX,coordY,coordZ,diameter_mm\n");
        StringBuilder excluded = new StringBuilder(annotations);
        for (int i = 0; i < NODULES; i++) {
            String seriesUid = series.get(random.nextInt(SCANS));
            Point center = place(random);
            double diameter = 3.5 + 20 * random.nextDouble() * random.nextDouble();
            annotations.append(row(seriesUid, center, diameter));
            for (int n = random.nextInt(4); n > 0; n--) {
                marks.computeIfAbsent(seriesUid, unused -> new ArrayList<>())
                        .add(new Mark(near(center, diameter / 3, random), Math.sqrt(probability(random))));
            }
        }
        for (int i = 0; i < EXCLUDED; i++) {
            String seriesUid = series.get(random.nextInt(SCANS));
            Point center = place(random);
            excluded.append(row(seriesUid, center, -1));
            if (i % 6 == 0) {
                marks.computeIfAbsent(seriesUid, unused -> new ArrayList<>())
                        .add(new Mark(near(center, 2, random), probability(random)));
            }
        }
        int size = Submission.of(marks).size();
        for (int i = size; i < MARKS; i++) {
            marks.computeIfAbsent(series.get(random.nextInt(SCANS)), unused -> new ArrayList<>())
                    .add(new Mark(place(random), probability(random) * probability(random)));
        }
        Lists lists = new Lists(
                folder.resolve("annotations.csv"),
                folder.resolve("annotations_excluded.csv"),
                folder.resolve("seriesuids.csv"),
                folder.resolve("submission.csv"));
        Files.writeString(lists.annotations, annotations);
        Files.writeString(lists.excluded, excluded);
        Files.write(lists.series, series);
        Submission.of(marks).write(lists.submission);
        return lists;
    }

    private static String row(String seriesUid, Point center, double diameter) {
        return seriesUid + "," + center.x() + "," + center.y() + "," + center.z() + "," + diameter + "\n";
    }

    private static Point place(SeededRandom random) {
        return new Point(coordinate(random), coordinate(random), coordinate(random));
    }

    private static double coordinate(SeededRandom random) {
        return Math.rint((random.nextDouble() * 400 - 200) * 1e6) / 1e6;
    }

    private static Point near(Point center, double deviation, SeededRandom random) {
        return new Point(
                center.x() + deviation * random.nextGaussian(),
                center.y() + deviation * random.nextGaussian(),
                center.z() + deviation * random.nextGaussian());
    }

    /** With four decimals, as many systems write it: ties are common. */
    private static double probability(SeededRandom random) {
        return Math.rint(random.nextDouble() * 1e4) / 1e4;
    }
}
