package io.fedlearn.luna16.network;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Objective;
import io.fedlearn.dl4j.Dl4jModel;
import io.fedlearn.luna16.patch.PatchShape;
import java.util.List;
import java.util.Objects;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.Subsampling3DLayer;
import org.deeplearning4j.nn.conf.preprocessor.Cnn3DToFeedForwardPreProcessor;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.preprocessors.ReshapePreprocessor;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;

/**
 * A 3D convolutional network that says how probably a patch shows a nodule. Immutable settings; {@link #create()} makes the
 * network itself.
 *
 * <p><b>Layers.</b> For each number of channels a block: two 3×3×3 convolutions with ReLU, padded so that the size stays, and
 * a maximum over 2×2×2 that halves it, rounding up. Then one dense output with a sigmoid. Input 1 × depth × height × width
 * (NCDHW), as {@link io.fedlearn.luna16.patch.PatchExamples} gives it; the loss is the binary cross-entropy, and the gradient of
 * each layer is clipped to norm {@value #GRADIENT_NORM}, without which first steps may leave units dead. With the defaults,
 * 32×48×48 voxels and 8, 16, 32 and 64 channels, it has 221,065 parameters.
 *
 * <p><b>Tensors.</b> {@code layer0.weight} (outputs × inputs × 3 × 3 × 3), {@code layer0.bias} and so on, numbered by layer, of
 * which those that halve have none; in the order that {@link Dl4jModel} says. There is no normalisation layer unless
 * {@linkplain #withNormalization asked for}. What makes the network learn without one is that its input is
 * {@linkplain io.fedlearn.luna16.image.HuWindow standardised}.
 *
 * <p><b>Reference.</b> The shape of the network is that of Stevens, Antiga and Viehmann, "Deep Learning with PyTorch", Manning 2020,
 * chapter 11. <b>Differs</b> in having one sigmoid output in place of a softmax over two, and no batch normalisation of its
 * input.
 */
public final class LunaNet {
    /** Default of {@link #channels()}. */
    public static final List<Integer> DEFAULT_CHANNELS = List.of(8, 16, 32, 64);

    /**
     * How near to 0 and 1 probabilities count in the loss: {@value}, what float32 can still tell from 1. Beyond it the gradient of an
     * example that is far on the wrong side vanishes.
     */
    public static final double LEAST_PROBABILITY = 1e-7;

    /** To what L2 norm the gradient of each layer is cut down where it is longer: {@value}. */
    public static final double GRADIENT_NORM = 1;

    /** Default of {@link #prior()}: {@value}, with which the output starts without a bias. */
    public static final double DEFAULT_PRIOR = 0.5;

    /** Of how many voxels the patches are together that the network computes at once. */
    private static final int CACHED_VOXELS = 300_000;

    private static final LunaNet DEFAULTS =
            new LunaNet(new PatchShape(32, 48, 48), DEFAULT_CHANNELS, 0, DEFAULT_PRIOR, Normalization.NONE);

    private final PatchShape patch;
    private final List<Integer> channels;
    private final double dropout;
    private final double prior;
    private final Normalization normalization;

    private LunaNet(
            PatchShape patch, List<Integer> channels, double dropout, double prior, Normalization normalization) {
        this.patch = Objects.requireNonNull(patch, "patch");
        this.channels = List.copyOf(channels);
        this.dropout = dropout;
        this.prior = prior;
        this.normalization = Objects.requireNonNull(normalization, "normalization");
        if (this.channels.isEmpty() || this.channels.stream().anyMatch(count -> count < 1 || count > 4096)) {
            throw new IllegalArgumentException("channels must be one or more numbers from 1 to 4096, were " + channels);
        }
        int least = 1 << Math.min(24, this.channels.size());
        if (patch.depth() < least || patch.height() < least || patch.width() < least) {
            throw new IllegalArgumentException("patch must have at least " + least + " voxels along each axis, which "
                    + this.channels.size() + " blocks halve to 1, was " + patch);
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException("dropout must be in [0, 1), was " + dropout);
        }
        if (!(prior >= LEAST_PROBABILITY && prior <= 1 - LEAST_PROBABILITY)) {
            throw new IllegalArgumentException(
                    "prior must be in [" + LEAST_PROBABILITY + ", 1 - " + LEAST_PROBABILITY + "], was " + prior);
        }
    }

