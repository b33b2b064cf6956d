package io.fedlearn.luna16.detect;

import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.lung.LungMask;
import java.util.List;

/**
 * Hears how far a detection is. All methods do nothing unless overridden; what they throw ends the detection.
 */
public interface DetectionListener {
    /** One that hears nothing. */
    DetectionListener NONE = new DetectionListener() {};

    /** The lungs were found, or given; not called if candidates are given. */
    default void lungsFound(LungMask lungs) {}

    /**
     * It is settled where to look.
     *
     * @param count of candidates in the scan
     * @param outside given candidates outside the scan, which are left out
     */
    default void candidatesFound(int count, List<Point> outside) {}

    /** So many candidates have been scored; called by any of the threads at work, and later counts may come first. */
    default void candidatesScored(int done, int total) {}
}
