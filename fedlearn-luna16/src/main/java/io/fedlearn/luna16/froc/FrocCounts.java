package io.fedlearn.luna16.froc;

/**
 * How many there are of what, at the lowest threshold.
 *
 * @param scans all that count, also those without a mark or a nodule
 * @param nodules found and missed
 * @param marks of those scans, without {@code surplus}
 * @param truePositives nodules that were found
 * @param falsePositives marks on nothing
 * @param falseNegatives nodules that were missed
 * @param ignored marks on excluded findings and on no nodule
 * @param doubles marks on found nodules beyond one each; a mark on two nodules may count with either
 * @param surplus marks beyond those of a scan that count
 */
public record FrocCounts(
        int scans,
        int nodules,
        int marks,
        int truePositives,
        int falsePositives,
        int falseNegatives,
        int ignored,
        int doubles,
        int surplus) {
    /** The share of the nodules that were found. */
    public double sensitivity() {
        return (double) truePositives / nodules;
    }

    /** How many marks there are in a scan, on average. */
    public double marksPerScan() {
        return (double) marks / scans;
    }
}
