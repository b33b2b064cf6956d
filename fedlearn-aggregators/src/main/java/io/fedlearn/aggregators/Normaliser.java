package io.fedlearn.aggregators;

import io.fedlearn.core.training.TrainingSettings;

/**
 * How often the gradients of a client's local steps are in its model delta, FedNova's {@code ||a_k||_1}: with a gradient
 * {@code g} that stays the same, {@code w - w_k = eta ||a_k||_1 g}. FedNova divides by it, and SCAFFOLD's clients too,
 * so that both agree on what momentum and the proximal term make of a number of steps.
 *
 * <p>For {@code tau} steps it is {@code tau} with plain SGD, {@code (tau - rho (1 - rho^tau) / (1 - rho)) / (1 - rho)}
 * with momentum {@code rho}, {@code (1 - (1 - eta mu)^tau) / (eta mu)} with a proximal term. Here it is counted step by
 * step, which holds for both together, and takes neither a power nor a small difference of large numbers; where strong
 * momentum and {@code mu} together let an early gradient in with the other sign, the sum takes it so. Weight decay is part of
 * the gradient.
 */
final class Normaliser {
    private Normaliser() {}

    /**
     * What so many steps with these settings amount to.
     *
     * @throws IllegalArgumentException if the settings are not {@link #requireSupported supported}
     */
    static double of(long steps, TrainingSettings settings) {
        requireSupported(settings);
        if (settings.momentum() == 0 && settings.mu() == 0) {
            return steps;
        }
        double pull = settings.learningRate() * settings.mu();
        double velocity = 0;
        double sum = 0;
        for (long i = 0; i < steps; i++) {
            velocity = settings.momentum() * velocity + 1 - pull * sum;
            sum += velocity;
        }
        return sum;
    }

    /**
     * Refuses settings under which gradients would enter with alternating signs, where nothing can be divided by.
     *
     * @throws IllegalArgumentException if {@code learningRate mu} is 1 or more
     */
    static void requireSupported(TrainingSettings settings) {
        double pull = settings.learningRate() * settings.mu();
        if (pull >= 1) {
            throw new IllegalArgumentException("learningRate * mu must be < 1, was " + pull);
        }
    }
}
