package io.fedlearn.luna16.froc;

/**
 * One of the rates that the score is made of.
 *
 * @param falsePositivesPerScan the rate
 * @param sensitivity the share of all nodules that are found at that rate
 * @param threshold the lowest that gives no more false positives; infinite if the most probable marks are already too many
 */
public record OperatingPoint(double falsePositivesPerScan, double sensitivity, double threshold) {}
