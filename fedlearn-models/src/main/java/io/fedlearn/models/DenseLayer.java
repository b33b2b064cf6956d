package io.fedlearn.models;

import java.util.Arrays;

/**
 * One fully connected layer, {@code y = W x + b}, with {@code W} of shape outputs × inputs. Confined to one thread at a
 * time.
 *
 * <p>Every row that a kernel touches is an array of its own, read from index 0 on: HotSpot turns such loops into vector
 * instructions, and leaves them scalar when rows lie at offsets in one flat array (measured on 17: 46 against 9 GFLOP/s
 * for rows of 200). So weights are copied out of the flat trainables before use, for wide layers transposed, since a
 * matrix product as a sum of scaled rows is vectorised and a dot product is not.
 */
final class DenseLayer {
    /** Below this many outputs rows are too short for vectors, and dot products are as fast. */
    private static final int WIDE = 16;

    private static final int TILE = 16;

    private final int inputs;
    private final int outputs;
    private final int weightOffset;
    private final int biasOffset;
    private final boolean wide;
    /** Column {@code i} of the weights; only of a wide layer. */
    private final float[][] columns;
    /** Row {@code o} of the weights; only if the layer is narrow, or not the first. */
    private final float[][] rows;

    private final float[] bias;
    private final float[] gradientRow;

    DenseLayer(int inputs, int outputs, int weightOffset, boolean first) {
        this.inputs = inputs;
        this.outputs = outputs;
        this.weightOffset = weightOffset;
        this.biasOffset = weightOffset + inputs * outputs;
        this.wide = outputs >= WIDE;
        this.columns = wide ? new float[inputs][outputs] : new float[0][0];
        this.rows = wide && first ? new float[0][0] : new float[outputs][inputs];
        this.bias = new float[outputs];
        this.gradientRow = new float[inputs];
    }

    int inputs() {
        return inputs;
    }

    int outputs() {
        return outputs;
    }

    int weightOffset() {
        return weightOffset;
    }

    int weightCount() {
        return inputs * outputs;
    }

    /** Takes the layer's weights and bias out of the trainables, after they changed. */
    void refresh(float[] trainables) {
        System.arraycopy(trainables, biasOffset, bias, 0, outputs);
        for (int o = 0; o < rows.length; o++) {
            System.arraycopy(trainables, weightOffset + o * inputs, rows[o], 0, inputs);
        }
        if (wide) {
            transpose(trainables);
        }
    }

    private void transpose(float[] trainables) {
        for (int firstInput = 0; firstInput < inputs; firstInput += TILE) {
            int endInput = Math.min(inputs, firstInput + TILE);
            for (int firstOutput = 0; firstOutput < outputs; firstOutput += TILE) {
                int endOutput = Math.min(outputs, firstOutput + TILE);
                for (int i = firstInput; i < endInput; i++) {
                    float[] column = columns[i];
                    int at = weightOffset + firstOutput * inputs + i;
                    for (int o = firstOutput; o < endOutput; o++) {
                        column[o] = trainables[at];
                        at += inputs;
                    }
                }
            }
        }
    }

    /** {@code y = W x + b} for the first {@code count} rows. A row's result does not depend on the others. */
    void forward(float[][] x, int count, float[][] y) {
        if (!wide) {
            for (int b = 0; b < count; b++) {
                for (int o = 0; o < outputs; o++) {
                    y[b][o] = dot(x[b], rows[o], inputs) + bias[o];
                }
            }
            return;
        }
        for (int b = 0; b < count; b++) {
            System.arraycopy(bias, 0, y[b], 0, outputs);
        }
        // Four columns stay in the first-level cache while every example of the block uses them.
        int i = 0;
        for (; i + 4 <= inputs; i += 4) {
            float[] w0 = columns[i];
            float[] w1 = columns[i + 1];
            float[] w2 = columns[i + 2];
            float[] w3 = columns[i + 3];
            for (int b = 0; b < count; b++) {
                float[] row = x[b];
                addScaled(y[b], w0, w1, w2, w3, outputs, row[i], row[i + 1], row[i + 2], row[i + 3]);
            }
        }
        for (; i < inputs; i++) {
            for (int b = 0; b < count; b++) {
                addScaled(y[b], columns[i], outputs, x[b][i]);
            }
        }
    }

