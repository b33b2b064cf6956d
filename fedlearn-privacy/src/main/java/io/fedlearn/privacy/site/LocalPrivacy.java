package io.fedlearn.privacy.site;

import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.GridClipping;
import io.fedlearn.privacy.internal.GridSampler;

/**
 * How a site clips its update and which noise it adds, for local differential privacy: whatever its data were, replaced by any other
 * data, the noise must hide it. Two updates of norm {@code C} may lie {@code 2 C} apart, so {@code 2 C} is the sensitivity.
 *
 * <p>With noise multiplier {@code z} the noise of each number is Gaussian of standard deviation {@code 2 z C}, {@code C} being the
 * L2 norm, or Laplace of scale {@code 2 z C}, {@code C} being the L1 norm; rounded to whole steps of a grid. Laplace noise gives
 * epsilon {@code 1 / z} a round, and grows with the number of parameters: it is for models of a few.
 *
 * <p>Immutable and thread-safe.
 */
public final class LocalPrivacy {
    private final boolean laplace;
    private final double clippingNorm;
    private final double noiseMultiplier;
    private final long declaredExamples;
    private final GridSampler noise;

    private LocalPrivacy(
            boolean laplace, double clippingNorm, double noiseMultiplier, long declaredExamples, GridSampler noise) {
        this.laplace = laplace;
        this.clippingNorm = clippingNorm;
        this.noiseMultiplier = noiseMultiplier;
        this.declaredExamples = declaredExamples;
        this.noise = noise;
    }

    /**
     * Gaussian noise on an update clipped in the L2 norm.
     *
     * @param clippingNorm {@code C > 0}
     * @param noiseMultiplier {@code z > 0}
     */
    public static LocalPrivacy gaussian(double clippingNorm, double noiseMultiplier) {
        PrivacyEvent.Gaussian event = new PrivacyEvent.Gaussian(noiseMultiplier);
        double sensitivity = 2.0 * GridClipping.l2(clippingNorm).bound();
        return new LocalPrivacy(
                false, clippingNorm, event.noiseMultiplier(), 1, SiteNoise.gaussian(noiseMultiplier, sensitivity));
    }

    /**
     * Laplace noise on an update clipped in the L1 norm.
     *
     * @param clippingNorm {@code C > 0}
     * @param noiseMultiplier {@code z > 0}
     */
    public static LocalPrivacy laplace(double clippingNorm, double noiseMultiplier) {
        PrivacyEvent.Laplace event = new PrivacyEvent.Laplace(noiseMultiplier);
        double sensitivity = 2.0 * GridClipping.l1(clippingNorm).bound();
        return new LocalPrivacy(
                true, clippingNorm, event.noiseMultiplier(), 1, SiteNoise.laplace(noiseMultiplier, sensitivity));
    }

    /**
     * The same with another number to say in place of the count of examples; by default 1, so that every site counts alike.
     *
     * @param count at least 1, and public
     */
    public LocalPrivacy withDeclaredExamples(long count) {
        if (count < 1) {
            throw new IllegalArgumentException("declaredExamples must be >= 1, was " + count);
        }
        return new LocalPrivacy(laplace, clippingNorm, noiseMultiplier, count, noise);
    }

    /** What one answer releases, as an accountant of {@code REPLACE_ONE} sees it. */
    public PrivacyEvent event() {
        return laplace ? new PrivacyEvent.Laplace(noiseMultiplier) : new PrivacyEvent.Gaussian(noiseMultiplier);
    }

    /** What is said in place of the count of examples. */
    public long declaredExamples() {
        return declaredExamples;
    }

    GridClipping clipping() {
        return laplace ? GridClipping.l1(clippingNorm) : GridClipping.l2(clippingNorm);
    }

    GridSampler noise() {
        return noise;
    }

    @Override
    public String toString() {
        return (laplace ? "laplace" : "gaussian") + "(clippingNorm=" + clippingNorm + ", noiseMultiplier="
                + noiseMultiplier + ")";
    }
}
