package io.fedlearn.privacy.accounting;

/** The epsilon of pure differential privacy, by basic composition. */
final class PureEpsilon {
    private PureEpsilon() {}

    /** The epsilon of an event that {@link Analysable} lets pass; infinite where there is none. */
    static double of(PrivacyEvent event) {
        if (event instanceof PrivacyEvent.Laplace laplace) {
            return Upward.divide(1, laplace.noiseMultiplier());
        }
        if (event instanceof PrivacyEvent.DiscreteLaplace laplace) {
            return Upward.divide(Upward.of(laplace.sensitivity()), laplace.scale());
        }
        if (event instanceof PrivacyEvent.RandomizedResponse response) {
            double other = response.randomProbability() / response.categories();
            return Upward.raise(StrictMath.log1p((1 - response.randomProbability()) / other), 1e-15);
        }
        if (event instanceof PrivacyEvent.PureLoss pure) {
            return pure.epsilon();
        }
        if (event instanceof PrivacyEvent.Composed composed) {
            double sum = 0;
            for (PrivacyEvent part : composed.events()) {
                sum = Upward.add(sum, of(part));
            }
            return sum;
        }
        if (event instanceof PrivacyEvent.Repeated repeated) {
            return repeated.count() == 0 ? 0 : Upward.multiply(Upward.of(repeated.count()), of(repeated.event()));
        }
        if (event instanceof PrivacyEvent.PoissonSampled sample) {
            return sampled(sample.rate(), of(sample.event()));
        }
        if (event instanceof PrivacyEvent.SampledWithoutReplacement sample) {
            double rate = Upward.divide(Upward.of(sample.sampleSize()), sample.populationSize());
            return sampled(Math.min(1, rate), of(sample.event()));
        }
        return Double.POSITIVE_INFINITY;
    }

    /** {@code log(1 + q (e^epsilon - 1))} (Balle, Barthe, Gaboardi 2018, Theorems 8 and 9). */
    static double sampled(double rate, double epsilon) {
        if (rate == 1 || epsilon == 0 || Double.isInfinite(epsilon)) {
            return epsilon;
        }
        double amplified = epsilon < 700
                ? StrictMath.log1p(rate * StrictMath.expm1(epsilon))
                : epsilon + StrictMath.log(rate) + (1 - rate) / rate * StrictMath.exp(-epsilon);
        return Math.min(epsilon, Upward.raise(amplified, 1e-14));
    }
}
