package io.fedlearn.luna16.detect;

import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.lung.LungMask;
import io.fedlearn.luna16.lung.PatientBox;
import io.fedlearn.luna16.resample.Workers;
import java.util.ArrayList;
import java.util.List;

/**
 * Looks everywhere in the lungs: at the places of a regular grid. Misses nothing that the network would recognise when it is
 * half a step off, and costs tens of thousands of patches for a chest: 25,000 with the default step for 5 litres. Immutable.
 *
 * <p><b>Settings</b> (default, range): the step ({@value #DEFAULT_STEP} mm, [1, 50]) and how far beyond the lungs it looks
 * ({@value BlobFinder#DEFAULT_MARGIN} mm, [0, 30]).
 */
public final class SlidingWindow implements CandidateFinder {
    /** Default millimetres from one place to the next: {@value}. */
    public static final double DEFAULT_STEP = 6;

    private static final double LEAST_STEP = 1;
    private static final double MOST_STEP = 50;
    private static final SlidingWindow DEFAULTS = new SlidingWindow(DEFAULT_STEP, BlobFinder.DEFAULT_MARGIN);

    private final double step;
    private final double margin;

    private SlidingWindow(double step, double margin) {
        this.step = step;
        this.margin = margin;
        if (!(step >= LEAST_STEP && step <= MOST_STEP)) {
            throw new IllegalArgumentException(
                    "step must be in [" + LEAST_STEP + ", " + MOST_STEP + "] mm, was " + step);
        }
        BlobFinder.checkMargin(margin);
    }

    /** The defaults. */
    public static SlidingWindow defaults() {
        return DEFAULTS;
    }

    /** This window with another step, in millimetres, in [1, 50]. */
    public SlidingWindow withStep(double millimetres) {
        return new SlidingWindow(millimetres, margin);
    }

    /** This window looking so many millimetres beyond the lungs, in [0, 30]. */
    public SlidingWindow withMargin(double millimetres) {
        return new SlidingWindow(step, millimetres);
    }

    @Override
    public List<Point> find(Volume scan, LungMask lungs, Workers workers) {
        LungMask where = lungs.dilated(margin);
        PatientBox box = where.boundingBox();
        List<Point> places = new ArrayList<>();
        for (double z = box.low().z() + step / 2; z < box.high().z(); z += step) {
            for (double y = box.low().y() + step / 2; y < box.high().y(); y += step) {
                for (double x = box.low().x() + step / 2; x < box.high().x(); x += step) {
                    Point place = new Point(x, y, z);
                    if (where.contains(place) && scan.geometry().contains(place)) {
                        places.add(place);
                    }
                }
            }
        }
        return places;
    }

    @Override
    public String toString() {
        return "sliding window of " + step + " mm steps, " + margin + " mm beyond the lungs";
    }
}
