package io.fedlearn.dl4j;

import io.fedlearn.core.training.SgdOptimizer;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.dl4j.Parameters.Parameter;
import io.fedlearn.dl4j.Parameters.Penalty;
import java.nio.FloatBuffer;
import org.deeplearning4j.nn.updater.BaseMultiLayerUpdater;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.IUpdater;

/** Moves a network's trainables along a gradient. Confined to one thread at a time. */
abstract class Step {
    final Network network;
    final Parameters parameters;
    final FloatBuffer memory;
    final double learningRate;

    private Step(Network network, Parameters parameters, TrainingSettings settings) {
        this.network = network;
        this.parameters = parameters;
        this.memory = Network.floats(network.parameters());
        this.learningRate = settings.learningRate();
    }

    /** FedLearn's SGD, on the heap. */
    static Step sgd(Network network, Parameters parameters, TrainingSettings settings) {
        return new Sgd(network, parameters, settings);
    }

    /** The updater of the network's configuration. */
    static Step updater(Network network, Parameters parameters, TrainingSettings settings) {
        if (settings.momentum() != 0 || settings.weightDecay() != 0) {
            throw new IllegalArgumentException("momentum and weightDecay must be 0 where the network's own updater is"
                    + " used, were " + settings.momentum() + " and " + settings.weightDecay());
        }
        return new OwnUpdater(network, parameters, settings);
    }

    /** Takes a step. The trainables are given beside the network's memory, which alone is to be changed. */
    abstract void take(float[] trainables, float[] gradient);

    /** Lets go of memory off the heap. */
    void close() {}

    /** Adds the configuration's weight decay to what is in the gradients' memory. */
    final void addDecays() {
        for (Penalty decay : parameters.decays()) {
            decay.addTo(learningRate, network.iteration(), network.epoch());
        }
    }

    private static final class Sgd extends Step {
        private final SgdOptimizer optimizer;

        Sgd(Network network, Parameters parameters, TrainingSettings settings) {
            super(network, parameters, settings);
            this.optimizer = SgdOptimizer.of(settings);
        }

        @Override
        void take(float[] trainables, float[] gradient) {
            boolean decays = !parameters.decays().isEmpty();
            if (decays) {
                network.gradients().assign(0);
                addDecays();
            }
            optimizer.step(trainables, gradient);
            parameters.putTrainables(trainables, memory);
            if (decays) {
                subtract(network);
            }
        }
    }

    private static final class OwnUpdater extends Step {
        private final BaseMultiLayerUpdater<?> updater;
        private final FloatBuffer gradients;

        OwnUpdater(Network network, Parameters parameters, TrainingSettings settings) {
            super(network, parameters, settings);
            for (Parameter parameter : parameters.list()) {
                IUpdater configured = parameter.config().getUpdaterByParam(parameter.key());
                if (parameter.isTrainable() && configured.hasLearningRate()) {
                    configured.setLrAndSchedule(learningRate, null);
                }
            }
            this.updater = network.newUpdater();
            this.gradients = Network.floats(network.gradients());
        }

        @Override
        void take(float[] trainables, float[] gradient) {
            network.gradients().assign(0);
            parameters.putTrainables(gradient, gradients);
            for (UpdaterBlock block : updater.getUpdaterBlocks()) {
                if (!block.skipDueToPretrainConfig(false)) {
                    INDArray view = block.getGradientView();
                    block.getGradientUpdater()
                            .applyUpdater(view.reshape(view.length()), network.iteration(), network.epoch());
                }
            }
            addDecays();
            subtract(network);
        }

        @Override
        void close() {
            INDArray state = updater.getStateViewArray();
            if (state != null) {
                state.close();
            }
        }
    }

    private static void subtract(Network network) {
        INDArray values = network.parameters();
        values.reshape(values.length()).subi(network.gradients().reshape(values.length()));
    }
}
