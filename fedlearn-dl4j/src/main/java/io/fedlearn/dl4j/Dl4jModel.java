package io.fedlearn.dl4j;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.PerExampleGradients;
import io.fedlearn.core.training.SgdOptimizer;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.dl4j.Parameters.Penalty;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.LongFunction;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A network of DL4J as a local model: any {@link MultiLayerNetwork}, and any {@link ComputationGraph} with one input and one
 * output, of data type FLOAT.
 *
 * <p><b>Tensors</b> are called after layer and parameter, such as {@code conv1.weight}: a layer's name, or {@code layer0},
 * {@code layer1}, … where layers have none of their own (in a graph, the vertex's name), and {@code weight}, {@code bias},
 * {@code recurrentWeight} for DL4J's {@code W}, {@code b}, {@code RW}; other parameters keep DL4J's name. They come in the
 * order in which they lie in the network's memory. What DL4J keeps column by column has its dimensions reversed, so that the
 * tensor is row-major: the weights of a dense layer are outputs × inputs, as in other libraries. The running statistics of
 * batch-norm ({@code mean}, {@code var} or {@code log10stdev}) are buffers, and so is what a frozen layer holds.
 *
 * <p><b>Loss.</b> The mean of the network's loss over the batch, and the configuration's L1 and L2 penalties. The gradient is
 * that of this sum. {@link #evaluate} sums the network's loss alone, without penalties.
 *
 * <p><b>Step.</b> Gradient normalisation, if the configuration has one, is done to the gradient that
 * {@link #applyGradient} gets (corrections and penalties included), then the optimizer steps: FedLearn's
 * {@link SgdOptimizer} with the settings' learning rate, momentum and weight decay, or, with
 * {@link Builder#networkUpdater()}, the updater of the configuration. The configuration's weight decay and constraints
 * follow. Batch-norm's statistics move with the step, by what the last gradient's batch showed.
 *
 * <p>Everything random is drawn from the seed of {@link #startTraining} and the number of the step, so that the same calls
 * give the same bits on whatever thread.
 *
 * <p>The network is the model's own: what is given is copied. Mutable and confined to one thread at a time.
 */
public final class Dl4jModel implements LocalModel, PerExampleGradients {
    /** Default of {@link Builder#evaluationBatchSize(int)}: {@value}. */
    public static final int DEFAULT_EVALUATION_BATCH_SIZE = 32;

    private final Network network;
    private final Shape featureShape;
    private final Objective objective;
    private final List<TrainingListener> listeners;
    private final boolean networkUpdater;
    private final int evaluationBatchSize;
    private final LongFunction<Network> source;
    private final LongFunction<Model> initial;

    private final Parameters parameters;
    private final GradientLimits limits;
    private final FloatBuffer memory;
    private final FloatBuffer gradientMemory;
    private final Input input;
    private final Output output;

    private final float[] trainables;
    private boolean trainablesCurrent;
    // Of batch-norm: what the next step subtracts from its statistics.
    private final float[] statisticUpdates;
    private final float[] statistics;
    private boolean statisticsWait;

    private Optional<Step> step = Optional.empty();
    private long seed;
    private long gradientCount;
    private float[] exampleGradient = new float[0];
    private final int gradientBatchSize;
    private final float[] partGradient;

    private Dl4jModel(Builder builder) {
        this.network = builder.source.apply(0);
        this.source = builder.source;
        network.requireTrainable();
        this.featureShape = builder.featureShape;
        this.objective = builder.objective;
        this.listeners = builder.listeners;
        this.networkUpdater = builder.networkUpdater;
        this.evaluationBatchSize = builder.evaluationBatchSize;
        this.parameters = Parameters.of(network);
        this.limits = GradientLimits.of(parameters);
        this.memory = Network.floats(network.parameters());
        this.gradientMemory = Network.floats(network.gradients());
        this.input = new Input(featureShape);
        this.output = Output.of(network, objective, input.zero());
        this.trainables = new float[parameters.trainableCount()];
        this.gradientBatchSize = builder.gradientBatchSize;
        this.partGradient = new float[gradientBatchSize < Integer.MAX_VALUE ? trainables.length : 0];
        this.statisticUpdates = new float[parameters.statisticCount()];
        this.statistics = new float[parameters.statisticCount()];
        Model start = parameters.snapshot(memory);
        this.initial = builder.seeded ? this::seededModel : ignored -> start;
        network.setListeners(new ArrayList<>(listeners));
    }

    /** A model of this configuration. */
    public static Dl4jModel of(MultiLayerConfiguration configuration, Shape featureShape, Objective objective) {
        return builder(configuration, featureShape, objective).build();
    }

    /** A model of this configuration. */
    public static Dl4jModel of(ComputationGraphConfiguration configuration, Shape featureShape, Objective objective) {
        return builder(configuration, featureShape, objective).build();
    }

    /** A model that starts as a copy of this network, which is left as it is. */
    public static Dl4jModel of(MultiLayerNetwork network, Shape featureShape, Objective objective) {
        return builder(network, featureShape, objective).build();
    }

    /** A model that starts as a copy of this network, which is left as it is. */
    public static Dl4jModel of(ComputationGraph network, Shape featureShape, Objective objective) {
        return builder(network, featureShape, objective).build();
    }

    /**
     * A builder for models of this configuration.
     *
     * @param featureShape of one example, such as {@code 1x32x48x48}: channels, depth, height, width
     */
    public static Builder builder(MultiLayerConfiguration configuration, Shape featureShape, Objective objective) {
        MultiLayerConfiguration own = configuration.clone();
        return builder(featureShape, objective, seed -> Network.of(own, seed), true);
    }

    /** A builder for models of this configuration, whose graph must have one input and one output. */
    public static Builder builder(
            ComputationGraphConfiguration configuration, Shape featureShape, Objective objective) {
        ComputationGraphConfiguration own = configuration.clone();
        return builder(featureShape, objective, seed -> Network.of(own, seed), true);
    }

    /** A builder for models that start as a copy of this network; it must not change until the last is built. */
    public static Builder builder(MultiLayerNetwork network, Shape featureShape, Objective objective) {
        return builder(featureShape, objective, seed -> Network.of(network.clone()), false);
    }

    /** A builder for models that start as a copy of this network; it must not change until the last is built. */
    public static Builder builder(ComputationGraph network, Shape featureShape, Objective objective) {
        return builder(featureShape, objective, seed -> Network.of(network.clone()), false);
    }

    static Builder builder(Shape featureShape, Objective objective, LongFunction<Network> source, boolean seeded) {
        return new Builder(
                featureShape,
                objective,
                source,
                seeded,
                false,
                DEFAULT_EVALUATION_BATCH_SIZE,
                Integer.MAX_VALUE,
                List.of());
    }

    @Override
    public ModelSpec spec() {
        return parameters.spec();
    }

    /** A configuration's parameters as DL4J draws them by the seed; a network's as they were when the model was made. */
    @Override
    public Model initialModel(long seed) {
        return initial.apply(seed);
    }

    private Model seededModel(long seed) {
        return NativeWork.run(() -> "for an initial model", () -> {
            Network drawn = source.apply(seed);
            Model model = parameters.snapshot(Network.floats(drawn.parameters()));
            drawn.parameters().close();
            return model;
        });
    }

    /**
     * Takes over the values of a model.
     *
     * @throws IllegalArgumentException if it is not of this {@link #spec()}, naming the first tensor that differs
     */
    @Override
    public void load(Model model) {
        requireSpec(model.spec());
        parameters.load(model, memory);
        trainablesCurrent = false;
        statisticsWait = false;
    }

    /** The network, with the present values. */
    Network network() {
        return network;
    }

    void requireSpec(ModelSpec other) {
        ModelSpec spec = spec();
        for (int i = 0; i < Math.min(spec.size(), other.size()); i++) {
            TensorSpec expected = spec.tensors().get(i);
            TensorSpec actual = other.tensors().get(i);
            if (!actual.equals(expected)) {
                throw new IllegalArgumentException("tensor " + i + " must be '" + expected + "', was '" + actual + "'");
            }
        }
        if (spec.size() != other.size()) {
            throw new IllegalArgumentException("the model must have " + spec.size() + " tensors, had " + other.size());
        }
    }

    @Override
    public Model snapshot() {
        return parameters.snapshot(memory);
    }

    @Override
    public float[] trainables() {
        if (!trainablesCurrent) {
            parameters.getTrainables(memory, trainables);
            trainablesCurrent = true;
        }
        return trainables;
    }

    /**
     * Prepares for training anew: no momentum, no state of an updater, and iteration 0 of epoch 0, for schedules and
     * listeners too.
     *
     * @throws IllegalArgumentException if the network's own updater is used and the settings ask for momentum or weight decay
     */
    @Override
    public void startTraining(TrainingSettings settings, long seed) {
        this.seed = seed;
        gradientCount = 0;
        statisticsWait = false;
        network.setCounts(0, 0);
        // The old one's memory is free before the new one's is taken.
        step.ifPresent(Step::close);
        step = Optional.empty();
        step = Optional.of(
                networkUpdater ? Step.updater(network, parameters, settings) : Step.sgd(network, parameters, settings));
    }

    @Override
    public double lossAndGradient(Batch batch, float[] gradient) {
        requireLength(gradient);
        requireShape(batch);
        if (batch.size() == 0) {
            throw new IllegalArgumentException("batch must hold at least one example");
        }
        double loss = backpropagate(batch, 0, batch.size(), SeededRandom.derive(seed, gradientCount++), gradient);
        statisticsWait = true;
        return loss;
    }

    /** Computes the gradient of each example alone, penalties included; batch-norm's statistics stay as they are. */
    @Override
    public void forEachGradient(Batch batch, Receiver receiver) {
        if (exampleGradient.length == 0) {
            exampleGradient = new float[parameters.trainableCount()];
        }
        requireShape(batch);
        // What single examples do to batch-norm's statistics takes the place of what a batch did, and must not leave
        // here.
        statisticsWait = false;
        long stepSeed = SeededRandom.derive(seed, gradientCount++);
        for (int i = 0; i < batch.size(); i++) {
            double loss = backpropagate(batch, i, 1, SeededRandom.derive(stepSeed, i), exampleGradient);
            receiver.accept(i, loss, exampleGradient);
        }
    }

    private void requireLength(float[] gradient) {
        if (gradient.length != trainables.length) {
            throw new IllegalArgumentException(
                    "gradient must have " + trainables.length + " values, had " + gradient.length);
        }
    }

    private void requireShape(Batch batch) {
        if (batch.featureLength() != input.length() || batch.targetLength() != output.targetLength()) {
            throw new IllegalArgumentException("examples must have " + input.length() + " features and "
                    + output.targetLength() + " targets, had " + batch.featureLength() + " and "
                    + batch.targetLength());
        }
    }

    /** Gives the mean gradient of some examples, and keeps what batch-norm learned from them. */
    private double backpropagate(Batch batch, int from, int count, long randomSeed, float[] gradient) {
        return NativeWork.run(
                () -> "while training on " + count + " examples of " + featureShape,
                () -> backpropagateNatively(batch, from, count, randomSeed, gradient));
    }

    private double backpropagateNatively(Batch batch, int from, int count, long randomSeed, float[] gradient) {
        Nd4j.getRandom().setSeed(Network.repeatable(randomSeed));
        if (count <= gradientBatchSize || parameters.statisticCount() > 0) {
            return sumOfLosses(batch, from, count, gradient) / count + finish(count, gradient);
        }
        double sum = 0;
        Arrays.fill(gradient, 0);
        for (int done = 0; done < count; done += gradientBatchSize) {
            int part = Math.min(gradientBatchSize, count - done);
            sum += sumOfLosses(batch, from + done, part, partGradient);
            for (int i = 0; i < gradient.length; i++) {
                gradient[i] += partGradient[i];
            }
        }
        return sum / count + finish(count, gradient);
    }

    /** Sums the gradients of some examples. */
    private double sumOfLosses(Batch batch, int from, int count, float[] gradient) {
        // DL4J's batch-norm fails on a single row; twice the same example has the same mean loss.
        int rows = count == 1 && parameters.statisticCount() > 0 ? 2 : count;
        INDArray features = input.of(batch, from, count, rows);
        INDArray labels = output.labels(batch, from, count, rows);
        // Layers that backpropagation does not reach leave what was there.
        network.gradients().assign(0);
        network.setBatch(features, labels);
        double loss;
        try {
            network.model().computeGradientAndScore(LayerWorkspaceMgr.noWorkspaces());
            for (TrainingListener listener : listeners) {
                listener.onGradientCalculation(network.model());
            }
            loss = output.meanLoss(network.model().score(), rows) * count;
        } finally {
            network.clearStates();
        }
        parameters.getStatistics(gradientMemory, statisticUpdates);
        parameters.getTrainables(gradientMemory, gradient);
        if (rows > count) {
            for (int i = 0; i < gradient.length; i++) {
                gradient[i] = gradient[i] / rows * count;
            }
        }
        return loss;
    }

    /** Makes the sum a mean, and adds the penalties' gradient; the penalties themselves are returned. */
    private double finish(int count, float[] gradient) {
        for (int i = 0; i < gradient.length; i++) {
            gradient[i] /= count;
        }
        return penalize(gradient);
    }

    /** Adds the gradient of the configuration's penalties, which the network leaves to its updater. */
    private double penalize(float[] gradient) {
        if (parameters.penalties().isEmpty()) {
            return 0;
        }
        parameters.putTrainables(gradient, gradientMemory);
        double sum = SmallArrays.within(() -> {
            double scores = 0;
            for (Penalty penalty : parameters.penalties()) {
                penalty.addTo(1, network.iteration(), network.epoch());
                scores += penalty.score(network.iteration(), network.epoch());
            }
            return scores;
        });
        parameters.getTrainables(gradientMemory, gradient);
        return sum;
    }

    /**
     * Moves the parameters by one step, as the class says.
     *
     * @throws IllegalStateException if training was not started
     */
    @Override
    public void applyGradient(float[] gradient) {
        requireLength(gradient);
        Step present =
                step.orElseThrow(() -> new IllegalStateException("startTraining must come before applyGradient"));
        limits.apply(gradient);
        NativeWork.run(
                () -> "while taking a step",
                () -> SmallArrays.within(() -> {
                    present.take(trainables(), gradient);
                    return 0;
                }));
        if (statisticsWait) {
            parameters.getStatistics(memory, statistics);
            for (int i = 0; i < statistics.length; i++) {
                statistics[i] -= statisticUpdates[i];
            }
            parameters.putStatistics(statistics, memory);
            statisticsWait = false;
        }
        int iteration = network.iteration();
        for (TrainingListener listener : listeners) {
            listener.iterationDone(network.model(), iteration, network.epoch());
        }
        network.setCounts(iteration + 1, network.epoch());
        network.model().applyConstraints(iteration + 1, network.epoch());
        trainablesCurrent = false;
    }

    @Override
    public void beginEpoch(int epoch) {
        network.setCounts(network.iteration(), epoch);
        for (TrainingListener listener : listeners) {
            listener.onEpochStart(network.model());
        }
    }

    @Override
    public void endEpoch(int epoch) {
        for (TrainingListener listener : listeners) {
            listener.onEpochEnd(network.model());
        }
    }

    @Override
    public Objective objective() {
        return objective;
    }

    @Override
    public Shape featureShape() {
        return featureShape;
    }

    @Override
    public int outputLength() {
        return output.length();
    }

    /**
     * Applies the network, a few examples at a time, without dropout and with batch-norm's running statistics.
     *
     * @throws InvalidExampleException if a feature or target cannot be used
     */
    @Override
    public double evaluate(Batch batch, float[] outputs) {
        requireShape(batch);
        if (outputs.length < (long) batch.size() * outputLength()) {
            throw new IllegalArgumentException("outputs must have room for " + batch.size() + " x " + outputLength()
                    + " values, had " + outputs.length);
        }
        double sum = 0;
        for (int from = 0; from < batch.size(); from += evaluationBatchSize) {
            int count = Math.min(evaluationBatchSize, batch.size() - from);
            int first = from;
            sum += NativeWork.run(
                    () -> "while evaluating " + count + " examples of " + featureShape,
                    () -> evaluate(batch, first, count, outputs));
        }
        return sum;
    }

    private double evaluate(Batch batch, int from, int count, float[] outputs) {
        INDArray features = input.of(batch, from, count, count);
        INDArray labels = output.labels(batch, from, count, count);
        return output.evaluate(features, labels, outputs, from * outputLength());
    }

    /** Collects what a model is made of. Immutable: each call gives a builder of its own, and each build a model. */
    public static final class Builder {
        private final Shape featureShape;
        private final Objective objective;
        private final LongFunction<Network> source;
        private final boolean seeded;
        private final boolean networkUpdater;
        private final int evaluationBatchSize;
        private final int gradientBatchSize;
        private final List<TrainingListener> listeners;

        private Builder(
                Shape featureShape,
                Objective objective,
                LongFunction<Network> source,
                boolean seeded,
                boolean networkUpdater,
                int evaluationBatchSize,
                int gradientBatchSize,
                List<TrainingListener> listeners) {
            this.featureShape = featureShape;
            this.objective = objective;
            this.source = source;
            this.seeded = seeded;
            this.networkUpdater = networkUpdater;
            this.evaluationBatchSize = evaluationBatchSize;
            this.gradientBatchSize = gradientBatchSize;
            this.listeners = listeners;
        }

        /** Uses the updater of the network's configuration, such as Adam, with the learning rate of the settings. */
        public Builder networkUpdater() {
            return new Builder(
                    featureShape, objective, source, seeded, true, evaluationBatchSize, gradientBatchSize, listeners);
        }

        /** The most examples that are evaluated at once, {@value #DEFAULT_EVALUATION_BATCH_SIZE} unless said. */
        public Builder evaluationBatchSize(int examples) {
            if (examples < 1) {
                throw new IllegalArgumentException("evaluationBatchSize must be >= 1, was " + examples);
            }
            return new Builder(
                    featureShape, objective, source, seeded, networkUpdater, examples, gradientBatchSize, listeners);
        }

        /**
         * The most examples whose gradient is computed at once, the whole batch unless said. Larger batches are taken in parts of
         * this size, in order, and their gradients summed: the same step but for the last bits, in less memory, and faster where the
         * layers of a whole batch are larger than the processor's cache. A network with batch-norm, which looks at the whole batch,
         * takes it whole. Listeners hear of each part's gradient.
         */
        public Builder gradientBatchSize(int examples) {
            if (examples < 1) {
                throw new IllegalArgumentException("gradientBatchSize must be >= 1, was " + examples);
            }
            return new Builder(
                    featureShape, objective, source, seeded, networkUpdater, evaluationBatchSize, examples, listeners);
        }

        /**
         * Listeners of DL4J that are told of passes, gradients, iterations and epochs. They are called on the thread that
         * trains; a model that many clients share tells of all of them.
         */
        public Builder listeners(TrainingListener... told) {
            return new Builder(
                    featureShape,
                    objective,
                    source,
                    seeded,
                    networkUpdater,
                    evaluationBatchSize,
                    gradientBatchSize,
                    List.of(told));
        }

        /** A model of its own. */
        public Dl4jModel build() {
            return NativeWork.run(() -> "for a network", () -> new Dl4jModel(this));
        }
    }
}
