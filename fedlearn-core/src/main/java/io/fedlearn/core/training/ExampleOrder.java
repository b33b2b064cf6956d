package io.fedlearn.core.training;

import io.fedlearn.core.random.SeededRandom;
import java.util.Objects;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;

/** In which order a source gives its examples. */
public sealed interface ExampleOrder {
    /** As they lie, each once: for evaluation. */
    record Sequential() implements ExampleOrder {}

    /** In a random order that the seed alone determines, each once: an epoch of training. */
    record Shuffled(long seed) implements ExampleOrder {}

    /**
     * Each batch takes each example with this probability, independently, for so many batches: what the accountants of private
     * training assume. A batch that would not fit its capacity makes the reader fail rather than drop examples.
     *
     * <p>A reader takes one number per example and batch, in the order of {@link Sequential}, gives the examples whose number is
     * below the rate, and gives them in that order. So whoever makes the numbers can also choose examples one by one, which is
     * how all examples of a person are fetched together.
     *
     * @param seed for whatever else a source varies, such as augmentation
     * @param uniforms makes, for each reader, a source of uniform numbers in [0, 1), of which each example takes one per batch: the
     *     same numbers again where sampling is to be repeated, secret ones where privacy rests on nobody knowing the sample
     * @param rate in (0, 1]
     * @param batches at least 1
     */
    record PoissonSampled(long seed, Supplier<? extends DoubleSupplier> uniforms, double rate, long batches)
            implements ExampleOrder {
        /** Validates rate and count. */
        public PoissonSampled {
            if (!(rate > 0 && rate <= 1)) {
                throw new IllegalArgumentException("rate must be in (0, 1], was " + rate);
            }
            Objects.requireNonNull(uniforms, "uniforms");
            if (batches < 1) {
                throw new IllegalArgumentException("batches must be >= 1, was " + batches);
            }
        }
    }

    /** Poisson sampling that the seed alone determines. */
    static ExampleOrder poissonSampled(long seed, double rate, long batches) {
        return new PoissonSampled(seed, () -> SeededRandom.of(seed)::nextDouble, rate, batches);
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
