package io.fedlearn.privacy.accounting;

/**
 * How finely privacy losses are discretised.
 *
 * @param interval 0 if it is to be chosen
 * @param tailMass what may be cut off in all, 0 if it is to be chosen
 */
record PldSettings(double interval, double tailMass) {}