    /** The defaults: patches of 32×48×48, 8, 16, 32 and 64 channels, no dropout. */
    public static LunaNet defaults() {
        return DEFAULTS;
    }

    /**
     * A network without dropout and normalisation.
     *
     * @param patch what it takes, at least 2 to the number of blocks along each axis
     * @param channels of each block, one or more numbers from 1 to 4096
     */
    public static LunaNet of(PatchShape patch, List<Integer> channels) {
        return new LunaNet(patch, channels, 0, DEFAULT_PRIOR, Normalization.NONE);
    }

    /** This network for patches of another shape, at least 2 to the number of blocks along each axis. */
    public LunaNet withPatch(PatchShape shape) {
        return new LunaNet(shape, channels, dropout, prior, normalization);
    }

    /** This network with a block for each of these numbers of channels. */
    public LunaNet withChannels(List<Integer> counts) {
        return new LunaNet(patch, counts, dropout, prior, normalization);
    }

    /** This network with this share of the dense layer's inputs dropped in training, in [0, 1). */
    public LunaNet withDropout(double share) {
        return new LunaNet(patch, channels, share, prior, normalization);
    }

    /**
     * This network, answering this probability to everything before it is trained: its last bias starts at
     * {@code log(p / (1 - p))}, so that first steps need not learn how rare nodules are. The share to give is that of the
     * examples as they are trained on: with nodules repeated until there are {@code r} others to each, {@code 1 / (1 + r)},
     * whatever their share is in the scans.
     *
     * @param probability in [{@value #LEAST_PROBABILITY}, 1 - {@value #LEAST_PROBABILITY}]
     */
    public LunaNet withPrior(double probability) {
        return new LunaNet(patch, channels, dropout, probability, normalization);
    }

    /**
     * This network, normalised in this way. With {@link Normalization#BATCH} each convolution is without bias and followed by
     * DL4J's batch normalisation, then by ReLU; gamma and beta are trained, running mean and variance are buffers:
     * {@code layer1.gamma}, {@code layer1.beta}, {@code layer1.mean} and {@code layer1.var} of the first. In training a whole batch
     * is computed at once, which takes more memory and more time.
     */
    public LunaNet withNormalization(Normalization way) {
        return new LunaNet(patch, channels, dropout, prior, way);
    }

    /** The shape of the patches that it takes. */
    public PatchShape patch() {
        return patch;
    }

    /** The channels of each block. */
    public List<Integer> channels() {
        return channels;
    }

    /** What it answers to everything before it is trained. */
    public double prior() {
        return prior;
    }

    /** What follows each convolution. */
    public Normalization normalization() {
        return normalization;
    }

    /** The shape of one example's features: 1 × depth × height × width. */
    public Shape featureShape() {
        return Shape.of(1, patch.depth(), patch.height(), patch.width());
    }

    /** The network as a local model, with parameters yet to be loaded. */
    public Dl4jModel create() {
        // What the processor's cache holds at once; larger parts are slower, and take more memory.
        int part = Math.max(1, CACHED_VOXELS / patch.voxelCount());
        return Dl4jModel.builder(configuration(), featureShape(), Objective.BINARY)
                .gradientBatchSize(part)
                .evaluationBatchSize(part)
                .build();
    }

    /** The network in DL4J's terms, for whoever wants to change more than this class offers. */
    public MultiLayerConfiguration configuration() {
        Layers layers = new Layers();
        for (int count : channels) {
            layers.convolution(count);
            layers.convolution(count);
            layers.halve();
        }
        return layers.end();
    }

