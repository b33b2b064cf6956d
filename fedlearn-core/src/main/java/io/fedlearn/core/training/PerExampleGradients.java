package io.fedlearn.core.training;

/** A {@link LocalModel} that can also give the gradient of each example alone, which private training clips one by one. */
public interface PerExampleGradients {
    /** Receives the gradients of a batch. */
    @FunctionalInterface
    interface Receiver {
        /**
         * Takes one example's gradient.
         *
         * @param example its place in the batch
         * @param loss of this example
         * @param gradient of this example's loss; the array is reused for the next
         */
        void accept(int example, double loss, float[] gradient);
    }

    /** Computes the gradient of each example of the batch, in order. */
    void forEachGradient(Batch batch, Receiver receiver);
}
