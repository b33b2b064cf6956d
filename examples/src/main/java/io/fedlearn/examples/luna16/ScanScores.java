package io.fedlearn.examples.luna16;

import io.fedlearn.examples.report.Figures;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.luna16.dataset.ReferenceStandard;
import io.fedlearn.luna16.dataset.Scan;
import io.fedlearn.luna16.dataset.Submission;
import io.fedlearn.luna16.froc.Froc;
import io.fedlearn.luna16.froc.FrocResult;
import io.fedlearn.luna16.froc.OperatingPoint;
import io.fedlearn.luna16.network.CandidateScores;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a model is worth on all candidates of the test scans.
 *
 * @param tests the scans
 * @param scores of their candidates
 */
record ScanScores(TestScans tests, CandidateScores scores) {
    /** The area under the ROC curve over all candidates. */
    OptionalDouble auc() {
        return scores.auc();
    }

    /** The challenge's score; empty if the scans have no nodule. */
    Optional<FrocResult> froc() {
        return froc(tests.reference(), scores.submission());
    }

    /** The challenge's score of marks; empty if the scans have no nodule. */
    static Optional<FrocResult> froc(ReferenceStandard reference, Submission submission) {
        return reference.noduleCount() == 0
                ? Optional.empty()
                : Optional.of(Froc.official().score(reference, submission));
    }

    /** The challenge's figure of merit. */
    OptionalDouble cpm() {
        return cpm(froc());
    }

    /** The challenge's figure of merit on the scans of one hospital. */
    OptionalDouble cpm(String hospital) {
        List<String> series = tests.hospitals().getOrDefault(hospital, List.of()).stream()
                .map(Scan::seriesUid)
                .toList();
        return series.isEmpty()
                ? OptionalDouble.empty()
                : cpm(froc(
                        tests.reference().restrictedTo(series),
                        scores.ofScans(series).submission()));
    }

    static OptionalDouble cpm(Optional<FrocResult> result) {
        return result.isPresent() ? OptionalDouble.of(result.get().cpm()) : OptionalDouble.empty();
    }

    /** The sensitivities that the challenge asks for. */
    static Grid grid(FrocResult result) {
        List<String> header = new ArrayList<>(List.of("false positives per scan"));
        List<String> row = new ArrayList<>(List.of("nodules found"));
        for (OperatingPoint point : result.operatingPoints()) {
            double rate = point.falsePositivesPerScan();
            header.add(rate < 1 ? "1/" + Math.round(1 / rate) : Long.toString(Math.round(rate)));
            row.add(Figures.metric(point.sensitivity()));
        }
        header.add("CPM");
        row.add(Figures.metric(result.cpm()));
        return new Grid(header, List.of(row));
    }
}
