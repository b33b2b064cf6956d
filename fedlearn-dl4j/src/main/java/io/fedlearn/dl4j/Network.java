package io.fedlearn.dl4j;

import io.fedlearn.core.random.SeededRandom;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.layers.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.BaseMultiLayerUpdater;
import org.deeplearning4j.nn.updater.MultiLayerUpdater;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;

/** What FedLearn needs of a network, be it a list of layers or a graph. Confined to one thread at a time. */
abstract class Network {
    /** The most parameters that one buffer of two gigabytes holds: {@value}. */
    static final int MAX_PARAMETERS = (1 << 29) - 2;

    private static final long SEED_FOR_ZERO = SeededRandom.derive(0, "dl4j");

    /** A network of this configuration with parameters drawn by the seed. */
    static Network of(MultiLayerConfiguration configuration, long seed) {
        MultiLayerConfiguration own = configuration.clone();
        long ownSeed = repeatable(seed);
        for (NeuralNetConfiguration layer : own.getConfs()) {
            layer.setSeed(ownSeed);
        }
        return of(new MultiLayerNetwork(own));
    }

    /** A network of this configuration with parameters drawn by the seed. */
    static Network of(ComputationGraphConfiguration configuration, long seed) {
        ComputationGraphConfiguration own = configuration.clone();
        own.getDefaultConfiguration().setSeed(repeatable(seed));
        return of(new ComputationGraph(own));
    }

    /** The seed that ND4J is given: it takes 0 for none, and draws one from the clock. */
    static long repeatable(long seed) {
        return seed == 0 ? SEED_FOR_ZERO : seed;
    }

    /** A network of this configuration with these parameters, which it takes over. */
    static Network of(MultiLayerConfiguration configuration, INDArray parameters) {
        MultiLayerNetwork network = new MultiLayerNetwork(configuration.clone());
        network.init(parameters, false);
        return of(network);
    }

    /** A network of this configuration with these parameters, which it takes over. */
    static Network of(ComputationGraphConfiguration configuration, INDArray parameters) {
        ComputationGraph network = new ComputationGraph(configuration.clone());
        network.init(parameters, false);
        return of(network);
    }

    /** Takes the network over. */
    static Network of(MultiLayerNetwork network) {
        network.init();
        LeanLayers.install(network);
        return new Layers(network);
    }

    /** Takes the network over. */
    static Network of(ComputationGraph network) {
        ComputationGraphConfiguration configuration = network.getConfiguration();
        int inputs = configuration.getNetworkInputs().size();
        int outputs = configuration.getNetworkOutputs().size();
        if (inputs != 1 || outputs != 1) {
            throw new IllegalArgumentException(
                    "the graph must have one input and one output, had " + inputs + " and " + outputs);
        }
        network.init();
        return new Graph(network);
    }

    /** Refuses what cannot be trained as a local model. */
    final void requireTrainable() {
        if (dataType() != DataType.FLOAT) {
            throw new IllegalArgumentException("the network must be of data type FLOAT, was " + dataType());
        }
        if (backpropType() != BackpropType.Standard) {
            throw new IllegalArgumentException(
                    "the network must be trained by standard backpropagation, was by " + backpropType());
        }
        if (model().numParams() < 1 || model().numParams() > MAX_PARAMETERS) {
            throw new IllegalArgumentException(
                    "the network must have 1 to " + MAX_PARAMETERS + " parameters, had " + model().numParams());
        }
        if (!(outputLayer() instanceof IOutputLayer)) {
            throw new IllegalArgumentException("the last layer must be an output layer with a loss, was "
                    + outputLayer().getClass().getSimpleName());
        }
    }

    /** The network itself. */
    abstract Model model();

    abstract DataType dataType();

    abstract BackpropType backpropType();

    /** What holds parameters, by the name it is known by, in the order of the parameters. */
    abstract Map<String, Trainable> trainables();

    abstract Layer outputLayer();

    /** All parameters, in one piece of memory. */
    abstract INDArray parameters();

    /** What backpropagation leaves, in the order of the parameters. */
    abstract INDArray gradients();

    abstract void setBatch(INDArray features, INDArray labels);

    /** Lets go of what the last batch left in the layers. */
    abstract void clearStates();

    abstract INDArray output(INDArray features);

    abstract INDArray scoreExamples(INDArray features, INDArray labels);

    /** The penalties that the network adds to its score. */
    abstract double penalty();

    abstract void setCounts(int iteration, int epoch);

    abstract int iteration();

    abstract int epoch();

    /** A new updater without any state, which the network then calls its own. */
    abstract BaseMultiLayerUpdater<?> newUpdater();

    abstract void setListeners(Collection<TrainingListener> listeners);

    /** The configuration as DL4J writes it, with these counts. */
    abstract String toJson();

    /** The numbers of an array that lies in one piece, as long as the array is held. */
    static FloatBuffer floats(INDArray array) {
        return array.data().asNioFloat();
    }

    private static final class Layers extends Network {
        private final MultiLayerNetwork network;

