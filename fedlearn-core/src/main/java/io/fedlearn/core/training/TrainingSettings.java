package io.fedlearn.core.training;

import io.fedlearn.core.task.Config;
import java.util.Set;
import java.util.function.DoublePredicate;

/**
 * How a client trains in one round. Immutable.
 *
 * <p>The coordinator sends them as a task's {@link Config}, under the names of the constants here; a client of another
 * implementation may read them there.
 */
public final class TrainingSettings {
    /** Setting {@value}: how many times the training examples are passed over. */
    public static final String LOCAL_EPOCHS = "localEpochs";

    /** Setting {@value}: examples per step. */
    public static final String BATCH_SIZE = "batchSize";

    /** Setting {@value}: the step size of the client's optimizer. */
    public static final String LEARNING_RATE = "learningRate";

    /** Setting {@value}: the share of the last step that is taken again, in [0, 1). */
    public static final String MOMENTUM = "momentum";

    /** Setting {@value}: the factor of the L2 penalty's gradient. */
    public static final String WEIGHT_DECAY = "weightDecay";

    /** Setting {@value}: the weight of FedProx's proximal term. */
    public static final String MU = "mu";

    /** Setting {@value}: the most steps in a round, 0 for no limit; what ends first, epochs or steps, ends training. */
    public static final String MAX_STEPS = "maxSteps";

    /** Default of {@link #localEpochs()}: {@value}. */
    public static final int DEFAULT_LOCAL_EPOCHS = 1;

    /** Default of {@link #batchSize()}: {@value}. */
    public static final int DEFAULT_BATCH_SIZE = 32;

    /** Default of {@link #learningRate()}: {@value}. */
    public static final double DEFAULT_LEARNING_RATE = 0.1;

    private static final Set<String> NAMES =
            Set.of(LOCAL_EPOCHS, BATCH_SIZE, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY, MU, MAX_STEPS);
    private static final TrainingSettings DEFAULTS = new TrainingSettings(Config.empty());

    private final Config config;
    private final int localEpochs;
    private final int batchSize;
    private final double learningRate;
    private final double momentum;
    private final double weightDecay;
    private final double mu;
    private final long maxSteps;

    private TrainingSettings(Config config) {
        this.localEpochs = (int) whole(config, LOCAL_EPOCHS, DEFAULT_LOCAL_EPOCHS, 1, 1_000_000);
        this.batchSize = (int) whole(config, BATCH_SIZE, DEFAULT_BATCH_SIZE, 1, 1 << 24);
        this.learningRate = number(config, LEARNING_RATE, DEFAULT_LEARNING_RATE, "> 0", value -> value > 0);
        this.momentum = number(config, MOMENTUM, 0, "in [0, 1)", value -> value >= 0 && value < 1);
        this.weightDecay = number(config, WEIGHT_DECAY, 0, ">= 0", value -> value >= 0);
        this.mu = number(config, MU, 0, ">= 0", value -> value >= 0);
        this.maxSteps = whole(config, MAX_STEPS, 0, 0, Long.MAX_VALUE);
        this.config = Config.empty()
                .with(LOCAL_EPOCHS, localEpochs)
                .with(BATCH_SIZE, batchSize)
                .with(LEARNING_RATE, learningRate)
                .with(MOMENTUM, momentum)
                .with(WEIGHT_DECAY, weightDecay)
                .with(MU, mu)
                .with(MAX_STEPS, maxSteps);
    }

    private static long whole(Config config, String name, long defaultValue, long least, long most) {
        long value = config.getLong(name).orElse(defaultValue);
        if (value < least || value > most) {
            throw new IllegalArgumentException(name + " must be in [" + least + ", " + most + "], was " + value);
        }
        return value;
    }

    private static double number(
            Config config, String name, double defaultValue, String constraint, DoublePredicate valid) {
        double value = config.getDouble(name).orElse(defaultValue);
        if (!valid.test(value)) {
            throw new IllegalArgumentException(name + " must be " + constraint + ", was " + value);
        }
        return value;
    }

    /** The defaults: one epoch, batches of {@value #DEFAULT_BATCH_SIZE}, plain SGD at {@value #DEFAULT_LEARNING_RATE}. */
    public static TrainingSettings defaults() {
        return DEFAULTS;
    }

    /**
     * What a task's configuration says; what it does not say is the default, and what it says beyond is for others.
     *
     * @throws IllegalArgumentException if a setting is out of range or of the wrong type
     */
    public static TrainingSettings of(Config config) {
        return new TrainingSettings(config);
    }

    /** These settings with so many passes over the training examples, at least 1. */
    public TrainingSettings withLocalEpochs(int epochs) {
        return with(LOCAL_EPOCHS, epochs);
    }

    /** These settings with so many examples per step, at least 1; a source with fewer gives what it has. */
    public TrainingSettings withBatchSize(int examples) {
        return with(BATCH_SIZE, examples);
    }

    /** These settings with another step size, {@code > 0}. */
    public TrainingSettings withLearningRate(double rate) {
        return with(LEARNING_RATE, rate);
    }

    /** These settings with another momentum, in [0, 1). */
    public TrainingSettings withMomentum(double share) {
        return with(MOMENTUM, share);
    }

    /** These settings with another weight decay, {@code >= 0}. */
    public TrainingSettings withWeightDecay(double factor) {
        return with(WEIGHT_DECAY, factor);
    }

    /** These settings with another proximal term, {@code >= 0}. */
    public TrainingSettings withMu(double weight) {
        return with(MU, weight);
    }

    /** These settings with a limit to the steps of a round, 0 for none. */
    public TrainingSettings withMaxSteps(long steps) {
        return with(MAX_STEPS, steps);
    }

    private TrainingSettings with(String name, Object value) {
        return new TrainingSettings(config.with(name, value));
    }

    /** How many times the training examples are passed over. */
    public int localEpochs() {
        return localEpochs;
    }

    /** Examples per step. */
    public int batchSize() {
        return batchSize;
    }

    /** The step size. */
    public double learningRate() {
        return learningRate;
    }

    /** The share of the last step that is taken again: {@code v = momentum v + g, w = w - learningRate v}. */
    public double momentum() {
        return momentum;
    }

    /** The factor of the L2 penalty's gradient: {@code g = g + weightDecay w}. */
    public double weightDecay() {
        return weightDecay;
    }

    /** The weight of the proximal term: {@code g = g + mu (w - w_global)}. */
    public double mu() {
        return mu;
    }

    /** The most steps in a round; 0 for no limit. */
    public long maxSteps() {
        return maxSteps;
    }

    /** All settings, for a task. */
    public Config toConfig() {
        return config;
    }

    /** The names under which the settings travel. */
    public static Set<String> names() {
        return NAMES;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TrainingSettings && config.equals(((TrainingSettings) other).config);
    }

    @Override
    public int hashCode() {
        return config.hashCode();
    }

    @Override
    public String toString() {
        return config.toString();
    }
}
