package io.fedlearn.core.training;

import io.fedlearn.core.random.SeededRandom;
import java.util.function.DoubleSupplier;

/**
 * Readers for sources whose examples can be fetched one by one, by index: arrays, bytes, records of fixed length in a
 * file. Confined to one thread at a time.
 */
public final class IndexedReader {
    private IndexedReader() {}

    /** Fetches one example. */
    @FunctionalInterface
    public interface Copier {
        /**
         * Copies features and targets of an example into a batch.
         *
         * @param index of the example
         * @param batch to be written to
         * @param place in the batch, counted from 0
         */
        void copy(int index, Batch batch, int place);
    }

    /**
     * A reader of the examples with these indices.
     *
     * @param order in which examples come; the indices as they stand are the sequential one
     * @param indices of the examples; must not be changed while the reader is open
     * @param copier fetches an example
     */
    public static BatchReader open(ExampleOrder order, int[] indices, Copier copier) {
        if (order instanceof ExampleOrder.PoissonSampled sampled) {
            return new PoissonReader(sampled, indices, copier);
        }
        int[] sequence = indices;
        if (order instanceof ExampleOrder.Shuffled shuffled) {
            sequence = indices.clone();
            SeededRandom.of(shuffled.seed()).shuffle(sequence);
        }
        return new SequenceReader(sequence, copier);
    }

    private static final class SequenceReader implements BatchReader {
        private final int[] sequence;
        private final Copier copier;
        private int next;

        SequenceReader(int[] sequence, Copier copier) {
            this.sequence = sequence;
            this.copier = copier;
        }

        @Override
        public boolean read(Batch batch) {
            int count = Math.min(batch.capacity(), sequence.length - next);
            for (int i = 0; i < count; i++) {
                copier.copy(sequence[next + i], batch, i);
            }
            next += count;
            batch.resize(count);
            return count > 0;
        }

        @Override
        public void skip(long batches, Batch batch) {
            if (batches < 0) {
                throw new IllegalArgumentException("batches must be >= 0, was " + batches);
            }
            // Compared before it is multiplied, so that no number of batches overflows.
            long left = (sequence.length - next + batch.capacity() - 1L) / batch.capacity();
            next = batches >= left ? sequence.length : next + (int) batches * batch.capacity();
        }

        @Override
        public void close() {}
    }

    private static final class PoissonReader implements BatchReader {
        private final DoubleSupplier uniforms;
        private final double rate;
        private final int[] indices;
        private final Copier copier;
        private long left;

        PoissonReader(ExampleOrder.PoissonSampled sampled, int[] indices, Copier copier) {
            this.uniforms = sampled.uniforms().get();
            this.rate = sampled.rate();
            this.left = sampled.batches();
            this.indices = indices;
            this.copier = copier;
        }

        @Override
        public boolean read(Batch batch) {
            if (left == 0) {
                batch.resize(0);
                return false;
            }
            left--;
            int count = 0;
            for (int index : indices) {
                if (uniforms.getAsDouble() < rate) {
                    if (count == batch.capacity()) {
                        throw new IllegalStateException(
                                "a Poisson-sampled batch is larger than its capacity of " + batch.capacity());
                    }
                    copier.copy(index, batch, count++);
                }
            }
            batch.resize(count);
            return true;
        }

        @Override
        public void close() {}
    }
}
