package io.fedlearn.luna16.dataset;

import java.util.Collection;

/**
 * How much there is of what in some scans.
 *
 * @param scans how many there are
 * @param scansWithNodules how many of them have an annotated nodule
 * @param nodules how many nodules are annotated
 * @param positives how many candidates are nodules
 * @param negatives how many candidates are none
 */
public record DatasetCounts(int scans, int scansWithNodules, int nodules, int positives, int negatives) {
    /** Counts. */
    public static DatasetCounts of(Collection<Scan> scans) {
        int withNodules = 0;
        int nodules = 0;
        int positives = 0;
        int candidates = 0;
        for (Scan scan : scans) {
            withNodules += scan.nodules().isEmpty() ? 0 : 1;
            nodules += scan.nodules().size();
            positives +=
                    (int) scan.candidates().stream().filter(Candidate::isNodule).count();
            candidates += scan.candidates().size();
        }
        return new DatasetCounts(scans.size(), withNodules, nodules, positives, candidates - positives);
    }

    /** How many candidates there are. */
    public int candidates() {
        return positives + negatives;
    }
}
