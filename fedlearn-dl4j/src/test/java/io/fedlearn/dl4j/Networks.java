package io.fedlearn.dl4j;

import io.fedlearn.core.tensor.Shape;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.Subsampling3DLayer;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Small networks of every kind. */
final class Networks {
    static final Shape FEATURES = Shape.of(6);
    static final Shape VOLUME = Shape.of(1, 4, 6, 6);

    private Networks() {}

    /** Dense, three classes. */
    static MultiLayerConfiguration dense() {
        return new NeuralNetConfiguration.Builder()
                .list()
                .layer(new DenseLayer.Builder()
                        .nIn(6)
                        .nOut(5)
                        .activation(Activation.TANH)
                        .build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                        .nIn(5)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build())
                .build();
    }

    /** Two convolutions in three dimensions, one sigmoid. */
    static MultiLayerConfiguration convolutional() {
        return new NeuralNetConfiguration.Builder()
                .list()
                .layer(new Convolution3D.Builder(3, 3, 3)
                        .name("conv1")
                        .nOut(3)
                        .dataFormat(Convolution3D.DataFormat.NCDHW)
                        .convolutionMode(org.deeplearning4j.nn.conf.ConvolutionMode.Same)
                        .activation(Activation.TANH)
                        .build())
                .layer(new Convolution3D.Builder(3, 3, 3)
                        .name("conv2")
                        .nOut(2)
                        .dataFormat(Convolution3D.DataFormat.NCDHW)
                        .convolutionMode(org.deeplearning4j.nn.conf.ConvolutionMode.Same)
                        .activation(Activation.TANH)
                        .build())
                .layer(new Subsampling3DLayer.Builder()
                        .poolingType(Subsampling3DLayer.PoolingType.MAX)
                        .kernelSize(2, 2, 2)
                        .stride(2, 2, 2)
                        .dataFormat(Convolution3D.DataFormat.NCDHW)
                        .build())
                .layer(new OutputLayer.Builder(LossFunction.XENT)
                        .name("output")
                        .nOut(1)
                        .activation(Activation.SIGMOID)
                        .build())
                .setInputType(InputType.convolutional3D(Convolution3D.DataFormat.NCDHW, 4, 6, 6, 1))
                .build();
    }

    /** Dense with batch-norm, three classes. */
    static MultiLayerConfiguration normalized(boolean logStandardDeviation) {
        return new NeuralNetConfiguration.Builder()
                .list()
                .layer(new DenseLayer.Builder()
                        .nIn(6)
                        .nOut(5)
                        .activation(Activation.TANH)
                        .build())
                .layer(new BatchNormalization.Builder()
                        .name("norm")
                        .nIn(5)
                        .nOut(5)
                        .useLogStd(logStandardDeviation)
                        .build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                        .nIn(5)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build())
                .build();
    }

    /** Dense with dropout, two values. */
    static MultiLayerConfiguration withDropout() {
        return new NeuralNetConfiguration.Builder()
                .list()
                .layer(new DenseLayer.Builder()
                        .nIn(6)
                        .nOut(16)
                        .activation(Activation.TANH)
                        .build())
                .layer(new DropoutLayer.Builder(0.5).build())
                .layer(new OutputLayer.Builder(LossFunction.MSE)
                        .nIn(16)
                        .nOut(2)
                        .activation(Activation.IDENTITY)
                        .build())
                .build();
    }

    /** A graph whose second layer is added to its first, two of softmax. */
    static ComputationGraphConfiguration residual() {
        return new NeuralNetConfiguration.Builder()
                .graphBuilder()
                .addInputs("in")
                .addLayer(
                        "first",
                        new DenseLayer.Builder()
                                .nIn(6)
                                .nOut(5)
                                .activation(Activation.TANH)
                                .build(),
                        "in")
                .addLayer(
                        "second",
                        new DenseLayer.Builder()
                                .nIn(5)
                                .nOut(5)
                                .activation(Activation.TANH)
                                .build(),
                        "first")
                .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "first", "second")
                .addLayer(
                        "out",
                        new OutputLayer.Builder(LossFunction.MCXENT)
                                .nIn(5)
                                .nOut(2)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "sum")
                .setOutputs("out")
                .build();
    }
}
