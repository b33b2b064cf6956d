package io.fedlearn.privacy.accounting;

/**
 * Values of the loss of noise on whole numbers where there are too many to be taken one by one: neighbouring outputs in groups.
 *
 * <p>With probabilities under {@code Q}, a group adds {@code sum q_k f(exp(y_k))} to delta, {@code f} convex and increasing, after any
 * composition. The losses {@code y_k} rise in equal steps, so {@code exp(y_k)} lies below the chord between the ends of the group, and the
 * group's probability may go to its two ends: to the upper one as much as the mean place within the group, or more. Where
 * probabilities fall along the group that is at most a half. (This holds for {@code P} against {@code Q} alone; the noise is symmetric, so
 * it answers for both.)
 */
final class GroupedAtoms {
    /** How many groups there are at most. */
    static final int GROUPS = 1 << 17;
    /** From here on the first correction of an integral to a sum leaves less than 1e-13 of it, up to 37 sigma out. */
    static final double LEAST_SIGMA = 12_000;

    private static final GaussLegendre RULE = new GaussLegendre(5);

    private GroupedAtoms() {}

    /** Discrete Laplace noise, moved by the sensitivity. */
    static AtomicLoss.Atoms laplace(double scale, long sensitivity, int groups) {
        long each = (sensitivity - 1 + groups - 1) / groups;
        int count = Math.toIntExact((sensitivity - 1 + each - 1) / each);
        double[] losses = new double[count + 2];
        double[] probabilities = new double[count + 2];
        double end = 1 / (1 + Math.exp(-1 / scale));
        double least = sensitivity / scale;
        losses[0] = -least;
        probabilities[0] = end;
        for (int g = 0; g <= count; g++) {
            long from = Math.min(1 + g * each, sensitivity);
            long to = Math.min(from + each, sensitivity);
            losses[g + 1] = (2.0 * from - sensitivity) / scale;
            // tanh(1 / (2 s)) times a geometric sum.
            double mass = Math.exp(-from / scale) * -Math.expm1(-(to - from) / scale) / (1 + Math.exp(-1 / scale));
            probabilities[g + 1] += 0.5 * mass;
            if (to > from) {
                probabilities[g + 2] += 0.5 * mass;
            }
        }
        probabilities[count + 1] += end * Math.exp(-least);
        return new AtomicLoss.Atoms(losses, probabilities);
    }

    /**
     * Discrete Gaussian noise, moved by the sensitivity, between {@code -reach} and {@code reach + sensitivity}.
     *
     * @param sigma at least {@link #LEAST_SIGMA}
     */
    static AtomicLoss.Atoms gaussian(double sigma, double sensitivity, double reach, int groups) {
        double each = Math.ceil((2 * reach + sensitivity + 1) / groups);
        double[] losses = new double[groups + 1];
        double[] probabilities = new double[groups + 1];
        for (int g = 0; g < groups; g++) {
            double from = -reach + g * each;
            losses[g] = sensitivity / sigma * ((2 * from - sensitivity) / (2 * sigma));
            double mass = 0;
            for (int i = 0; i < RULE.count(); i++) {
                double place = (from - 0.5 + RULE.node(i) * each) / sigma;
                // The sum over whole numbers is the integral of f - f'' / 24; what is left of Euler's and Maclaurin's
                // series is tiny.
                double correction = 1 - (place * place - 1) / (24 * sigma * sigma);
                mass += RULE.weight(i) * Math.exp(-0.5 * place * place) * correction;
            }
            mass *= each / (sigma * Math.sqrt(2 * Math.PI));
            // Where probabilities rise along the group, by exp(rise), the mean place is at most 1/2 + rise / 12.
            double rise = Math.max(0, -from / sigma * (each / sigma));
            double upper = Math.min(1, 0.5 + rise / 8);
            probabilities[g] += (1 - upper) * mass;
            probabilities[g + 1] += upper * mass;
        }
        double last = -reach + groups * each;
        losses[groups] = sensitivity / sigma * ((2 * last - sensitivity) / (2 * sigma));
        return new AtomicLoss.Atoms(losses, probabilities);
    }
}
