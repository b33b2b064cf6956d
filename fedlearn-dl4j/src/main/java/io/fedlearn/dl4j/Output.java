package io.fedlearn.dl4j;

import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.Objective;
import java.util.Arrays;
import java.util.Optional;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationSigmoid;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

/** What a network gives for a batch, and what that loses. Confined to one thread at a time. */
final class Output {
    private final Network network;
    private final Objective objective;
    /** Of the network's output for one example. */
    private final int width;

    private final boolean sparse;
    private final Staging labels;
    private final float[] row;
    private final Optional<Head> head;

    /** An output layer that gives a row of values per example, and whose loss depends on that row alone. */
    private record Head(BaseLayer layer, ILossFunction loss, IActivation activation) {
        /** What the network gives before the activation of its last layer. */
        INDArray preOutput(Network network, INDArray features) {
            layer.setActivationFn(new ActivationIdentity());
            try {
                return network.output(features);
            } finally {
                layer.setActivationFn(activation);
            }
        }
    }

    private Output(Network network, Objective objective, long[] shape, Layer layer) {
        this.network = network;
        this.objective = objective;
        this.width = (int) (Arrays.stream(shape).reduce(1, Math::multiplyExact) / shape[0]);
        Optional<ILossFunction> loss = loss(layer);
        this.sparse = loss.isPresent() && loss.get() instanceof LossSparseMCXENT;
        this.labels = new Staging(sparse ? new long[] {1} : Arrays.copyOfRange(shape, 1, shape.length));
        this.row = new float[sparse ? 1 : width];
        boolean plain =
                shape.length == 2 && (layer.getClass() == OutputLayer.class || layer.getClass() == LossLayer.class);
        this.head = plain
                ? Optional.of(new Head((BaseLayer) layer, loss.orElseThrow(), ((BaseLayer) layer).getActivationFn()))
                : Optional.empty();
    }

    private static Optional<ILossFunction> loss(Layer layer) {
        if (layer instanceof BaseOutputLayer) {
            return Optional.of(((BaseOutputLayer) layer).getLossFn());
        }
        return layer instanceof LossLayer ? Optional.of(((LossLayer) layer).getLossFn()) : Optional.empty();
    }

    /** The output of this network, whose shape is found out on one example. */
    static Output of(Network network, Objective objective, INDArray example) {
        long[] shape = network.output(example).shape();
        Layer layer = network.outputLayer().conf().getLayer();
        if (objective != Objective.REGRESSION) {
            requireClasses(objective, shape, layer);
        }
        return new Output(network, objective, shape, layer);
    }

    private static void requireClasses(Objective objective, long[] shape, Layer layer) {
        String activation = layer instanceof BaseLayer
                ? ((BaseLayer) layer).getActivationFn().toString()
                : layer.getClass().getSimpleName();
        boolean softmax = layer instanceof BaseLayer
                && ((BaseLayer) layer).getActivationFn() instanceof ActivationSoftmax
                && shape.length == 2
                && shape[1] > 1;
        boolean sigmoid = layer instanceof BaseLayer
                && ((BaseLayer) layer).getActivationFn() instanceof ActivationSigmoid
                && shape.length == 2
                && shape[1] == 1;
        String had = "had shape " + Arrays.toString(Arrays.copyOfRange(shape, 1, shape.length)) + " and " + activation;
        if (objective == Objective.MULTICLASS && !softmax) {
            throw new IllegalArgumentException("the output of a network for classes must be a row of softmax, " + had);
        }
        if (objective == Objective.BINARY && !sigmoid && !(softmax && shape[1] == 2)) {
            throw new IllegalArgumentException(
                    "the output of a network for two classes must be one sigmoid or two of softmax, " + had);
        }
    }

    /** How many values an example's output has, as the objective wants them. */
    int length() {
        return objective == Objective.BINARY ? 1 : width;
    }

    int targetLength() {
        return objective == Objective.REGRESSION ? width : 1;
    }

    /**
     * The targets of some examples as the loss wants them, the first again and again if there are more rows; valid until
     * the next call.
     */
    INDArray labels(Batch batch, int from, int count, int rows) {
        labels.require(rows);
        for (int i = 0; i < rows; i++) {
            int example = i < count ? from + i : from;
            if (objective == Objective.REGRESSION) {
                System.arraycopy(batch.targets(), example * width, row, 0, width);
                for (float target : row) {
                    if (!Float.isFinite(target)) {
                        throw InvalidExampleException.ofTarget(example, "finite");
                    }
                }
            } else {
                int classes = objective == Objective.BINARY ? 2 : width;
                float target = batch.targets()[example];
                if (!(target >= 0 && target < classes && target == (int) target)) {
                    throw InvalidExampleException.ofTarget(example, "a class's index from 0 to " + (classes - 1));
                }
                if (row.length == 1) {
                    row[0] = target;
                } else {
                    Arrays.fill(row, 0);
                    row[(int) target] = 1;
                }
            }
            labels.memory().put(i * row.length, row);
        }
        return labels.rows(rows);
    }

    /** The mean loss of a batch, of which the network tells the score. */
    double meanLoss(double score, int count) {
        double loss = score - network.penalty();
        return network.outputLayer().conf().isMiniBatch() ? loss : loss / count;
    }

    /** Applies the network to some examples and gives the sum of their losses. */
    double evaluate(INDArray features, INDArray targets, float[] outputs, int at) {
        return head.isPresent()
                ? evaluate(head.get(), features, targets, outputs, at)
                : evaluateTwice(features, targets, outputs, at);
    }

    private double evaluate(Head layer, INDArray features, INDArray targets, float[] outputs, int at) {
        INDArray preOutput = layer.preOutput(network, features);
        double sum = SmallArrays.within(() -> {
            copy(layer.activation().getActivation(preOutput.dup('c'), false), outputs, at);
            return sum(layer.loss().computeScoreArray(targets, preOutput, layer.activation(), null));
        });
        preOutput.close();
        return sum;
    }

    /** For a loss that needs more than the output, such as that of a centre-loss layer. */
    private double evaluateTwice(INDArray features, INDArray targets, float[] outputs, int at) {
        INDArray given = network.output(features);
        copy(given, outputs, at);
        given.close();
        INDArray losses = network.scoreExamples(features, targets);
        double sum = sum(losses);
        losses.close();
        return sum;
    }

    private static double sum(INDArray losses) {
        double sum = 0;
        for (float loss : losses.dup('c').data().asFloat()) {
            sum += loss;
        }
        return sum;
    }

    private void copy(INDArray given, float[] outputs, int at) {
        float[] values = given.dup('c').data().asFloat();
        if (length() == width) {
            System.arraycopy(values, 0, outputs, at, values.length);
            return;
        }
        // Of two probabilities that of class 1.
        for (int i = 0; i < values.length / 2; i++) {
            outputs[at + i] = values[2 * i + 1];
        }
    }
}
