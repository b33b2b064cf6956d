package io.fedlearn.dl4j;

import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.Objective;
import io.fedlearn.testkit.contract.LocalModelContract;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class PenalizedNetworkTest extends LocalModelContract {
    @Override
    protected LocalModel create() {
        return Dl4jModel.of(
                new NeuralNetConfiguration.Builder()
                        .l2(0.3)
                        .weightDecay(0.1)
                        .miniBatch(false)
                        .list()
                        .layer(new DenseLayer.Builder()
                                .nIn(6)
                                .nOut(4)
                                .activation(Activation.TANH)
                                .build())
                        .layer(new OutputLayer.Builder(LossFunction.MSE)
                                .nIn(4)
                                .nOut(2)
                                .activation(Activation.IDENTITY)
                                .build())
                        .build(),
                Networks.FEATURES,
                Objective.REGRESSION);
    }

    @Override
    protected boolean trainsAsItEvaluates() {
        return false;
    }
}
