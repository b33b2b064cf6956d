package io.fedlearn.examples.luna16;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fedlearn.core.federation.Run;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.luna16.froc.FrocResult;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * The figures of a run on all candidates of its test scans, in a file of the run's folder, which is written last of all: where it
 * is, the run is done.
 *
 * @param digest of the model
 * @param rounds that were trained
 * @param seconds that they took
 * @param scans that were tested on
 * @param candidates that were scored
 * @param nodules that there are in the scans
 * @param figures by how many mirror images were averaged, 1 or 8
 */
record ScoreFile(
        String digest,
        int rounds,
        double seconds,
        int scans,
        int candidates,
        int nodules,
        Map<Integer, Figures> figures) {
    /** The file's name: {@value}. */
    static final String NAME = "scores.json";

    /** The marks of the test scans in the challenge's form, beside it: {@value}. */
    static final String SUBMISSION = "submission.csv";

    private static final int VERSION = 1;

    /** Copies the figures. */
    ScoreFile {
        figures = Map.copyOf(figures);
    }

    /**
     * What was measured.
     *
     * @param auc over all candidates
     * @param cpm the challenge's score
     * @param sensitivities at the challenge's rates of false positives per scan
     */
    record Figures(OptionalDouble auc, OptionalDouble cpm, Map<Double, Double> sensitivities) {
        /** The figures of scores. */
        static Figures of(ScanScores scores) {
            Optional<FrocResult> froc = scores.froc();
            Map<Double, Double> sensitivities = new LinkedHashMap<>();
            froc.ifPresent(result -> result.operatingPoints()
                    .forEach(point -> sensitivities.put(point.falsePositivesPerScan(), point.sensitivity())));
            return new Figures(scores.auc(), ScanScores.cpm(froc), sensitivities);
        }
    }

    /** The figures of a run. */
    static ScoreFile of(Run run, ScanScores scores, Map<Integer, Figures> figures) {
        double seconds =
                run.records().stream().mapToDouble(record -> record.seconds()).sum();
        return new ScoreFile(
                run.model().digest(),
                run.records().size(),
                seconds,
                scores.tests().reference().series().size(),
                scores.scores().size(),
                scores.tests().reference().noduleCount(),
                figures);
    }

    /** The figures with most mirror images. */
    Figures best() {
        return figures.entrySet().stream()
                .max(Map.Entry.comparingByKey())
                .map(Map.Entry::getValue)
                .orElseThrow();
    }

    /** Writes it into a folder, as a whole or not at all. */
    void write(Path folder) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode root = mapper.createObjectNode();
        root.put("version", VERSION)
                .put("model", digest)
                .put("rounds", rounds)
                .put("seconds", seconds)
                .put("scans", scans)
                .put("candidates", candidates)
                .put("nodules", nodules);
        ArrayNode list = root.putArray("scores");
        new TreeMap<>(figures).forEach((images, own) -> {
            ObjectNode node = list.addObject().put("mirrorImages", images);
            own.auc().ifPresent(value -> node.put("auc", value));
            own.cpm().ifPresent(value -> node.put("cpm", value));
            ObjectNode sensitivities = node.putObject("sensitivities");
            own.sensitivities().forEach((rate, value) -> sensitivities.put(rate.toString(), value));
        });
        writeWhole(folder.resolve(NAME), mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n");
    }

    /** Writes a text as a whole or not at all. */
    static void writeWhole(Path file, String text) throws IOException {
        Path aside = file.resolveSibling(file.getFileName() + ".tmp");
        Files.write(aside, text.getBytes(StandardCharsets.UTF_8));
        Files.move(aside, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    /**
     * Reads it.
     *
     * @return empty if there is none
     * @throws InputException if it cannot be read
     */
    static Optional<ScoreFile> read(Path folder) {
        Path file = folder.resolve(NAME);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            JsonNode root = new ObjectMapper().readTree(file.toFile());
            if (root.path("version").asInt() != VERSION) {
                throw new InputException(file + " is of version " + root.path("version") + ", not " + VERSION);
            }
            Map<Integer, Figures> figures = new LinkedHashMap<>();
            for (JsonNode node : root.path("scores")) {
                Map<Double, Double> sensitivities = new LinkedHashMap<>();
                node.path("sensitivities")
                        .properties()
                        .forEach(entry -> sensitivities.put(
                                Double.valueOf(entry.getKey()), entry.getValue().asDouble()));
                figures.put(
                        node.path("mirrorImages").asInt(),
                        new Figures(number(node.path("auc")), number(node.path("cpm")), sensitivities));
            }
            return Optional.of(new ScoreFile(
                    root.path("model").asText(),
                    root.path("rounds").asInt(),
                    root.path("seconds").asDouble(),
                    root.path("scans").asInt(),
                    root.path("candidates").asInt(),
                    root.path("nodules").asInt(),
                    figures));
        } catch (IOException | NumberFormatException e) {
            throw new InputException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static OptionalDouble number(JsonNode node) {
        return node.isNumber() ? OptionalDouble.of(node.asDouble()) : OptionalDouble.empty();
    }
}
