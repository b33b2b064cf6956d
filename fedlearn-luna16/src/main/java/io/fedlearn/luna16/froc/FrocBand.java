package io.fedlearn.luna16.froc;

import java.util.List;

/**
 * How far the curve would have been elsewhere with other scans: mean and bounds over bootstrap samples of the scans.
 *
 * @param confidence the share of the samples between the bounds
 * @param samples how many samples were drawn
 * @param points at {@value Froc#BAND_POINTS} rates from the lowest to the highest, evenly apart
 * @param operatingPoints at the rates that the score is made of
 * @param cpm of the mean of the sensitivities at those rates
 */
public record FrocBand(double confidence, int samples, List<Point> points, List<Point> operatingPoints, Spread cpm) {
    /** Copies the lists. */
    public FrocBand {
        points = List.copyOf(points);
        operatingPoints = List.copyOf(operatingPoints);
    }

    /**
     * A place of the band.
     *
     * @param falsePositivesPerScan the rate
     * @param sensitivity what the samples give there
     */
    public record Point(double falsePositivesPerScan, Spread sensitivity) {}

    /**
     * A number over the samples.
     *
     * @param mean of them
     * @param lower bound
     * @param upper bound
     */
    public record Spread(double mean, double lower, double upper) {}
}
