package io.fedlearn.dl4j;

import java.nio.FloatBuffer;
import java.util.Arrays;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.convolution.subsampling.Subsampling3DLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;

/**
 * DL4J's maximum over 2×2×2 places, two slices at a time. The native library does it place by place for what lies channel by channel,
 * and on the way back does all of it twice. Of places that are equally large the first is told of what comes from above.
 */
final class LeanPooling3D extends Subsampling3DLayer {
    private static final long serialVersionUID = 1L;

    private static final int[] TWOS = {2, 2, 2};

    LeanPooling3D(NeuralNetConfiguration configuration, DataType dataType) {
        super(configuration, dataType);
    }

    static boolean suits(org.deeplearning4j.nn.conf.layers.Subsampling3DLayer layer) {
        return layer.getPoolingType() == PoolingType.MAX
                && layer.getConvolutionMode() == ConvolutionMode.Same
                && layer.getDataFormat() == Convolution3D.DataFormat.NCDHW
                && Arrays.equals(layer.getKernelSize(), TWOS)
                && Arrays.equals(layer.getStride(), TWOS)
                && Arrays.equals(layer.getDilation(), new int[] {1, 1, 1})
                && Arrays.equals(layer.getPadding(), new int[3])
                && layer.getIDropout() == null;
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        if (!isPlain(input)) {
            return super.activate(training, workspaces);
        }
        Halving halving = new Halving(input);
        INDArray output = workspaces.createUninitialized(ArrayType.ACTIVATIONS, DataType.FLOAT, halving.shape(), 'c');
        halving.forward(Network.floats(input), Network.floats(output));
        return output;
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
        if (!isPlain(input) || !isPlain(epsilon)) {
            return super.backpropGradient(epsilon, workspaces);
        }
        INDArray gradient =
                workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, DataType.FLOAT, input.shape(), 'c');
        new Halving(input).backward(Network.floats(input), Network.floats(epsilon), Network.floats(gradient));
        return new Pair<>(new DefaultGradient(), gradient);
    }

    /** Whether the numbers lie one after the other, and nothing else does before them. */
    static boolean isPlain(INDArray array) {
        return array.rank() == 5
                && array.dataType() == DataType.FLOAT
                && array.ordering() == 'c'
                && array.offset() == 0
                // What lies in a workspace calls itself a view, so that this is asked.
                && Shape.hasDefaultStridesForShape(array);
    }

    /** One pair of slices after the other; where a length is odd, the last windows are cut short. */
    private static final class Halving {
        private final long[] whole;
        private final int planes;
        private final int depth;
        private final int height;
        private final int width;
        private final int halfHeight;
        private final int halfWidth;
        private final float[] slices;
        private final float[] half;

        Halving(INDArray input) {
            this.whole = input.shape();
            this.planes = Math.toIntExact(whole[0] * whole[1]);
            this.depth = (int) whole[2];
            this.height = (int) whole[3];
            this.width = (int) whole[4];
            this.halfHeight = (height + 1) / 2;
            this.halfWidth = (width + 1) / 2;
            this.slices = new float[2 * height * width];
            this.half = new float[halfHeight * halfWidth];
        }

        long[] shape() {
            return new long[] {whole[0], whole[1], (depth + 1) / 2, halfHeight, halfWidth};
        }

        void forward(FloatBuffer input, FloatBuffer output) {
            int to = 0;
            for (int plane = 0; plane < planes; plane++) {
                for (int z = 0; z < depth; z += 2) {
                    int count = Math.min(2, depth - z) * height * width;
                    input.get((plane * depth + z) * height * width, slices, 0, count);
                    for (int y = 0, i = 0; y < height; y += 2) {
                        for (int x = 0; x < width; x += 2) {
                            half[i++] = slices[largest(y, x, count)];
                        }
                    }
                    output.put(to, half);
                    to += half.length;
                }
            }
        }

        void backward(FloatBuffer input, FloatBuffer above, FloatBuffer below) {
            float[] gradients = new float[slices.length];
            int from = 0;
            for (int plane = 0; plane < planes; plane++) {
                for (int z = 0; z < depth; z += 2) {
                    int count = Math.min(2, depth - z) * height * width;
                    int at = (plane * depth + z) * height * width;
                    input.get(at, slices, 0, count);
                    above.get(from, half);
                    from += half.length;
                    Arrays.fill(gradients, 0);
                    for (int y = 0, i = 0; y < height; y += 2) {
                        for (int x = 0; x < width; x += 2) {
                            gradients[largest(y, x, count)] = half[i++];
                        }
                    }
                    below.put(at, gradients, 0, count);
                }
            }
        }

        /** Where the largest number of a window is, the first of several. */
        private int largest(int y, int x, int count) {
            int first = y * width + x;
            int across = x + 1 < width ? 1 : 0;
            int best = larger(first, first + across);
            if (y + 1 < height) {
                best = larger(best, larger(first + width, first + width + across));
            }
            if (count == slices.length) {
                int next = first + height * width;
                best = larger(best, larger(next, next + across));
                if (y + 1 < height) {
                    best = larger(best, larger(next + width, next + width + across));
                }
            }
            return best;
        }

        private int larger(int one, int other) {
            return slices[other] > slices[one] ? other : one;
        }
    }
}
