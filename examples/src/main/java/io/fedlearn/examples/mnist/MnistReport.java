package io.fedlearn.examples.mnist;

import io.fedlearn.core.federation.Run;
import io.fedlearn.core.partition.Partition;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.examples.protection.PrivacySection;
import io.fedlearn.examples.report.Figures;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.report.HtmlReport;
import io.fedlearn.examples.report.RunSections;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/** The page about a run over images. */
final class MnistReport {
    static final List<String> METRICS = List.of(Evaluation.LOSS, Evaluation.ACCURACY);

    private static final int MOST_CLIENTS = 20;

    private final MnistData data;
    private final Partition parts;

    MnistReport(MnistData data, Partition parts) {
        this.data = data;
        this.parts = parts;
    }

    /** How many images of each digit each client has; of many clients the first, and a line about the others. */
    Grid clients() {
        List<String> header = new ArrayList<>(List.of("client", "images"));
        for (int digit = 0; digit < MnistModel.CLASSES; digit++) {
            header.add(Integer.toString(digit));
        }
        Grid grid = new Grid(header, List.of());
        List<SortedMap<Integer, Integer>> counts =
                parts.classCounts(data.training().classes());
        for (int i = 0; i < Math.min(MOST_CLIENTS, parts.clientCount()); i++) {
            List<String> row = new ArrayList<>(List.of(parts.names().get(i), Integer.toString(parts.size(i))));
            for (int digit = 0; digit < MnistModel.CLASSES; digit++) {
                row.add(Integer.toString(counts.get(i).getOrDefault(digit, 0)));
            }
            grid = grid.with(row);
        }
        if (parts.clientCount() > MOST_CLIENTS) {
            List<Integer> others = parts.sizes().subList(MOST_CLIENTS, parts.clientCount());
            List<String> row = new ArrayList<>(List.of(
                    others.size() + " more",
                    others.stream().mapToInt(Integer::intValue).min().orElse(0) + " to "
                            + others.stream().mapToInt(Integer::intValue).max().orElse(0)));
            for (int digit = 0; digit < MnistModel.CLASSES; digit++) {
                row.add("");
            }
            grid = grid.with(row);
        }
        return grid;
    }

    /** The whole page. */
    HtmlReport page(Run run, Optional<PrivacySection> privacy) {
        HtmlReport report = HtmlReport.of("Handwritten digits, learned by " + parts.clientCount() + " clients together")
                .paragraph("After " + run.records().size() + " rounds of "
                        + run.header().strategy()
                        + " the common model reads "
                        + Figures.metric(
                                run.records().get(run.records().size() - 1).metrics(), Evaluation.ACCURACY)
                        + " of the " + data.test().exampleCount() + " test images rightly.");
        privacy.ifPresent(section -> section.addTo(report, run, Evaluation.ACCURACY, "accuracy"));
        report.section("Clients").table(clients());
        RunSections sections = RunSections.of(run);
        report.section("Curves");
        sections.addCurve(report, Evaluation.ACCURACY, "accuracy", List.of());
        sections.addCurve(report, Evaluation.LOSS, "loss", List.of());
        sections.addRounds(report, METRICS);
        sections.addSettings(report);
        sections.addDigests(report);
        sections.addHowToRead(
                report,
                List.of(
                        "Accuracy and loss are measured by the coordinator on the test images, which no client has.",
                        "The table of clients shows how differently the clients see the world: the more uneven its"
                                + " rows, the harder the common model is to learn."));
        return report;
    }
}
