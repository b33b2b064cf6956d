package io.fedlearn.examples.luna16;

import io.fedlearn.core.federation.Run;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.examples.comparison.Comparison;
import io.fedlearn.examples.comparison.ModelScores;
import io.fedlearn.examples.protection.PrivacySection;
import io.fedlearn.examples.report.Figures;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.report.HtmlReport;
import io.fedlearn.examples.report.RunSections;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The page about a run over hospitals' scans.
 *
 * @param data what was trained and tested on
 * @param run what came of it
 * @param scores of the final model
 * @param scans scores of all candidates of the test scans by the final model, if there are any
 */
record Luna16Report(Luna16Data data, Run run, ModelScores scores, Optional<ScanScores> scans) {
    /** The columns of the table of rounds. */
    static final List<String> METRICS = List.of(Evaluation.LOSS, Evaluation.AUC, Evaluation.SENSITIVITY_AT_90);

    /** What the final model is worth at each hospital. */
    Grid hospitals() {
        Grid grid = Grid.of("hospital", "scans", "test patches", "nodules", "AUC", "sensitivity", "loss");
        int scans = 0;
        int patches = 0;
        int nodules = 0;
        for (Hospital hospital : data.hospitals()) {
            String name = hospital.name();
            grid = grid.with(
                    name,
                    Integer.toString(hospital.scans()),
                    Integer.toString(hospital.test().size()),
                    Integer.toString(hospital.test().noduleCount()),
                    Figures.metric(scores.auc(name)),
                    Figures.metric(scores.metric(name, Evaluation.SENSITIVITY_AT_90)),
                    Figures.metric(scores.metric(name, Evaluation.LOSS)));
            scans += hospital.scans();
            patches += hospital.test().size();
            nodules += hospital.test().noduleCount();
        }
        return grid.with(
                "all together",
                Integer.toString(scans),
                Integer.toString(patches),
                Integer.toString(nodules),
                Figures.metric(scores.auc()),
                Figures.metric(scores.scores().sensitivityAt(0.9)),
                Figures.metric(scores.mean(Evaluation.LOSS)));
    }

    /** What the challenge's figures are of. */
    String challenge() {
        return "As the challenge scores it, over all "
                + scans.map(own -> own.scores().toString()).orElse("candidates") + ":";
    }

    /** The whole page. */
    HtmlReport page(Optional<Comparison> comparison, Optional<Path> montage, Optional<PrivacySection> privacy)
            throws IOException {
        HtmlReport report = HtmlReport.of(
                        "Lung nodules, learned by " + data.hospitals().size() + " hospitals together")
                .paragraph("Each hospital trained on patches of its own CT scans; only models were exchanged. After "
                        + run.records().size() + " rounds of " + run.header().strategy()
                        + " the common network reaches an AUC of " + Figures.metric(scores.auc())
                        + " on the test scans of all hospitals.");
        data.notes().forEach(report::note);
        privacy.ifPresent(section -> section.addTo(report, run, Evaluation.AUC, "AUC"));
        report.section("Hospitals").table("The common network, on test scans", hospitals());
        data.remarks().forEach(report::note);
        if (!data.problems().isEmpty()) {
            report.paragraph("What the check of the data found:").points(data.problems());
        }
        scans.flatMap(ScanScores::froc)
                .ifPresent(froc -> report.paragraph(challenge()).table("The challenge's score", ScanScores.grid(froc)));
        report.table("The data of the hospitals", data.grid());
        comparison.ifPresent(three -> three.addTo(report));
        report.section("Test patches and their scores");
        if (montage.isPresent()) {
            report.picture(Montage.CAPTION, montage.get());
        } else {
            report.paragraph("No hospital has a patch to test on, so there is no picture, and no figure of merit.");
        }
        RunSections sections = RunSections.of(run);
        report.section("Curves");
        List<String> names = data.hospitals().stream().map(Hospital::name).toList();
        sections.addCurve(report, Evaluation.AUC, "AUC", names);
        sections.addCurve(report, Evaluation.LOSS, "loss", names);
        sections.addCurve(report, Evaluation.SENSITIVITY_AT_90, "sensitivity at 90 % specificity", names);
        report.chart(
                "ROC of the final network, on test scans",
                scores.roc("other candidates taken for nodules", "nodules found"));
        sections.addRounds(report, METRICS);
        sections.addSettings(report);
        sections.addDigests(report);
        sections.addHowToRead(
                report,
                List.of(
                        "AUC is how probably a nodule gets a higher score than another candidate: 0.5 is guessing, 1 is"
                                + " perfect. Sensitivity is the share of nodules found when nine in ten of the other"
                                + " candidates are left alone.",
                        "Overall figures come from the score histograms of all hospitals added up; the loss is"
                                + " averaged with the strategy's weighting.",
                        "Test scans are never trained on, and a scan is never divided: several candidates may be one"
                                + " nodule.",
                        "This is the rating of given candidates, not the search for them; it is no medical device.",
                        "Beside this page also lies " + Luna16Command.DL4J_MODEL
                                + ", the same network as a file of DL4J's own"
                                + montage.map(picture -> ", and " + Montage.FILE + ", the picture above.")
                                        .orElse(".")));
        return report;
    }
}
