package io.fedlearn.dl4j;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.TrainingConfig;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.layers.FrozenLayer;
import org.deeplearning4j.nn.layers.FrozenLayerWithBackprop;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.learning.regularization.Regularization.ApplyStep;

/**
 * Where in a network's memory each of its tensors lies. The tensors come in the order in which they lie there, so that the
 * trainables of a network without batch-norm are its memory from end to end. Immutable, but for the arrays of the network.
 */
final class Parameters {
    private static final int BLOCK = 8192;

    /**
     * A parameter of a layer.
     *
     * @param spec name, shape and role of its tensor
     * @param offset where it starts
     * @param length how many numbers it has
     * @param frozen whether training leaves it as it is
     * @param values the network's own view of it, of one dimension
     * @param gradient the network's own view of its gradient, of one dimension
     * @param layer the name of its layer
     * @param config of its layer
     * @param key its name in its layer
     */
    record Parameter(
            TensorSpec spec,
            int offset,
            int length,
            boolean frozen,
            INDArray values,
            INDArray gradient,
            String layer,
            TrainingConfig config,
            String key) {
        boolean isTrainable() {
            return spec.role() == TensorRole.TRAINABLE;
        }

        /** Whether backpropagation gives an update of it in place of a gradient, as for the statistics of batch-norm. */
        boolean isStatistic() {
            return !isTrainable() && !frozen;
        }
    }

    /** What a parameter pays for its size. */
    record Penalty(Parameter parameter, Regularization kind) {
        double score(int iteration, int epoch) {
            return kind.score(parameter.values(), iteration, epoch);
        }

        /** Adds the penalty's gradient to the parameter's. */
        void addTo(double learningRate, int iteration, int epoch) {
            kind.apply(parameter.values(), parameter.gradient(), learningRate, iteration, epoch);
        }
    }

    /** A piece of memory whose parameters are all of one kind. */
    private record Run(int offset, int length) {}

    private final List<Parameter> parameters;
    private final List<Run> trainables;
    private final List<Run> statistics;
    private final ModelSpec spec;
    private final int trainableCount;
    private final int statisticCount;
    private final List<Penalty> penalties;
    private final List<Penalty> decays;

    private Parameters(List<Parameter> parameters) {
        this.parameters = List.copyOf(parameters);
        this.trainables =
                runs(parameters.stream().filter(Parameter::isTrainable).toList());
        this.statistics =
                runs(parameters.stream().filter(Parameter::isStatistic).toList());
        this.spec = ModelSpec.of(parameters.stream().map(Parameter::spec).toList());
        this.trainableCount = trainables.stream().mapToInt(Run::length).sum();
        this.statisticCount = statistics.stream().mapToInt(Run::length).sum();
        this.penalties = penalties(ApplyStep.BEFORE_UPDATER);
        this.decays = penalties(ApplyStep.POST_UPDATER);
    }

    private List<Penalty> penalties(ApplyStep step) {
        List<Penalty> penalties = new ArrayList<>();
        for (Parameter parameter : parameters) {
            List<Regularization> kinds =
                    parameter.isTrainable() ? parameter.config().getRegularizationByParam(parameter.key()) : List.of();
            for (Regularization kind : kinds == null ? List.<Regularization>of() : kinds) {
                if (kind.applyStep() == step) {
                    penalties.add(new Penalty(parameter, kind));
                }
            }
        }
        return List.copyOf(penalties);
    }

    private static List<Run> runs(List<Parameter> parameters) {
        List<Run> runs = new ArrayList<>();
        for (Parameter parameter : parameters) {
            Run last = runs.isEmpty() ? new Run(-1, 0) : runs.get(runs.size() - 1);
            if (last.offset() + last.length() == parameter.offset()) {
                runs.set(runs.size() - 1, new Run(last.offset(), last.length() + parameter.length()));
            } else {
                runs.add(new Run(parameter.offset(), parameter.length()));
            }
        }
        return List.copyOf(runs);
    }

    /** The parameters of this network. */
    static Parameters of(Network network) {
        INDArray gradients = network.gradients().reshape(network.gradients().length());
        INDArray values = network.parameters().reshape(network.parameters().length());
        long start = network.parameters().offset();
        List<Parameter> parameters = new ArrayList<>();
        for (Map.Entry<String, Trainable> entry : network.trainables().entrySet()) {
            Trainable layer = entry.getValue();
            Map<String, INDArray> table = layer.numParams() == 0 ? Map.of() : layer.paramTable(false);
            for (Map.Entry<String, INDArray> parameter : table.entrySet()) {
                INDArray array = parameter.getValue();
                String name = entry.getKey() + "." + publicName(parameter.getKey());
                boolean frozen = isFrozen(layer) || layer.getConfig().isPretrainParam(parameter.getKey());
                boolean trainable = !frozen && layer.updaterDivideByMinibatch(parameter.getKey());
                int offset = Math.toIntExact(array.offset() - start);
                int length = Math.toIntExact(array.length());
                parameters.add(new Parameter(
                        new TensorSpec(
                                name,
                                TensorType.FLOAT32,
                                shape(name, parameter.getKey(), array),
                                trainable ? TensorRole.TRAINABLE : TensorRole.BUFFER),
                        offset,
                        length,
                        frozen,
                        values.get(NDArrayIndex.interval(offset, offset + length)),
                        gradients.get(NDArrayIndex.interval(offset, offset + length)),
                        entry.getKey(),
                        layer.getConfig(),
                        parameter.getKey()));
            }
        }
        parameters.sort((one, other) -> Integer.compare(one.offset(), other.offset()));
        requireNoGap(parameters, network.parameters().length());
        return new Parameters(parameters);
    }

