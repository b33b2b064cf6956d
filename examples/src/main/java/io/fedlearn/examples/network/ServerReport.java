package io.fedlearn.examples.network;

import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.examples.report.HtmlReport;
import io.fedlearn.examples.report.RunSections;
import java.util.List;
import java.util.TreeSet;

/** The page about a run whose model nobody here knows. */
final class ServerReport {
    private static final int MOST_CURVES = 12;

    private ServerReport() {}

    /** The page. */
    static HtmlReport page(Run run, List<String> metrics) {
        TreeSet<String> clients = new TreeSet<>();
        for (RoundRecord record : run.records()) {
            record.outcomes().stream().map(OutcomeRecord::clientId).forEach(clients::add);
        }
        List<String> shown = clients.stream().limit(MOST_CURVES).toList();
        HtmlReport report = HtmlReport.of("A model, trained by " + clients.size() + " sites together")
                .paragraph("Each site trained on its own data; only models and figures were exchanged. "
                        + run.records().size() + " rounds of " + run.header().strategy() + ", over the network.");
        RunSections sections = RunSections.of(run);
        report.section("Curves");
        for (String metric : metrics) {
            if (run.records().stream()
                    .anyMatch(record -> record.metrics().get(metric).isPresent())) {
                sections.addCurve(report, metric, metric, shown);
            }
        }
        sections.addRounds(report, metrics);
        sections.addSettings(report);
        sections.addDigests(report);
        sections.addHowToRead(
                report,
                List.of(
                        "Loss and accuracy are those of the sites' own test examples, averaged with the strategy's"
                                + " weighting; where no site tests, there are none.",
                        "A figure with (2 of 3) behind it is over the sites that gave it, and says nothing about the"
                                + " others'."));
        return report;
    }
}
