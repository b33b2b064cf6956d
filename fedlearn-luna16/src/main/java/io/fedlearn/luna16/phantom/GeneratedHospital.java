package io.fedlearn.luna16.phantom;

/**
 * What one hospital has of a generated data set.
 *
 * @param name as in {@value PhantomDataset#SITES}
 * @param scans at least 1
 * @param nodules in all its scans
 * @param positives candidates that are nodules
 * @param negatives candidates that are not
 * @param scanner how its scans look, in a few words
 */
public record GeneratedHospital(String name, int scans, int nodules, int positives, int negatives, String scanner) {}
