package io.fedlearn.dl4j;

import java.util.Arrays;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.convolution.subsampling.Subsampling3DLayer;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * DL4J's maximum over 2×2×2 places, shown to the native library in a shape that it is fast with. It has vector code for multiples of 16
 * channels alone. Each channel of each example, and each pair of slices in it, is on its own here, so all of them may be channels.
 */
final class LeanPooling3D extends Subsampling3DLayer {
    private static final long serialVersionUID = 1L;

    private static final int[] TWOS = {2, 2, 2};
    private static final int VECTOR = 16;

    LeanPooling3D(NeuralNetConfiguration configuration, DataType dataType) {
        super(configuration, dataType);
    }

    static boolean suits(org.deeplearning4j.nn.conf.layers.Subsampling3DLayer layer) {
        return layer.getPoolingType() == PoolingType.MAX
                && layer.getDataFormat() == Convolution3D.DataFormat.NCDHW
                && Arrays.equals(layer.getKernelSize(), TWOS)
                && Arrays.equals(layer.getStride(), TWOS)
                && Arrays.equals(layer.getDilation(), new int[] {1, 1, 1})
                && Arrays.equals(layer.getPadding(), new int[3])
                && layer.getIDropout() == null;
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        if (!folds()) {
            return super.activate(training, workspaces);
        }
        INDArray whole = input;
        input = folded(whole);
        try {
            return super.activate(training, workspaces)
                    .reshape(
                            'c', whole.size(0), whole.size(1), whole.size(2) / 2, whole.size(3) / 2, whole.size(4) / 2);
        } finally {
            input = whole;
        }
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
        if (!folds() || epsilon.ordering() != 'c') {
            return super.backpropGradient(epsilon, workspaces);
        }
        INDArray whole = input;
        input = folded(whole);
        try {
            long channels = input.size(1);
            Pair<Gradient, INDArray> folded = super.backpropGradient(
                    epsilon.reshape('c', 1, channels, 1, whole.size(3) / 2, whole.size(4) / 2), workspaces);
            return new Pair<>(folded.getFirst(), folded.getSecond().reshape('c', whole.shape()));
        } finally {
            input = whole;
        }
    }

    private boolean folds() {
        return input.rank() == 5
                && input.ordering() == 'c'
                && !input.isView()
                && input.size(2) % 2 == 0
                && input.size(3) % 2 == 0
                && input.size(4) % 2 == 0
                && channels(input) % VECTOR == 0;
    }

    private static long channels(INDArray whole) {
        return whole.size(0) * whole.size(1) * whole.size(2) / 2;
    }

    private static INDArray folded(INDArray whole) {
        return whole.reshape('c', 1, channels(whole), 2, whole.size(3), whole.size(4));
    }
}
