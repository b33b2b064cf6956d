package io.fedlearn.core.training;

/** In which order a source gives its examples. */
public sealed interface ExampleOrder {
    /** As they lie, each once: for evaluation. */
    record Sequential() implements ExampleOrder {}

    /** In a random order that the seed alone determines, each once: an epoch of training. */
    record Shuffled(long seed) implements ExampleOrder {}

    /**
     * Each batch takes each example with this probability, independently, for so many batches: what the accountants of private
     * training assume. A batch that would not fit its capacity makes the reader fail rather than drop examples.
     */
    record PoissonSampled(long seed, double rate, long batches) implements ExampleOrder {
        /** Validates rate and count. */
        public PoissonSampled {
            if (!(rate > 0 && rate <= 1)) {
                throw new IllegalArgumentException("rate must be in (0, 1], was " + rate);
            }
            if (batches < 1) {
                throw new IllegalArgumentException("batches must be >= 1, was " + batches);
            }
        }
    }

    /** As they lie. */
    static ExampleOrder sequential() {
        return new Sequential();
    }

    /** In a random order. */
    static ExampleOrder shuffled(long seed) {
        return new Shuffled(seed);
    }
}
