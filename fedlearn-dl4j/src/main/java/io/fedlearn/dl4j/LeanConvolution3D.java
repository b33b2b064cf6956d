package io.fedlearn.dl4j;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Objects;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.convolution.Convolution3DLayer;
import org.deeplearning4j.nn.params.Convolution3DParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * DL4J's 3D convolution without two things that its backward pass does and nobody needs.
 *
 * <p>DL4J convolves a second time on the way back, to know the activation's input. Of a ReLU that is at hand: its output is positive
 * where its input was, and lies in the same array. And DL4J computes the gradient of the input of the first layer, which is thrown away;
 * for few channels, as images have, that is most of the work. There the gradient of the weights alone is a matrix product: of what
 * came from above, outputs × places, with the input, unfolded to weights × places.
 */
final class LeanConvolution3D extends Convolution3DLayer {
    private static final long serialVersionUID = 1L;

    private static final ActivationReLU PLAIN = new ActivationReLU();
    private static final int[] ONES = {1, 1, 1};

    private final boolean isFirst;
    private transient @Nullable INDArray activated;

    LeanConvolution3D(NeuralNetConfiguration configuration, DataType dataType, boolean isFirst) {
        super(configuration, dataType);
        this.isFirst = isFirst;
    }

    /** Whether the activation is one whose output takes the place of its input and tells as much. */
    static boolean suits(Convolution3D layer) {
        IActivation activation = layer.getActivationFn();
        return activation instanceof ActivationIdentity || activation.equals(PLAIN);
    }

    @Override
    protected Pair<INDArray, INDArray> preOutput(boolean training, boolean forBackprop, LayerWorkspaceMgr workspaces) {
        if (forBackprop && activated != null) {
            INDArray known = activated;
            activated = null;
            return new Pair<>(known, null);
        }
        Pair<INDArray, INDArray> computed = super.preOutput(training, forBackprop, workspaces);
        activated = training && !forBackprop ? computed.getFirst() : null;
        return computed;
    }

    @Override
    public void clear() {
        super.clear();
        activated = null;
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
        if (!isFirst || !unfolds()) {
            return super.backpropGradient(epsilon, workspaces);
        }
        INDArray weights = gradientView(Convolution3DParamInitializer.WEIGHT_KEY);
        INDArray delta = layerConf()
                .getActivationFn()
                .backprop(preOutput(true, true, workspaces).getFirst(), epsilon)
                .getFirst();
        int examples = Math.toIntExact(input.size(0));
        int outputs = Math.toIntExact(weights.size(0));
        int taps = Math.toIntExact(weights.length() / outputs);
        int places = Math.toIntExact(delta.length() / examples / outputs);
        INDArray sums =
                workspaces.createUninitialized(ArrayType.BP_WORKING_MEM, dataType, new long[] {taps + 1, outputs}, 'f');
        INDArray unfolded =
                workspaces.createUninitialized(ArrayType.BP_WORKING_MEM, dataType, new long[] {taps + 1, places}, 'c');
        Unfolding unfolding = new Unfolding(input, weights, floats(unfolded));
        for (int i = 0; i < examples; i++) {
            unfolding.of(i);
            INDArray above = delta.slice(i).reshape('c', outputs, places);
            Nd4j.gemm(unfolded, above, sums, false, true, 1, i == 0 ? 0 : 1);
        }
        Gradient gradient = new DefaultGradient();
        FloatBuffer from = floats(sums);
        FloatBuffer to = floats(weights);
        for (int o = 0; o < outputs; o++) {
            to.put(o * taps, from, o * (taps + 1), taps);
        }
        if (hasBias()) {
            INDArray bias = gradientView(Convolution3DParamInitializer.BIAS_KEY);
            FloatBuffer biases = floats(bias);
            for (int o = 0; o < outputs; o++) {
                biases.put(o, from.get(o * (taps + 1) + taps));
            }
            gradient.setGradientFor(Convolution3DParamInitializer.BIAS_KEY, bias);
        }
        gradient.setGradientFor(Convolution3DParamInitializer.WEIGHT_KEY, weights, 'c');
        weightNoiseParams.clear();
        return new Pair<>(gradient, null);
    }

    private INDArray gradientView(String parameter) {
        return Objects.requireNonNull(gradientViews.get(parameter), parameter);
    }

    /** The numbers of an array, from its own first one on. */
    private static FloatBuffer floats(INDArray array) {
        return array.data().asNioFloat().position((int) array.offset()).slice();
    }

    private boolean unfolds() {
        Convolution3D layer = (Convolution3D) layerConf();
        return convolutionMode == ConvolutionMode.Same
                && layer.getDataFormat() == Convolution3D.DataFormat.NCDHW
                && Arrays.equals(layer.getStride(), ONES)
                && Arrays.equals(layer.getDilation(), ONES)
                && Arrays.stream(layer.getKernelSize()).allMatch(size -> size % 2 == 1)
                && dataType == DataType.FLOAT
                && input.dataType() == DataType.FLOAT
                && input.ordering() == 'c'
                && input.size(1) * layer.getKernelSize()[0] <= 16;
    }

    /** Writes for each weight which value of the input it meets at each place of the output, and in a last row ones, for the bias. */
    private static final class Unfolding {
        private final FloatBuffer input;
        private final FloatBuffer target;
        private final int channels;
        private final int[] size;
        private final int[] kernel;
        private final float[] zeros;

        Unfolding(INDArray input, INDArray weights, FloatBuffer target) {
            this.input = floats(input);
            this.target = target;
            this.channels = (int) input.size(1);
            this.size = new int[] {(int) input.size(2), (int) input.size(3), (int) input.size(4)};
            this.kernel = new int[] {(int) weights.size(2), (int) weights.size(3), (int) weights.size(4)};
            this.zeros = new float[size[1] * size[2]];
            int places = size[0] * size[1] * size[2];
            for (int i = 0, from = target.capacity() - places; i < places; i++) {
                target.put(from + i, 1);
            }
        }

        void of(int example) {
            int places = size[0] * size[1] * size[2];
            int row = 0;
            for (int c = 0; c < channels; c++) {
                int from = (example * channels + c) * places;
                for (int z = 0; z < kernel[0]; z++) {
                    for (int y = 0; y < kernel[1]; y++) {
                        for (int x = 0; x < kernel[2]; x++) {
                            shift(from, z - kernel[0] / 2, y - kernel[1] / 2, x - kernel[2] / 2, row++ * places);
                        }
                    }
                }
            }
        }

        /** Copies the image, shifted; what comes from beyond it is 0. */
        private void shift(int from, int dz, int dy, int dx, int to) {
            int height = size[1];
            int width = size[2];
            int low = Math.max(0, -dx);
            int count = width - Math.abs(dx);
            for (int z = 0; z < size[0]; z++) {
                int slice = to + z * height * width;
                if (z + dz < 0 || z + dz >= size[0]) {
                    target.put(slice, zeros);
                    continue;
                }
                for (int y = 0; y < height; y++) {
                    int line = slice + y * width;
                    if (count <= 0 || y + dy < 0 || y + dy >= height) {
                        target.put(line, zeros, 0, width);
                        continue;
                    }
                    target.put(line, zeros, 0, low);
                    target.put(line + low, input, from + ((z + dz) * height + y + dy) * width + low + dx, count);
                    target.put(line + low + count, zeros, 0, width - low - count);
                }
            }
        }
    }
}
