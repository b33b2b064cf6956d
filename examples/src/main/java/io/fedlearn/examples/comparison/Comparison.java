package io.fedlearn.examples.comparison;

import io.fedlearn.examples.report.Figures;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.report.HtmlReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The same model trained in three ways, each with as many passes over its examples: federated, by each hospital alone,
 * and on all data pooled in one place. All are tested on the same test examples.
 *
 * @param federated the federated model
 * @param alone the model of each hospital that has something to train on, by its name
 * @param pooled the model of all data in one place
 * @param examples what is tested on, in the plural, such as "patients"
 * @param more tables of other figures of the three ways
 */
public record Comparison(
        ModelScores federated, Map<String, ModelScores> alone, ModelScores pooled, String examples, List<Table> more) {
    private static final String ALL = "all hospitals";
    private static final String TITLE = "Federated, alone, pooled";

    /** Copies the list. */
    public Comparison {
        more = List.copyOf(more);
    }

    /** A comparison by AUC alone. */
    public Comparison(ModelScores federated, Map<String, ModelScores> alone, ModelScores pooled, String examples) {
        this(federated, alone, pooled, examples, List.of());
    }

    /**
     * One more table.
     *
     * @param caption what it shows
     */
    public record Table(String caption, Grid grid) {}

    /** This comparison and one more table. */
    public Comparison with(String caption, Grid grid) {
        List<Table> tables = new ArrayList<>(more);
        tables.add(new Table(caption, grid));
        return new Comparison(federated, alone, pooled, examples, tables);
    }

    /** What the tables mean where it is not plain. */
    private String legend() {
        return "Alone, a hospital is tested with its own model. In the last row, alone is the mean over the hospitals'"
                + " own models of their AUC on the test " + examples + " of all hospitals.";
    }

    /** The AUC at each hospital, and over all test patients, in the three ways. */
    private Grid grid() {
        Grid grid = Grid.of("AUC, tested at", "federated", "alone", "pooled");
        for (String hospital : federated.hospitals().keySet()) {
            grid = grid.with(
                    hospital,
                    Figures.metric(federated.auc(hospital)),
                    Figures.metric(Optional.ofNullable(alone.get(hospital))
                            .map(own -> own.auc(hospital))
                            .orElse(OptionalDouble.empty())),
                    Figures.metric(pooled.auc(hospital)));
        }
        return grid.with(
                ALL,
                Figures.metric(federated.auc()),
                Figures.metric(meanAloneAuc()) + " (mean)",
                Figures.metric(pooled.auc()));
    }

    /** The AUC of each hospital's own model at every hospital: how far it carries. */
    private Grid aloneGrid() {
        List<String> header = new ArrayList<>(List.of("AUC, trained at"));
        header.addAll(federated.hospitals().keySet());
        header.add(ALL);
        Grid grid = new Grid(header, List.of());
        for (Map.Entry<String, ModelScores> own : alone.entrySet()) {
            List<String> row = new ArrayList<>(List.of(own.getKey() + " alone"));
            federated
                    .hospitals()
                    .keySet()
                    .forEach(hospital -> row.add(Figures.metric(own.getValue().auc(hospital))));
            row.add(Figures.metric(own.getValue().auc()));
            grid = grid.with(row);
        }
        return grid;
    }

    /** How good the hospitals' own models are on average over all test examples. */
    private OptionalDouble meanAloneAuc() {
        return alone.values().stream()
                .map(ModelScores::auc)
                .flatMapToDouble(OptionalDouble::stream)
                .average();
    }

    /** Where training alone was better, in one line. */
    private String exceptions() {
        List<String> better = new ArrayList<>();
        alone.forEach((hospital, own) -> {
            OptionalDouble single = own.auc(hospital);
            OptionalDouble together = federated.auc(hospital);
            if (single.isPresent() && together.isPresent() && single.getAsDouble() > together.getAsDouble()) {
                better.add(hospital + " (" + Figures.metric(single) + " against " + Figures.metric(together) + ")");
            }
        });
        return better.isEmpty()
                ? "No hospital's own model was better on its own test " + examples + " than the common one."
                : "On its own test " + examples + ", training alone was better for: " + String.join(", ", better) + ".";
    }

    /** What the figures say, in one line. */
    private String conclusion() {
        if (federated.auc().isEmpty()
                || pooled.auc().isEmpty()
                || meanAloneAuc().isEmpty()) {
            return "The test " + examples + " are of one class, so the three ways cannot be ranked.";
        }
        double together = federated.auc().getAsDouble();
        double single = meanAloneAuc().getAsDouble();
        double gap = together - pooled.auc().getAsDouble();
        return String.format(
                Locale.ROOT,
                "Over all test %s: %.3f federated, %.3f alone on average, %.3f pooled. Federating %s %.3f over"
                        + " training alone and is %s pooling all data, while no patient's data left a hospital.",
                examples,
                together,
                single,
                pooled.auc().getAsDouble(),
                together >= single ? "gains" : "loses",
                Math.abs(together - single),
                Math.abs(gap) < 0.0005
                        ? "level with"
                        : String.format(Locale.ROOT, "%.3f %s", Math.abs(gap), gap < 0 ? "below" : "above"));
    }

    /** Adds a section to a report. */
    public void addTo(HtmlReport report) {
        report.section(TITLE)
                .paragraph(conclusion())
                .paragraph(exceptions())
                .table("The three ways on the same test " + examples, grid())
                .paragraph(legend())
                .table("How far each hospital's own model carries", aloneGrid());
        more.forEach(table -> report.table(table.caption(), table.grid()));
    }

    /** Whether a report that was written earlier has such a section. */
    public static boolean isIn(Path page) throws IOException {
        return Files.exists(page) && Files.readString(page).contains("<h2>" + TITLE + "</h2>");
    }

    /** Tables and sentences as they are printed. */
    public List<String> toLines() {
        List<String> lines = new ArrayList<>(grid().toLines());
        lines.add("");
        lines.addAll(aloneGrid().toLines());
        more.forEach(table -> {
            lines.add("");
            lines.addAll(table.grid().toLines());
        });
        lines.addAll(List.of("", conclusion(), exceptions(), legend()));
        return lines;
    }
}
