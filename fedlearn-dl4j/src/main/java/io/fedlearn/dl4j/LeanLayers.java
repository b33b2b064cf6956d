package io.fedlearn.dl4j;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.Subsampling3DLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Puts layers that do the same with less work in the place of DL4J's own. The configuration stays as it is, and so does the file that
 * is written of a network.
 */
final class LeanLayers {
    private LeanLayers() {}

    /** Exchanges what can be exchanged in a network that is initialised and was not used yet. */
    static void install(MultiLayerNetwork network) {
        Layer[] layers = network.getLayers();
        for (int i = 0; i < layers.length; i++) {
            NeuralNetConfiguration configuration = layers[i].conf();
            Class<?> kind = layers[i].getClass();
            if (kind == org.deeplearning4j.nn.layers.convolution.Convolution3DLayer.class
                    && LeanConvolution3D.suits((Convolution3D) configuration.getLayer())) {
                LeanConvolution3D lean = new LeanConvolution3D(
                        configuration, network.getLayerWiseConfigurations().getDataType(), i == 0);
                lean.setParamsViewArray(layers[i].params());
                lean.setParamTable(layers[i].paramTable());
                layers[i] = take(lean, layers[i]);
            } else if (kind == org.deeplearning4j.nn.layers.convolution.subsampling.Subsampling3DLayer.class
                    && LeanPooling3D.suits((Subsampling3DLayer) configuration.getLayer())) {
                layers[i] = take(
                        new LeanPooling3D(
                                configuration,
                                network.getLayerWiseConfigurations().getDataType()),
                        layers[i]);
            }
        }
    }

    private static Layer take(Layer lean, Layer from) {
        lean.setListeners(from.getListeners());
        lean.setIndex(from.getIndex());
        lean.setConf(from.conf());
        INDArray gradients = from.getGradientsViewArray();
        if (gradients != null) {
            lean.setBackpropGradientsViewArray(gradients);
        }
        return lean;
    }
}
