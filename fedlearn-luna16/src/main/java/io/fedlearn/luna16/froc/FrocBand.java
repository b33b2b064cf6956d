package io.fedlearn.luna16.froc;

import java.util.List;

/**
 * How far the curve would have been elsewhere with other scans: mean and bounds over bootstrap samples of the scans.
 *
 * @param confidence the share of the samples between the bounds
 * @param samples how many samples were drawn
 * @param points at {@value Froc#BAND_POINTS} rates from the lowest to the highest, evenly apart
 * @param operatingPoints at the rates that the score is made of
 * @param cpm of the mean of the sensitivities at those rates, with its rate 0
 */
public record FrocBand(double confidence, int samples, List<Point> points, List<Point> operatingPoints, Point cpm) {
    /** Copies the lists. */
    public FrocBand {
        points = List.copyOf(points);
        operatingPoints = List.copyOf(operatingPoints);
    }

    /**
     * What the samples give at one rate.
     *
     * @param falsePositivesPerScan the rate
     * @param mean over the samples
     * @param lower bound
     * @param upper bound
     */
    public record Point(double falsePositivesPerScan, double mean, double lower, double upper) {}
}
