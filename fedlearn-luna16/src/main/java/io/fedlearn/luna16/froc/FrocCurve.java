package io.fedlearn.luna16.froc;

import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;

/**
 * Sensitivity over false positives per scan. The first point is (0, 0); each of the others is of a probability that marks
 * have, with all marks that have it or more. Between points the curve is straight, beyond the last one level. Immutable.
 */
public final class FrocCurve {
    private final double[] rates;
    private final double[] sensitivities;
    private final double[] thresholds;
    private final List<Point> points = new Points();

    /** Takes ownership of the arrays, which are by rising rate. */
    FrocCurve(double[] rates, double[] sensitivities, double[] thresholds) {
        this.rates = rates;
        this.sensitivities = sensitivities;
        this.thresholds = thresholds;
    }

    /**
     * A point of the curve.
     *
     * @param falsePositivesPerScan on average over all scans
     * @param sensitivity the share of all nodules that are found
     * @param threshold the least probability of a mark that counts there; infinite at the start
     */
    public record Point(double falsePositivesPerScan, double sensitivity, double threshold) {}

    private final class Points extends AbstractList<Point> implements RandomAccess {
        @Override
        public Point get(int index) {
            return new Point(rates[index], sensitivities[index], thresholds[index]);
        }

        @Override
        public int size() {
            return rates.length;
        }
    }

    /** The points by falling threshold; at least the first. */
    public List<Point> points() {
        return points;
    }

    /**
     * The sensitivity at so many false positives per scan; where the curve rises straight up, that at the top.
     *
     * @param falsePositivesPerScan {@code >= 0}
     */
    public double sensitivityAt(double falsePositivesPerScan) {
        requireRate(falsePositivesPerScan);
        int last = Interpolation.lastAtMost(rates, rates.length, falsePositivesPerScan);
        return Interpolation.between(rates, sensitivities, rates.length, last, falsePositivesPerScan);
    }

    /**
     * The lowest threshold that gives no more than so many false positives per scan: what a system is to be run with.
     *
     * @param falsePositivesPerScan {@code >= 0}
     */
    public double thresholdAt(double falsePositivesPerScan) {
        requireRate(falsePositivesPerScan);
        return thresholds[Interpolation.lastAtMost(rates, rates.length, falsePositivesPerScan)];
    }

    private static void requireRate(double falsePositivesPerScan) {
        if (!(falsePositivesPerScan >= 0)) {
            throw new IllegalArgumentException("falsePositivesPerScan must be >= 0, was " + falsePositivesPerScan);
        }
    }

    @Override
    public String toString() {
        return rates.length + " points to " + points.get(rates.length - 1);
    }
}
