package io.fedlearn.examples.froc;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fedlearn.examples.report.LineChart;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.luna16.dataset.Mark;
import io.fedlearn.luna16.froc.FrocBand;
import io.fedlearn.luna16.froc.FrocCounts;
import io.fedlearn.luna16.froc.FrocCurve;
import io.fedlearn.luna16.froc.FrocResult;
import io.fedlearn.luna16.froc.MarkOutcome;
import io.fedlearn.luna16.froc.NoduleOutcome;
import io.fedlearn.luna16.froc.OperatingPoint;
import io.fedlearn.luna16.image.Point;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;

/** A score as files in a folder. */
final class FrocFiles {
    static final String RESULT = "froc.json";
    static final String CURVE = "froc.csv";
    static final String BAND = "froc-band.csv";
    static final String MISSES = "misses.csv";
    static final String FALSE_POSITIVES = "false-positives.csv";
    static final String SVG = "froc.svg";
    static final String PNG = "froc.png";

    private static final int VERSION = 1;

    private final Path folder;

    private FrocFiles(Path folder) {
        this.folder = folder;
    }

    /** Makes sure that there can be files, before anything is computed. */
    static FrocFiles in(Path folder) {
        if (Files.exists(folder) && !Files.isDirectory(folder)) {
            throw new InputException("--out " + folder + " is not a folder");
        }
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw InputException.of("--out " + folder + " cannot be made", e);
        }
        if (!Files.isWritable(folder)) {
            throw new InputException("--out " + folder + " cannot be written");
        }
        return new FrocFiles(folder);
    }

    /** Replaces each file as a whole; one of an older score that this one does not have goes. */
    void write(FrocResult result, LineChart chart) {
        try {
            write(RESULT, json(result));
            write(CURVE, curve(result.curve()));
            if (result.band().isPresent()) {
                write(BAND, band(result.band().get()));
            } else {
                Files.deleteIfExists(folder.resolve(BAND));
            }
            write(MISSES, misses(result.nodules()));
            write(FALSE_POSITIVES, falsePositives(result.marks()));
            write(SVG, chart.toSvgFile());
            write(PNG, chart.toPng());
        } catch (IOException e) {
            throw InputException.of("--out " + folder + " cannot be written", e);
        }
    }

    private void write(String name, String text) throws IOException {
        write(name, text.getBytes(StandardCharsets.UTF_8));
    }

    private void write(String name, byte[] bytes) throws IOException {
        Path aside = folder.resolve(name + ".tmp");
        try {
            Files.write(aside, bytes);
            Files.move(
                    aside, folder.resolve(name), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(aside);
        }
    }

    private static String json(FrocResult result) throws IOException {
        ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
        ObjectNode root = mapper.createObjectNode();
        root.put("version", VERSION);
        root.put("cpm", result.cpm());
        result.band().ifPresent(band -> put(root.putObject("cpmBand"), band.cpm()));
        ArrayNode points = root.putArray("operatingPoints");
        for (int i = 0; i < result.operatingPoints().size(); i++) {
            OperatingPoint point = result.operatingPoints().get(i);
            ObjectNode node = points.addObject();
            node.put("falsePositivesPerScan", point.falsePositivesPerScan());
            node.put("sensitivity", point.sensitivity());
            if (Double.isFinite(point.threshold())) {
                node.put("threshold", point.threshold());
            } else {
                node.putNull("threshold");
            }
            if (result.band().isPresent()) {
                put(
                        node.putObject("band"),
                        result.band().get().operatingPoints().get(i).sensitivity());
            }
        }
        FrocCounts counts = result.counts();
        root.putObject("counts")
                .put("scans", counts.scans())
                .put("nodules", counts.nodules())
                .put("marks", counts.marks())
                .put("truePositives", counts.truePositives())
                .put("falsePositives", counts.falsePositives())
                .put("falseNegatives", counts.falseNegatives())
                .put("ignored", counts.ignored())
                .put("doubles", counts.doubles())
                .put("surplus", counts.surplus());
        result.band()
                .ifPresent(band -> root.putObject("bootstrap")
                        .put("samples", band.samples())
                        .put("confidence", band.confidence()));
        return mapper.writeValueAsString(root) + "\n";
    }

    private static void put(ObjectNode node, FrocBand.Spread spread) {
        node.put("mean", spread.mean()).put("lower", spread.lower()).put("upper", spread.upper());
    }

    private static String curve(FrocCurve curve) {
        StringBuilder csv = new StringBuilder("falsePositivesPerScan,sensitivity,threshold\n");
        for (FrocCurve.Point point : curve.points()) {
            csv.append(point.falsePositivesPerScan()).append(',');
            csv.append(point.sensitivity()).append(',');
            csv.append(point.threshold()).append('\n');
        }
        return csv.toString();
    }

    private static String band(FrocBand band) {
        StringBuilder csv = new StringBuilder("falsePositivesPerScan,mean,lower,upper\n");
        for (FrocBand.Point point : band.points()) {
            csv.append(point.falsePositivesPerScan()).append(',');
            csv.append(point.sensitivity().mean()).append(',');
            csv.append(point.sensitivity().lower()).append(',');
            csv.append(point.sensitivity().upper()).append('\n');
        }
        return csv.toString();
    }

    private static String misses(List<NoduleOutcome> nodules) throws IOException {
        StringWriter text = new StringWriter();
        try (CSVPrinter csv = printer(text, "diameter_mm")) {
            for (NoduleOutcome outcome : nodules) {
                if (outcome.isMissed()) {
                    Point center = outcome.nodule().center();
                    csv.printRecord(
                            outcome.seriesUid(),
                            center.x(),
                            center.y(),
                            center.z(),
                            outcome.nodule().diameterMillimetres());
                }
            }
        }
        return text.toString();
    }

    /** The most probable ones first: they cost the most. */
    private static String falsePositives(List<MarkOutcome> marks) throws IOException {
        List<MarkOutcome> wrong = marks.stream()
                .filter(outcome -> outcome.kind() == MarkOutcome.Kind.FALSE_POSITIVE)
                .sorted(Comparator.comparingDouble(
                        (MarkOutcome outcome) -> -outcome.mark().probability()))
                .toList();
        StringWriter text = new StringWriter();
        try (CSVPrinter csv = printer(text, "probability")) {
            for (MarkOutcome outcome : wrong) {
                Mark mark = outcome.mark();
                csv.printRecord(
                        outcome.seriesUid(),
                        mark.center().x(),
                        mark.center().y(),
                        mark.center().z(),
                        mark.probability());
            }
        }
        return text.toString();
    }

    private static CSVPrinter printer(StringWriter text, String last) throws IOException {
        return new CSVPrinter(
                text,
                CSVFormat.DEFAULT
                        .builder()
                        .setHeader("seriesuid", "coordX", "coordY", "coordZ", last)
                        .setRecordSeparator("\n")
                        .get());
    }
}
