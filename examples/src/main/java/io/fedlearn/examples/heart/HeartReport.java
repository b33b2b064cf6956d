package io.fedlearn.examples.heart;

import io.fedlearn.core.federation.Run;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.examples.comparison.Comparison;
import io.fedlearn.examples.comparison.ModelScores;
import io.fedlearn.examples.protection.PrivacySection;
import io.fedlearn.examples.report.Figures;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.report.HtmlReport;
import io.fedlearn.examples.report.RunSections;
import java.util.List;
import java.util.Optional;

/** The page about a run over hospitals. */
final class HeartReport {
    static final List<String> METRICS = List.of(Evaluation.LOSS, Evaluation.AUC, Evaluation.ACCURACY);

    private final HeartData data;
    private final Run run;
    private final ModelScores scores;

    HeartReport(HeartData data, Run run, ModelScores scores) {
        this.data = data;
        this.run = run;
        this.scores = scores;
    }

    /** What the final model is worth at each hospital. */
    Grid hospitals() {
        Grid grid = Grid.of("hospital", "rows", "ill", "test", "AUC", "accuracy", "loss");
        for (Hospital hospital : data.hospitals()) {
            boolean isTested = hospital.test().exampleCount() > 0;
            String name = hospital.name();
            grid = grid.with(
                    name,
                    Long.toString(hospital.rows()),
                    Long.toString(hospital.positives()),
                    Long.toString(hospital.test().exampleCount()),
                    isTested ? Figures.metric(scores.auc(name)) : "-",
                    isTested ? Figures.metric(scores.metric(name, Evaluation.ACCURACY)) : "-",
                    isTested ? Figures.metric(scores.metric(name, Evaluation.LOSS)) : "-");
        }
        return grid.with(
                "all together",
                Long.toString(
                        data.hospitals().stream().mapToLong(Hospital::rows).sum()),
                Long.toString(
                        data.hospitals().stream().mapToLong(Hospital::positives).sum()),
                Long.toString(data.hospitals().stream()
                        .mapToLong(hospital -> hospital.test().exampleCount())
                        .sum()),
                Figures.metric(scores.auc()),
                Figures.metric(scores.mean(Evaluation.ACCURACY)),
                Figures.metric(scores.mean(Evaluation.LOSS)));
    }

    /** The whole page. */
    HtmlReport page(Optional<Comparison> comparison, boolean isGenerated, Optional<PrivacySection> privacy) {
        HtmlReport report = HtmlReport.of("Heart disease, learned by four hospitals together")
                .paragraph("Each hospital trained on its own patients; only models were exchanged. After "
                        + run.records().size() + " rounds of " + run.header().strategy()
                        + " the common model reaches an AUC of "
                        + Figures.metric(scores.auc()) + " on the test patients of all hospitals.");
        if (isGenerated) {
            report.note("The patients of this run are generated, not real: the figures show how federated training"
                    + " works, and say nothing about medicine.");
        }
        privacy.ifPresent(section -> section.addTo(report, run, Evaluation.AUC, "AUC"));
        report.section("Hospitals").table("The common model, on test patients", hospitals());
        data.remarks().forEach(report::note);
        report.table("The data of the hospitals", data.grid());
        comparison.ifPresent(three -> three.addTo(report));
        RunSections sections = RunSections.of(run);
        report.section("Curves");
        sections.addCurve(report, Evaluation.AUC, "AUC", HeartData.NAMES);
        sections.addCurve(report, Evaluation.LOSS, "loss", HeartData.NAMES);
        sections.addCurve(report, Evaluation.ACCURACY, "accuracy", HeartData.NAMES);
        report.chart("ROC of the final model, on test patients", scores.roc("healthy taken for ill", "ill found"));
        sections.addRounds(report, METRICS);
        sections.addSettings(report);
        sections.addDigests(report);
        sections.addHowToRead(
                report,
                List.of(
                        "AUC is how probably an ill patient gets a higher score than a healthy one: 0.5 is guessing,"
                                + " 1 is perfect. Where all test patients have the same label it is undefined.",
                        "Overall AUC comes from the score histograms of all hospitals added up, not from an average"
                                + " of their AUCs; loss and accuracy are averaged with the strategy's weighting.",
                        "The ROC curve shows what share of the ill is found (upwards) at the price of which share of"
                                + " the healthy taken for ill (to the right).",
                        "A fifth of each hospital's patients is never trained on. Few test patients make a"
                                + " hospital's own curve jumpy."));
        return report;
    }
}