        Layers(MultiLayerNetwork network) {
            this.network = network;
        }

        @Override
        Model model() {
            return network;
        }

        @Override
        DataType dataType() {
            return network.getLayerWiseConfigurations().getDataType();
        }

        @Override
        BackpropType backpropType() {
            return network.getLayerWiseConfigurations().getBackpropType();
        }

        @Override
        Map<String, Trainable> trainables() {
            Layer[] layers = network.getLayers();
            List<String> names = new ArrayList<>();
            for (int i = 0; i < layers.length; i++) {
                String name = layers[i].conf().getLayer().getLayerName();
                names.add(name == null || name.isEmpty() ? "layer" + i : name);
            }
            boolean unique = names.stream().distinct().count() == names.size();
            Map<String, Trainable> trainables = new LinkedHashMap<>();
            for (int i = 0; i < layers.length; i++) {
                trainables.put(unique ? names.get(i) : "layer" + i, layers[i]);
            }
            return trainables;
        }

        @Override
        Layer outputLayer() {
            return network.getOutputLayer();
        }

        @Override
        INDArray parameters() {
            return network.params();
        }

        @Override
        INDArray gradients() {
            if (network.getGradientsViewArray() == null) {
                network.initGradientsView();
            }
            return network.getGradientsViewArray();
        }

        @Override
        void setBatch(INDArray features, INDArray labels) {
            network.setInput(features);
            network.setLabels(labels);
        }

        @Override
        void clearStates() {
            network.clearLayersStates();
        }

        @Override
        INDArray output(INDArray features) {
            return network.output(features, false);
        }

        @Override
        INDArray scoreExamples(INDArray features, INDArray labels) {
            return network.scoreExamples(new DataSet(features, labels), false);
        }

        @Override
        double penalty() {
            return network.calcRegularizationScore(true);
        }

        @Override
        void setCounts(int iteration, int epoch) {
            network.setIterationCount(iteration);
            network.setEpochCount(epoch);
        }

        @Override
        int iteration() {
            return network.getIterationCount();
        }

        @Override
        int epoch() {
            return network.getEpochCount();
        }

        @Override
        BaseMultiLayerUpdater<?> newUpdater() {
            MultiLayerUpdater updater = new MultiLayerUpdater(network);
            network.setUpdater(updater);
            return updater;
        }

        @Override
        void setListeners(Collection<TrainingListener> listeners) {
            network.setListeners(listeners);
        }

        @Override
        String toJson() {
            return network.getLayerWiseConfigurations().toJson();
        }
    }

    private static final class Graph extends Network {
        private final ComputationGraph network;

        Graph(ComputationGraph network) {
            this.network = network;
        }

        @Override
        Model model() {
            return network;
        }

        @Override
        DataType dataType() {
            return network.getConfiguration().getDataType();
        }

        @Override
        BackpropType backpropType() {
            return network.getConfiguration().getBackpropType();
        }

        @Override
        Map<String, Trainable> trainables() {
            Map<String, Trainable> trainables = new LinkedHashMap<>();
            for (int index : network.topologicalSortOrder()) {
                GraphVertex vertex = network.getVertices()[index];
                trainables.put(vertex.getVertexName(), vertex);
            }
            return trainables;
        }

        @Override
        Layer outputLayer() {
            Layer layer = network.getOutputLayer(0);
            return layer instanceof FrozenLayerWithBackprop
                    ? ((FrozenLayerWithBackprop) layer).getInsideLayer()
                    : layer;
        }

        @Override
        INDArray parameters() {
            return network.params();
        }

        @Override
        INDArray gradients() {
            if (network.getGradientsViewArray() == null) {
                network.initGradientsView();
            }
            return network.getGradientsViewArray();
        }

        @Override
        void setBatch(INDArray features, INDArray labels) {
            network.setInputs(features);
            network.setLabels(labels);
        }

        @Override
        void clearStates() {
            network.clearLayersStates();
        }

        @Override
        INDArray output(INDArray features) {
            return network.outputSingle(false, features);
        }

        @Override
        INDArray scoreExamples(INDArray features, INDArray labels) {
            return network.scoreExamples(new DataSet(features, labels), false);
        }

        @Override
        double penalty() {
            return network.calcRegularizationScore(true);
        }

        @Override
        void setCounts(int iteration, int epoch) {
            network.getConfiguration().setIterationCount(iteration);
            network.getConfiguration().setEpochCount(epoch);
        }

        @Override
        int iteration() {
            return network.getConfiguration().getIterationCount();
        }

        @Override
        int epoch() {
            return network.getConfiguration().getEpochCount();
        }

        @Override
        BaseMultiLayerUpdater<?> newUpdater() {
            ComputationGraphUpdater updater = new ComputationGraphUpdater(network);
            network.setUpdater(updater);
            return updater;
        }

        @Override
        void setListeners(Collection<TrainingListener> listeners) {
            network.setListeners(listeners);
        }

        @Override
        String toJson() {
            return network.getConfiguration().toJson();
        }
    }
}