    /**
     * The layers so far, and what the last of them gives. The sizes are written out in place of being inferred, as DL4J takes what
     * was reshaped for an image in two dimensions.
     */
    private final class Layers {
        private final NeuralNetConfiguration.ListBuilder list = new NeuralNetConfiguration.Builder()
                .weightInit(WeightInit.RELU)
                .activation(Activation.RELU)
                .gradientNormalization(GradientNormalization.ClipL2PerLayer)
                .gradientNormalizationThreshold(GRADIENT_NORM)
                .list();
        private int next;
        private long count = 1;
        private long depth = patch.depth();
        private long height = patch.height();
        private long width = patch.width();

        void convolution(int outputs) {
            boolean normalized = normalization == Normalization.BATCH;
            list.layer(
                    next++,
                    new Convolution3D.Builder(3, 3, 3)
                            .nIn(count)
                            .nOut(outputs)
                            .stride(1, 1, 1)
                            .convolutionMode(ConvolutionMode.Same)
                            .dataFormat(Convolution3D.DataFormat.NCDHW)
                            // What it would add, normalisation takes away.
                            .hasBias(!normalized)
                            .activation(normalized ? Activation.IDENTITY : Activation.RELU)
                            .build());
            count = outputs;
            if (normalized) {
                normalize();
            }
        }

        /** DL4J normalises images in two dimensions alone; to the statistics it is the same how voxels are arranged. */
        private void normalize() {
            long[] whole = {count, depth, height, width};
            long[] flat = {count, depth, height * width};
            list.inputPreProcessor(next, new ReshapePreprocessor(whole, flat, false));
            list.layer(
                    next++,
                    new BatchNormalization.Builder()
                            .nIn(count)
                            .nOut(count)
                            // So that the mean over sites is one of variances.
                            .useLogStd(false)
                            .build());
            list.inputPreProcessor(next, new ReshapePreprocessor(flat, whole, false));
            list.layer(next++, new ActivationLayer(Activation.RELU));
        }

        void halve() {
            list.layer(
                    next++,
                    new Subsampling3DLayer.Builder(PoolingType.MAX)
                            .kernelSize(2, 2, 2)
                            .stride(2, 2, 2)
                            // Truncate would lose the format: its output type is NDHWC, whatever the layer's is.
                            .convolutionMode(ConvolutionMode.Same)
                            .dataFormat(Convolution3D.DataFormat.NCDHW)
                            .build());
            depth = (depth + 1) / 2;
            height = (height + 1) / 2;
            width = (width + 1) / 2;
        }

        MultiLayerConfiguration end() {
            OutputLayer.Builder output = new OutputLayer.Builder(new LossBinaryXENT(LEAST_PROBABILITY))
                    .nIn(count * depth * height * width)
                    .nOut(1)
                    .activation(Activation.SIGMOID)
                    // Not at random: first steps would drive what disturbs the output, which is all of it, below zero
                    // for good.
                    .weightInit(WeightInit.ZERO)
                    .biasInit(StrictMath.log(prior / (1 - prior)));
            if (dropout > 0) {
                output.dropOut(1 - dropout); // DL4J takes the share that is kept
            }
            list.inputPreProcessor(next, new Cnn3DToFeedForwardPreProcessor(depth, height, width, count, true));
            return list.layer(next, output.build()).build();
        }
    }

    /** For run records: {@code LunaNet 32x48x48, channels 8 16 32 64}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("LunaNet ").append(patch).append(", channels");
        channels.forEach(count -> text.append(' ').append(count));
        if (dropout > 0) {
            text.append(", dropout ").append(dropout);
        }
        if (prior != DEFAULT_PRIOR) {
            text.append(", prior ").append(prior);
        }
        if (normalization != Normalization.NONE) {
            text.append(", normalization ").append(normalization);
        }
        return text.toString();
    }
}
