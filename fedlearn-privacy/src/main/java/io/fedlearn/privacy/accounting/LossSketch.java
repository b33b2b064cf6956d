package io.fedlearn.privacy.accounting;

/** Values of a privacy loss with their probabilities: enough to choose a tilt, a window and an interval. Immutable. */
final class LossSketch {
    /** Beyond this exponent {@code expm1} would be infinite. */
    private static final double LARGEST_EXPONENT = 600;

    private final double[] losses;
    private final double[] masses;

    /** Takes both arrays over. */
    LossSketch(double[] losses, double[] masses) {
        this.losses = losses;
        this.masses = masses;
    }

    /** The loss of the pair the other way round: {@code -L} with probability {@code P(L) exp(-L)}. */
    LossSketch reversed() {
        double[] negated = new double[losses.length];
        double[] weighed = new double[losses.length];
        for (int i = 0; i < losses.length; i++) {
            negated[i] = -losses[i];
            weighed[i] = masses[i] * Math.exp(-losses[i]);
        }
        return new LossSketch(negated, weighed);
    }

    double least() {
        double least = Double.POSITIVE_INFINITY;
        for (double loss : losses) {
            least = Math.min(least, loss);
        }
        return least;
    }

    double largest() {
        double largest = Double.NEGATIVE_INFINITY;
        for (double loss : losses) {
            largest = Math.max(largest, loss);
        }
        return largest;
    }

    /** The variance of the loss. */
    double variance() {
        double mean = 0;
        for (int i = 0; i < losses.length; i++) {
            mean += masses[i] * losses[i];
        }
        double variance = 0;
        for (int i = 0; i < losses.length; i++) {
            variance += masses[i] * (losses[i] - mean) * (losses[i] - mean);
        }
        return variance;
    }

    /** {@code ln E exp(theta L)}, also where it is tiny. */
    double cumulant(double theta) {
        double top = theta > 0 ? theta * largest() : theta * least();
        double sum = 0;
        if (top < LARGEST_EXPONENT) {
            for (int i = 0; i < losses.length; i++) {
                sum += masses[i] * Math.expm1(theta * losses[i]);
            }
            return Math.log1p(Math.max(sum, -1 + 0x1p-53));
        }
        double reference = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < losses.length; i++) {
            if (masses[i] > 0) {
                reference = Math.max(reference, theta * losses[i] + Math.log(masses[i]));
            }
        }
        for (int i = 0; i < losses.length; i++) {
            if (masses[i] > 0) {
                sum += Math.exp(theta * losses[i] + Math.log(masses[i]) - reference);
            }
        }
        return reference + Math.log(sum);
    }

    /** The tilted mean of what splitting a loss between two multiples of the interval adds to its variance. */
    double splitVariance(double tilt, double interval) {
        double cumulant = cumulant(tilt);
        double sum = 0;
        for (int i = 0; i < losses.length; i++) {
            double place = losses[i] / interval;
            double share = place - Math.floor(place);
            sum += masses[i] * Math.exp(tilt * losses[i] - cumulant) * share * (1 - share);
        }
        return sum * interval * interval;
    }
}