    /** {@code dx = W^T delta} for the first {@code count} rows. */
    void backward(float[][] delta, int count, float[][] dx) {
        for (int b = 0; b < count; b++) {
            Arrays.fill(dx[b], 0, inputs, 0);
        }
        int o = 0;
        for (; o + 4 <= outputs; o += 4) {
            float[] w0 = rows[o];
            float[] w1 = rows[o + 1];
            float[] w2 = rows[o + 2];
            float[] w3 = rows[o + 3];
            for (int b = 0; b < count; b++) {
                float[] row = delta[b];
                addScaled(dx[b], w0, w1, w2, w3, inputs, row[o], row[o + 1], row[o + 2], row[o + 3]);
            }
        }
        for (; o < outputs; o++) {
            for (int b = 0; b < count; b++) {
                addScaled(dx[b], rows[o], inputs, delta[b][o]);
            }
        }
    }

    /**
     * The gradient by weights and bias, summed over rows {@code from} to {@code to - 1}, into the layer's part of the
     * flat gradient.
     *
     * @param add whether to add to what is there, rather than to replace it
     */
    void gradient(float[][] x, float[][] delta, int from, int to, float[] gradient, boolean add) {
        float[] sum = gradientRow;
        for (int o = 0; o < outputs; o++) {
            int at = weightOffset + o * inputs;
            float biasSum;
            if (add) {
                System.arraycopy(gradient, at, sum, 0, inputs);
                biasSum = gradient[biasOffset + o];
            } else {
                Arrays.fill(sum, 0);
                biasSum = 0;
            }
            int b = from;
            for (; b + 4 <= to; b += 4) {
                float d0 = delta[b][o];
                float d1 = delta[b + 1][o];
                float d2 = delta[b + 2][o];
                float d3 = delta[b + 3][o];
                addScaled(sum, x[b], x[b + 1], x[b + 2], x[b + 3], inputs, d0, d1, d2, d3);
                biasSum += (d0 + d1) + (d2 + d3);
            }
            for (; b < to; b++) {
                float d = delta[b][o];
                addScaled(sum, x[b], inputs, d);
                biasSum += d;
            }
            System.arraycopy(sum, 0, gradient, at, inputs);
            gradient[biasOffset + o] = biasSum;
        }
    }

    private static void addScaled(
            float[] y, float[] w0, float[] w1, float[] w2, float[] w3, int n, float s0, float s1, float s2, float s3) {
        for (int i = 0; i < n; i++) {
            y[i] += (s0 * w0[i] + s1 * w1[i]) + (s2 * w2[i] + s3 * w3[i]);
        }
    }

    private static void addScaled(float[] y, float[] w, int n, float s) {
        for (int i = 0; i < n; i++) {
            y[i] += s * w[i];
        }
    }

    /** Eight running sums, since one would wait for each addition to finish. */
    private static float dot(float[] x, float[] w, int n) {
        float s0 = 0;
        float s1 = 0;
        float s2 = 0;
        float s3 = 0;
        float s4 = 0;
        float s5 = 0;
        float s6 = 0;
        float s7 = 0;
        int i = 0;
        for (; i + 8 <= n; i += 8) {
            s0 += x[i] * w[i];
            s1 += x[i + 1] * w[i + 1];
            s2 += x[i + 2] * w[i + 2];
            s3 += x[i + 3] * w[i + 3];
            s4 += x[i + 4] * w[i + 4];
            s5 += x[i + 5] * w[i + 5];
            s6 += x[i + 6] * w[i + 6];
            s7 += x[i + 7] * w[i + 7];
        }
        float sum = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
        for (; i < n; i++) {
            sum += x[i] * w[i];
        }
        return sum;
    }
}
