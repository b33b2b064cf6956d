package io.fedlearn.core.training;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;

/**
 * A model that can be trained at a site: what it loses on a batch, in which direction it loses less, and its parameters as
 * tensors. A machine-learning library is bound to FedLearn by implementing this.
 *
 * <p>The trainable parameters, and gradients by them, are also seen as one flat array: the trainable tensors in the order of
 * {@link #spec()}, each row-major.
 *
 * <p>Rules for implementers, tested by {@code LocalModelContract}: (1) {@link #load} followed by {@link #snapshot} gives the
 * same bits; (2) the gradient is that of the loss, averaged over the batch; (3) the same calls give the same bits; (4) after
 * {@link #startTraining} nothing is left of earlier training but the parameters; (5) a snapshot does not change when training
 * goes on. Mutable and confined to one thread at a time.
 */
public interface LocalModel {
    /** Names, types, shapes and roles of the parameters and buffers. */
    ModelSpec spec();

    /** A model to start a federation from; the same for the same seed. */
    Model initialModel(long seed);

    /** Takes over the values of a model of this {@link #spec()}. */
    void load(Model model);

    /** The values as they are now. */
    Model snapshot();

    /**
     * The trainable parameters in one flat array: to be read, not written, and valid until the next call that changes them.
     */
    float[] trainables();

    /** Prepares for training anew: forgets the optimizer's momentum and seeds whatever is random, such as dropout. */
    void startTraining(TrainingSettings settings, long seed);

    /**
     * Says that the training examples are passed over once more, epoch {@code epoch} counted from 0 since
     * {@link #startTraining}. The default does nothing.
     */
    default void beginEpoch(int epoch) {}

    /** Says that this pass has ended, or was cut short by the limit of steps. The default does nothing. */
    default void endEpoch(int epoch) {}

    /**
     * Computes loss and gradient at the present parameters.
     *
     * @param batch at least one example
     * @param gradient receives the gradient of the mean loss, as long as {@link #trainables()}
     * @return the mean loss over the batch
     */
    double lossAndGradient(Batch batch, float[] gradient);

    /** Moves the parameters by one step of the model's optimizer along this gradient, which may be overwritten. */
    void applyGradient(float[] gradient);

    /** What the outputs mean. */
    Objective objective();

    /** The shape of the features of one example. */
    Shape featureShape();

    /** How many outputs the model gives for one example. */
    int outputLength();

    /**
     * Applies the model without training it.
     *
     * @param outputs receives {@code batch.size() * outputLength()} values, row after row
     * @return the sum of the losses of the batch's examples
     */
    double evaluate(Batch batch, float[] outputs);
}
