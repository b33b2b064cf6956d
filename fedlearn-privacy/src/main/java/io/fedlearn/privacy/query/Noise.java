package io.fedlearn.privacy.query;

/** Which noise is added to an answer, and so what the answer costs. */
public sealed interface Noise {
    /** Pure differential privacy, by Laplace noise or the exponential mechanism. */
    static Noise laplace(double epsilon) {
        return new Laplace(epsilon);
    }

    /** Approximate differential privacy, by Gaussian noise: smaller noise for many numbers at once. */
    static Noise gaussian(double epsilon, double privacyDelta) {
        return new Gaussian(epsilon, privacyDelta);
    }

    /** The privacy loss of the whole query, all its groups and numbers together. */
    double epsilon();

    /**
     * Pure differential privacy.
     *
     * @param epsilon {@code > 0} and finite
     */
    record Laplace(double epsilon) implements Noise {
        /** Validates the range. */
        public Laplace {
            requireEpsilon(epsilon);
        }

        @Override
        public String toString() {
            return "laplace(epsilon=" + epsilon + ")";
        }
    }

    /**
     * Approximate differential privacy.
     *
     * @param epsilon {@code > 0} and finite
     * @param privacyDelta in (0, 1)
     */
    record Gaussian(double epsilon, double privacyDelta) implements Noise {
        /** Validates the ranges. */
        public Gaussian {
            requireEpsilon(epsilon);
            if (!(privacyDelta > 0 && privacyDelta < 1)) {
                throw new IllegalArgumentException("privacyDelta must be in (0, 1), was " + privacyDelta);
            }
        }

        @Override
        public String toString() {
            return "gaussian(epsilon=" + epsilon + ", privacyDelta=" + privacyDelta + ")";
        }
    }

    private static void requireEpsilon(double epsilon) {
        if (!(epsilon > 0) || Double.isInfinite(epsilon)) {
            throw new IllegalArgumentException("epsilon must be > 0 and finite, was " + epsilon);
        }
    }
}
