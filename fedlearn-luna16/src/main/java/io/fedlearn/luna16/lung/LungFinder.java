package io.fedlearn.luna16.lung;

import io.fedlearn.luna16.image.MetaImageReader;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.resample.Resampler;
import io.fedlearn.luna16.resample.Workers;
import java.util.Objects;

/**
 * Finds the lungs in a CT by threshold and by what hangs together, on a grid of {@value LungMask#SPACING} mm. Immutable.
 *
 * <ol>
 *   <li>What is below the threshold is air. Air that in an axial slice hangs together with the slice's border is outside the
 *       body.
 *   <li>The airways begin in the trachea: a round spot of air in the middle of the body, slice after slice. From there they
 *       are followed as far as they are darker than a limit, which is lowered until what is found is no lung.
 *   <li>Of the air that is left, with a margin around the airways taken off, the largest piece that is not as empty as gas in a bowel is
 *       a lung, and the next the other one, if it is large enough. If both are one piece, because they touch, it
 *       is shrunk until it falls into two, from which it is shared out again.
 *   <li>Each lung is closed: gaps into which a ball of the closing radius does not fit become lung, and so does all that has
 *       lung around it. Nodules at the pleura are inside then, and vessels, and what lies between.
 * </ol>
 *
 * <p><b>Settings</b> (default): the threshold ({@value #DEFAULT_THRESHOLD} HU) and the closing radius
 * ({@value #DEFAULT_CLOSING} mm).
 *
 * <p><b>What it does not do.</b> A lung that is filled by fluid or tumour looks like the rest of the body, and is left out
 * beyond the closing radius. Pieces of a lung cut off from the rest are left out, too, and so is a lung in slices in which
 * the scanner's field of view cuts it off at the side: it looks like air around the patient.
 */
public final class LungFinder {
    /** Default HU below which voxels are air: {@value}. */
    public static final int DEFAULT_THRESHOLD = -400;

    /** Default millimetres of the ball that closes gaps: {@value}. */
    public static final double DEFAULT_CLOSING = 10;

    private static final double MAX_CLOSING = 50;
    private static final LungFinder DEFAULTS = new LungFinder(DEFAULT_THRESHOLD, DEFAULT_CLOSING, Workers.caller());

    private final int threshold;
    private final double closing;
    private final Workers workers;

    private LungFinder(int threshold, double closing, Workers workers) {
        this.threshold = threshold;
        this.closing = closing;
        this.workers = workers;
    }

    /** The defaults. */
    public static LungFinder defaults() {
        return DEFAULTS;
    }

    /**
     * This finder with another threshold.
     *
     * @param hu in [-900, -100]
     */
    public LungFinder withThreshold(int hu) {
        if (hu < -900 || hu > -100) {
            throw new IllegalArgumentException("threshold must be in [-900, -100] HU, was " + hu);
        }
        return new LungFinder(hu, closing, workers);
    }

    /**
     * This finder with another ball to close gaps.
     *
     * @param millimetres its radius, in [0, 50]; 0 closes none
     */
    public LungFinder withClosing(double millimetres) {
        if (!(millimetres >= 0 && millimetres <= MAX_CLOSING)) {
            throw new IllegalArgumentException("closing must be in [0, " + MAX_CLOSING + "] mm, was " + millimetres);
        }
        return new LungFinder(threshold, millimetres, workers);
    }

    /** This finder with other threads (default: {@linkplain Workers#caller() the calling one}). */
    public LungFinder withWorkers(Workers workers) {
        return new LungFinder(threshold, closing, Objects.requireNonNull(workers, "workers"));
    }

    /**
     * Finds the lungs of a scan. Besides the scan that takes less than 12 bytes for each voxel of the grid: 80 MB for a chest.
     *
     * @throws LungException if there are none to be seen
     */
    public LungMask find(Volume scan) {
        return search(resampler().resample(scan));
    }

    /**
     * Finds the lungs of a scan as its slices are read, which are not kept.
     *
     * @param scan none of whose slices has been read; all will be, and it stays open
     * @throws LungException if there are none to be seen
     * @throws io.fedlearn.luna16.image.VolumeException if it cannot be read
     */
    public LungMask find(MetaImageReader scan) {
        return search(resampler().resample(scan));
    }

    private Resampler resampler() {
        return Resampler.toSpacing(LungMask.SPACING).withWorkers(workers);
    }

    private LungMask search(Volume coarse) {
        return new LungSearch(coarse, threshold, closing, workers).run();
    }
}
