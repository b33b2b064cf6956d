package io.fedlearn.luna16.network;

import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.Objective;
import io.fedlearn.dl4j.Dl4jModel;
import io.fedlearn.luna16.patch.PatchShape;
import io.fedlearn.testkit.contract.LocalModelContract;
import java.util.List;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.Subsampling3DLayer;
import org.nd4j.linalg.activations.impl.ActivationTanH;

/** With smooth functions in the place of rectifiers and maxima, whose kinks no difference can tell from a wrong gradient. */
class SmoothNormalizedNetworkTest extends LocalModelContract {
    @Override
    protected LocalModel create() {
        LunaNet network = LunaNet.of(new PatchShape(4, 4, 4), List.of(2)).withNormalization(Normalization.BATCH);
        MultiLayerConfiguration configuration = network.configuration();
        configuration.getConfs().forEach(layer -> {
            if (layer.getLayer() instanceof ActivationLayer activation) {
                activation.setActivationFn(new ActivationTanH());
            }
            if (layer.getLayer() instanceof Subsampling3DLayer pooling) {
                pooling.setPoolingType(PoolingType.AVG);
            }
        });
        return Dl4jModel.of(configuration, network.featureShape(), Objective.BINARY);
    }

    @Override
    protected boolean trainsAsItEvaluates() {
        return false;
    }

    @Override
    protected double gradientTolerance() {
        return 1e-3;
    }
}
