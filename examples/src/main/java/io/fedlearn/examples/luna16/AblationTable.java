package io.fedlearn.examples.luna16;

import io.fedlearn.luna16.network.FlipAverage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;

/** The figures of an ablation, row by row, with what each differs from the first. Confined to one thread at a time. */
final class AblationTable {
    /** The table: {@value}. */
    static final String MARKDOWN = "ablation.md";

    /** A line for each run: {@value}. */
    static final String CSV = "ablation.csv";

    private static final String FLIPS = "flips";
    private static final String NONE = "–";

    private final Map<String, List<String>> rows;
    private final List<Long> seeds;
    private final Map<String, Map<Long, ScoreFile>> done = new LinkedHashMap<>();

    /**
     * An empty table.
     *
     * @param rows by name, with their options; the first is what others are compared with
     */
    AblationTable(Map<String, List<String>> rows, List<Long> seeds) {
        this.rows = Collections.unmodifiableMap(new LinkedHashMap<>(rows));
        this.seeds = List.copyOf(seeds);
    }

    /** Takes in the figures of a run. */
    void add(String row, long seed, ScoreFile scores) {
        done.computeIfAbsent(row, unused -> new TreeMap<>()).put(seed, scores);
    }

    private interface Figure {
        OptionalDouble of(ScoreFile.Figures figures);
    }

    /** A line of the table: of a row's runs, those figures that were made of so many mirror images. */
    private record Line(String name, String options, Map<Long, ScoreFile.Figures> figures, double seconds) {
        private Map<Long, Double> values(Figure figure) {
            Map<Long, Double> values = new TreeMap<>();
            figures.forEach((seed, own) -> figure.of(own).ifPresent(value -> values.put(seed, value)));
            return values;
        }
    }

    private List<Line> lines() {
        List<Line> lines = new ArrayList<>();
        rows.forEach((name, options) -> {
            Map<Long, ScoreFile> runs = done.getOrDefault(name, Map.of());
            lines.add(line(name, text(options), runs, 1));
            if (runs.values().stream().anyMatch(run -> run.figures().containsKey(FlipAverage.FLIPS))) {
                String flips = lines.size() == 1 ? FLIPS : name + "-" + FLIPS;
                lines.add(line(flips, "`" + name + "`, scored with `--flips`", runs, FlipAverage.FLIPS));
            }
        });
        return lines;
    }

    private static String text(List<String> options) {
        List<String> shown = new ArrayList<>(options);
        // It changes how the model is scored, which has a line of its own.
        shown.remove("--" + FLIPS);
        return shown.isEmpty() ? "" : "`" + String.join(" ", shown) + "`";
    }

    private static Line line(String name, String options, Map<Long, ScoreFile> runs, int images) {
        Map<Long, ScoreFile.Figures> figures = new TreeMap<>();
        double seconds = 0;
        for (Map.Entry<Long, ScoreFile> run : runs.entrySet()) {
            Optional.ofNullable(run.getValue().figures().get(images)).ifPresent(own -> figures.put(run.getKey(), own));
            seconds += run.getValue().seconds() / runs.size();
        }
        return new Line(name, options, figures, seconds);
    }

    /** Writes table and list, each as a whole. */
    void write(Path folder) throws IOException {
        ScoreFile.writeWhole(folder.resolve(MARKDOWN), String.join("\n", toLines()) + "\n");
        StringBuilder csv =
                new StringBuilder("row,seed,mirrorImages,auc,cpm,rounds,seconds,scans,candidates,nodules,model\n");
        done.forEach((row, runs) -> runs.forEach((seed, run) -> new TreeMap<>(run.figures())
                .forEach((images, figures) -> csv.append(String.join(
                                ",",
                                row,
                                seed.toString(),
                                images.toString(),
                                number(figures.auc()),
                                number(figures.cpm()),
                                Integer.toString(run.rounds()),
                                Double.toString(run.seconds()),
                                Integer.toString(run.scans()),
                                Integer.toString(run.candidates()),
                                Integer.toString(run.nodules()),
                                run.digest()))
                        .append('\n'))));
        ScoreFile.writeWhole(folder.resolve(CSV), csv.toString());
    }

    private static String number(OptionalDouble value) {
        return value.isPresent() ? Double.toString(value.getAsDouble()) : "";
    }

    /** The table in Markdown: mean and standard deviation over seeds, and of the differences to the first row seed by seed. */
    List<String> toLines() {
        List<Line> lines = lines();
        Line first = lines.get(0);
        List<String> text = new ArrayList<>();
        text.add("| row | options | AUC | CPM | AUC, difference | CPM, difference | training, s | seeds |");
        text.add("|---|---|---|---|---|---|---|---|");
        for (Line line : lines) {
            text.add("| " + line.name() + " | " + line.options() + " | " + spread(line.values(ScoreFile.Figures::auc))
                    + " | "
                    + spread(line.values(ScoreFile.Figures::cpm)) + " | "
                    + difference(line, first, ScoreFile.Figures::auc) + " | "
                    + difference(line, first, ScoreFile.Figures::cpm) + " | "
                    + (line.figures().isEmpty() ? NONE : String.format(Locale.ROOT, "%.0f", line.seconds())) + " | "
                    + line.figures().size() + " of " + seeds.size() + " |");
        }
        text.add("");
        text.add("Mean ± standard deviation over seeds; differences are taken from the row " + first.name()
                + " of the same seed. Training is the rounds' own time.");
        return text;
    }

    private static String difference(Line line, Line first, Figure figure) {
        if (line.equals(first)) {
            return NONE;
        }
        Map<Long, Double> before = first.values(figure);
        Map<Long, Double> differences = new TreeMap<>();
        line.values(figure).forEach((seed, value) -> {
            Double other = before.get(seed);
            if (other != null) {
                differences.put(seed, value - other);
            }
        });
        String text = spread(differences);
        return text.equals(NONE) || text.startsWith("-") ? text : "+" + text;
    }

    private static String spread(Map<Long, Double> values) {
        if (values.isEmpty()) {
            return NONE;
        }
        double mean = values.values().stream().mapToDouble(value -> value).sum() / values.size();
        double squares = values.values().stream()
                .mapToDouble(value -> (value - mean) * (value - mean))
                .sum();
        return String.format(Locale.ROOT, "%.4f", mean)
                + (values.size() < 2
                        ? ""
                        : String.format(Locale.ROOT, " ± %.4f", Math.sqrt(squares / (values.size() - 1))));
    }
}
