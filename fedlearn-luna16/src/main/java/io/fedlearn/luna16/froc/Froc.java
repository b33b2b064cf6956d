package io.fedlearn.luna16.froc;

import io.fedlearn.luna16.dataset.ReferenceStandard;
import io.fedlearn.luna16.dataset.Submission;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The scoring of the LUNA16 challenge: free-response receiver operating characteristic and competition performance metric,
 * as its official evaluation computes them. Immutable and thread-safe.
 *
 * <p><b>Matching</b>, in each scan:
 * <ul>
 *   <li>Of more than {@link Builder#marksPerScan} marks only those count that are more probable than the first one too many.
 *   <li>A mark is on a nodule or finding if it is nearer to its centre than its radius; on the sphere is outside.
 *   <li>A nodule with marks on it is found, with the probability of the most probable one; the others count neither way.
 *       One mark may find several nodules that overlap.
 *   <li>A mark on no nodule and on an excluded finding counts neither way. All others are false positives.
 *   <li>A nodule without a mark is missed: it counts among all nodules, and no threshold finds it.
 * </ul>
 *
 * <p><b>Curve.</b> With the threshold falling over the probabilities that found nodules and false positives have,
 * <pre>
 *   sensitivity           = nodules found at or above the threshold / all nodules
 *   false positives/scan  = false positives at or above it / all scans, those without marks included
 * </pre>
 * from (0, 0), straight between the points and level beyond the last. If there are no false positives, all points are at 0.
 * The score is the mean of the sensitivities at {@link #RATES}.
 *
 * <p><b>Band.</b> Each bootstrap sample draws as many scans as there are, with replacement, and the bounds at a rate are
 * taken from its sorted sensitivities at the positions {@code floor(N (1 - confidence) / 2)} and
 * {@code floor(N (1 + confidence) / 2)}, counted from 0. A sample without a nodule is drawn again: it has no sensitivity.
 *
 * <p><b>Defined</b> where the official evaluation is not: a submission without marks scores 0, as does one that finds no
 * nodule. A reference standard without nodules is refused.
 *
 * <p><b>Reference.</b> Setio et al., "Validation, comparison, and combination of algorithms for automatic detection of
 * pulmonary nodules in computed tomography images: The LUNA16 challenge", Medical Image Analysis 42 (2017),
 * arXiv:1612.08012. {@code docs/luna16-froc.md} has each rule with an example, and where other ports differ.
 *
 * <p>Cost: O(m f) per scan of m marks and f findings; a bootstrap sample takes about a millisecond, of which the marks that
 * lie below the highest rate take no part. Memory: 64 MiB for any number of samples. All on the calling thread.
 */
public final class Froc {
    /** The rates of false positives per scan that the score is made of. */
    public static final List<Double> RATES = List.of(0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0);
    /** How many marks of a scan count unless set otherwise: {@value}. */
    public static final int DEFAULT_MARKS_PER_SCAN = 100;
    /** The share of the bootstrap samples between the bounds unless set otherwise: {@value}. */
    public static final double DEFAULT_CONFIDENCE = 0.95;
    /** The most bootstrap samples: {@value}. */
    public static final int MAX_BOOTSTRAPS = 100_000;
    /** At how many rates the band is computed, beside those that the score is made of: {@value}. */
    public static final int BAND_POINTS = 10_000;

    private final List<Double> rates;
    private final int marksPerScan;
    private final int bootstraps;
    private final double confidence;
    private final long seed;

    private Froc(Builder builder) {
        this.rates = builder.rates;
        this.marksPerScan = builder.marksPerScan;
        this.bootstraps = builder.bootstraps;
        this.confidence = builder.confidence;
        this.seed = builder.seed;
    }

    /** The challenge's settings, without bootstraps. */
    public static Froc official() {
        return builder().build();
    }

    /** Settings, which start as the challenge's, without bootstraps. */
    public static Builder builder() {
        return new Builder();
    }

    /** Settings of a score. Confined to one thread at a time. */
    public static final class Builder {
        private List<Double> rates = RATES;
        private int marksPerScan = DEFAULT_MARKS_PER_SCAN;
        private int bootstraps;
        private double confidence = DEFAULT_CONFIDENCE;
        private long seed;

        private Builder() {}

        /** The rates of false positives per scan that the score is made of: rising, {@code > 0}; {@link #RATES}. */
        public Builder rates(List<Double> falsePositivesPerScan) {
            rates = List.copyOf(falsePositivesPerScan);
            return this;
        }

        /** How many marks of a scan count, at least 1; {@value Froc#DEFAULT_MARKS_PER_SCAN}. */
        public Builder marksPerScan(int most) {
            marksPerScan = most;
            return this;
        }

        /** How many bootstrap samples the band is taken from, up to {@value Froc#MAX_BOOTSTRAPS}; 0, for no band. */
        public Builder bootstraps(int samples) {
            bootstraps = samples;
            return this;
        }

        /** The share of the samples between the bounds, in (0, 1); {@value Froc#DEFAULT_CONFIDENCE}. */
        public Builder confidence(double share) {
            confidence = share;
            return this;
        }

        /** Where the bootstrap's randomness starts; 0. The same seed gives the same band. */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /**
         * The score with these settings.
         *
         * @throws IllegalArgumentException if one is out of range
         */
        public Froc build() {
            if (rates.isEmpty()) {
                throw new IllegalArgumentException("rates must not be empty");
            }
            double before = 0;
            for (double rate : rates) {
                if (!(rate > before && Double.isFinite(rate))) {
                    throw new IllegalArgumentException("rates must rise, be > 0 and finite, were " + rates);
                }
                before = rate;
            }
            if (marksPerScan < 1) {
                throw new IllegalArgumentException("marksPerScan must be >= 1, was " + marksPerScan);
            }
            if (bootstraps < 0 || bootstraps > MAX_BOOTSTRAPS) {
                throw new IllegalArgumentException(
                        "bootstraps must be from 0 to " + MAX_BOOTSTRAPS + ", was " + bootstraps);
            }
            if (!(confidence > 0 && confidence < 1)) {
                throw new IllegalArgumentException("confidence must be > 0 and < 1, was " + confidence);
            }
            return new Froc(this);
        }
    }

    /**
     * Scores what a system says of scans.
     *
     * @throws io.fedlearn.luna16.dataset.DatasetException if a mark is of a scan that does not count, and the submission was
     *     read from a file
     * @throws IllegalArgumentException if it was not, or if there is no nodule to be found
     */
    public FrocResult score(ReferenceStandard reference, Submission submission) {
        submission.requireSeriesOf(reference);
        if (reference.noduleCount() == 0) {
            throw new IllegalArgumentException("the reference standard must have a nodule, had none in its "
                    + reference.series().size() + " scans: there is no sensitivity");
        }
        Matching matching = Matching.of(reference, submission, marksPerScan);
        Ranked ranked = matching.entries().ranked();
        FrocCurve curve = ranked.curve();
        List<OperatingPoint> operatingPoints = new ArrayList<>();
        double sum = 0;
        for (double rate : rates) {
            double sensitivity = curve.sensitivityAt(rate);
            operatingPoints.add(new OperatingPoint(rate, sensitivity, curve.thresholdAt(rate)));
            sum += sensitivity;
        }
        Optional<FrocBand> band = bootstraps == 0
                ? Optional.empty()
                : Optional.of(new Bootstrap(ranked, bootstraps, seed, confidence).band(rates));
        return new FrocResult(
                curve,
                operatingPoints,
                sum / rates.size(),
                matching.counts(reference.series().size()),
                band,
                matching.marks(),
                matching.nodules());
    }
}
