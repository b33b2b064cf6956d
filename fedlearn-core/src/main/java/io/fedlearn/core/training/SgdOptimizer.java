package io.fedlearn.core.training;

/**
 * Stochastic gradient descent with momentum and weight decay over flat parameters: {@code g = g + weightDecay w},
 * {@code v = momentum v + g}, {@code w = w - learningRate v}, with {@code v = 0} at first. For {@link LocalModel}s without an
 * optimizer of their own. Confined to one thread at a time.
 */
public final class SgdOptimizer {
    private static final float[] NO_VELOCITY = {};

    private final float learningRate;
    private final float momentum;
    private final float weightDecay;
    private float[] velocity = NO_VELOCITY;

    private SgdOptimizer(TrainingSettings settings) {
        this.learningRate = (float) settings.learningRate();
        this.momentum = (float) settings.momentum();
        this.weightDecay = (float) settings.weightDecay();
    }

    /** An optimizer with the learning rate, momentum and weight decay of these settings. */
    public static SgdOptimizer of(TrainingSettings settings) {
        return new SgdOptimizer(settings);
    }

    /** Moves the parameters by one step along this gradient, in place. */
    public void step(float[] trainables, float[] gradient) {
        if (momentum == 0) {
            for (int i = 0; i < trainables.length; i++) {
                trainables[i] -= learningRate * (gradient[i] + weightDecay * trainables[i]);
            }
            return;
        }
        if (velocity.length != trainables.length) {
            velocity = new float[trainables.length];
        }
        for (int i = 0; i < trainables.length; i++) {
            velocity[i] = momentum * velocity[i] + (gradient[i] + weightDecay * trainables[i]);
            trainables[i] -= learningRate * velocity[i];
        }
    }
}