    private static void requireNoGap(List<Parameter> parameters, long total) {
        long end = 0;
        for (Parameter parameter : parameters) {
            if (parameter.offset() != end) {
                throw new IllegalArgumentException(
                        "parameter '" + parameter.spec().name() + "' should start at " + end
                                + " in the network's memory, starts at " + parameter.offset());
            }
            end += parameter.length();
        }
        if (end != total) {
            throw new IllegalArgumentException("the layers have " + end + " parameters, the network has " + total);
        }
    }

    private static boolean isFrozen(Trainable trainable) {
        Object layer = trainable instanceof GraphVertex && ((GraphVertex) trainable).hasLayer()
                ? ((GraphVertex) trainable).getLayer()
                : trainable;
        return layer instanceof FrozenLayer || layer instanceof FrozenLayerWithBackprop;
    }

    private static String publicName(String key) {
        return switch (key) {
            case "W" -> "weight";
            case "b" -> "bias";
            case "RW" -> "recurrentWeight";
            default -> key;
        };
    }

    /** The shape in which the memory is row-major: that of the array, or its dimensions from the last to the first. */
    private static Shape shape(String name, String key, INDArray array) {
        long[] lengths = array.shape();
        if (lengths.length == 2 && lengths[0] == 1 && !key.contains("W")) {
            return Shape.of(lengths[1]);
        }
        if (hasStrides(array, lengths, true)) {
            long[] reversed = new long[lengths.length];
            for (int i = 0; i < lengths.length; i++) {
                reversed[i] = lengths[lengths.length - 1 - i];
            }
            return Shape.of(reversed);
        }
        if (hasStrides(array, lengths, false)) {
            return Shape.of(lengths);
        }
        throw new IllegalArgumentException("parameter '" + name + "' must lie in one piece, had shape "
                + Arrays.toString(lengths) + " and strides " + Arrays.toString(array.stride()));
    }

    private static boolean hasStrides(INDArray array, long[] lengths, boolean firstFastest) {
        long expected = 1;
        for (int i = 0; i < lengths.length; i++) {
            int axis = firstFastest ? i : lengths.length - 1 - i;
            if (lengths[axis] != 1 && array.stride(axis) != expected) {
                return false;
            }
            expected *= lengths[axis];
        }
        // What fits both orders, such as a matrix of one row, has the shape that others of its kind have.
        return !firstFastest || array.ordering() == 'f';
    }

    ModelSpec spec() {
        return spec;
    }

    List<Parameter> list() {
        return parameters;
    }

    int trainableCount() {
        return trainableCount;
    }

    int statisticCount() {
        return statisticCount;
    }

    /** The configuration's L1 and L2 penalties, which belong to the loss. */
    List<Penalty> penalties() {
        return penalties;
    }

    /** The configuration's weight decay, which belongs to the step. */
    List<Penalty> decays() {
        return decays;
    }

    /** Copies a model's values to a network's memory, block by block. */
    void load(Model model, FloatBuffer memory) {
        float[] block = new float[BLOCK];
        for (int i = 0; i < parameters.size(); i++) {
            Parameter parameter = parameters.get(i);
            Tensor tensor = model.tensors().get(i);
            for (int done = 0; done < parameter.length(); ) {
                int count = Math.min(BLOCK, parameter.length() - done);
                tensor.copyTo(done, block, 0, count);
                memory.put(parameter.offset() + done, block, 0, count);
                done += count;
            }
        }
    }

    /** The values in a network's memory. */
    Model snapshot(FloatBuffer memory) {
        List<Tensor> tensors = new ArrayList<>();
        for (Parameter parameter : parameters) {
            float[] values = new float[parameter.length()];
            memory.get(parameter.offset(), values);
            tensors.add(Tensor.wrap(values, parameter.spec().shape().lengths()));
        }
        return Model.of(spec, tensors);
    }

    /** Copies the trainables to an array. */
    void getTrainables(FloatBuffer memory, float[] target) {
        get(trainables, memory, target);
    }

    /** Copies an array to the trainables. */
    void putTrainables(float[] source, FloatBuffer memory) {
        put(trainables, source, memory);
    }

    /** Copies the statistics to an array. */
    void getStatistics(FloatBuffer memory, float[] target) {
        get(statistics, memory, target);
    }

    /** Copies an array to the statistics. */
    void putStatistics(float[] source, FloatBuffer memory) {
        put(statistics, source, memory);
    }

    private static void get(List<Run> runs, FloatBuffer memory, float[] target) {
        int at = 0;
        for (Run run : runs) {
            memory.get(run.offset(), target, at, run.length());
            at += run.length();
        }
    }

    private static void put(List<Run> runs, float[] source, FloatBuffer memory) {
        int at = 0;
        for (Run run : runs) {
            memory.put(run.offset(), source, at, run.length());
            at += run.length();
        }
    }
}
