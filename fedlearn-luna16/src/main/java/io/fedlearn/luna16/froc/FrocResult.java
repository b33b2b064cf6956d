package io.fedlearn.luna16.froc;

import java.util.List;
import java.util.Optional;

/**
 * How well a system finds nodules.
 *
 * @param curve sensitivity over false positives per scan
 * @param operatingPoints the sensitivities at the rates that the score is made of
 * @param cpm the competition performance metric: the mean of those sensitivities
 * @param counts of marks and nodules
 * @param band over bootstrap samples, if any were asked for
 * @param marks what became of each mark, by the order of the scans and of their marks
 * @param nodules what became of each nodule, by the order of the scans and of their nodules
 */
public record FrocResult(
        FrocCurve curve,
        List<OperatingPoint> operatingPoints,
        double cpm,
        FrocCounts counts,
        Optional<FrocBand> band,
        List<MarkOutcome> marks,
        List<NoduleOutcome> nodules) {
    /** Copies the lists. */
    public FrocResult {
        operatingPoints = List.copyOf(operatingPoints);
        marks = List.copyOf(marks);
        nodules = List.copyOf(nodules);
    }
}
