package io.fedlearn.luna16.froc;

import java.util.Arrays;

/** Entries by falling probability, of which curves are drawn, with any weights of the scans. Immutable once made. */
final class Ranked {
    private final int scans;
    private final int[] nodules;
    private final int[] codes;
    private final int[] starts;
    private final double[] thresholds;

    /**
     * Takes ownership of the arrays.
     *
     * @param nodules by scan, found or missed
     * @param codes the scan of each entry, or its complement for a found nodule
     * @param starts where the entries of each probability start, and where they end
     * @param thresholds the probabilities, falling
     */
    Ranked(int scans, int[] nodules, int[] codes, int[] starts, double[] thresholds) {
        this.scans = scans;
        this.nodules = nodules;
        this.codes = codes;
        this.starts = starts;
        this.thresholds = thresholds;
    }

    int scans() {
        return scans;
    }

    /** Room for the points of a curve; reused from one to the next. */
    final class Draft {
        final double[] rates = new double[thresholds.length + 1];
        final double[] sensitivities = new double[thresholds.length + 1];
        int size;

        /**
         * Draws the curve that comes of each scan as often as its weight says, up to the first point beyond a rate.
         *
         * @return whether there is one, which there is not without nodules
         */
        boolean draw(int[] weights, double highestRate) {
            long all = 0;
            for (int scan = 0; scan < scans; scan++) {
                all += (long) weights[scan] * nodules[scan];
            }
            long found = 0;
            long wrong = 0;
            for (int code : codes) {
                if (code < 0) {
                    found += weights[~code];
                } else {
                    wrong += weights[code];
                }
            }
            size = 1; // the point (0, 0)
            if (all == 0) {
                return false;
            }
            long foundSoFar = 0;
            long wrongSoFar = 0;
            for (int rank = 0; rank < thresholds.length; rank++) {
                long before = foundSoFar + wrongSoFar;
                for (int i = starts[rank]; i < starts[rank + 1]; i++) {
                    int code = codes[i];
                    if (code < 0) {
                        foundSoFar += weights[~code];
                    } else {
                        wrongSoFar += weights[code];
                    }
                }
                if (foundSoFar + wrongSoFar == before) {
                    continue; // a probability that only scans of weight 0 have
                }
                rates[size] = rate(wrongSoFar, wrong);
                sensitivities[size] = sensitivity(foundSoFar, found, all);
                if (rates[size++] > highestRate) {
                    break;
                }
            }
            return true;
        }

        /**
         * False positives per scan, by way of their share as in the official scoring: the detour's rounding moves a point
         * off a rate that it would lie on, one time in ten, and the curve may rise steeply there.
         */
        private double rate(long wrongSoFar, long wrong) {
            return wrong == 0 ? 0 : (double) wrongSoFar / wrong * wrong / scans;
        }

        private static double sensitivity(long foundSoFar, long found, long all) {
            return found == 0 ? 0 : (double) foundSoFar / found * found / all;
        }
    }

    /** The curve of all scans. */
    FrocCurve curve() {
        int[] once = new int[scans];
        Arrays.fill(once, 1);
        Draft draft = new Draft();
        draft.draw(once, Double.POSITIVE_INFINITY);
        double[] reached = new double[draft.size];
        reached[0] = Double.POSITIVE_INFINITY;
        // With all scans there is a point of every probability.
        System.arraycopy(thresholds, 0, reached, 1, draft.size - 1);
        return new FrocCurve(
                Arrays.copyOf(draft.rates, draft.size), Arrays.copyOf(draft.sensitivities, draft.size), reached);
    }
}
