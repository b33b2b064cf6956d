package io.fedlearn.aggregators.transform;

import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import java.nio.ByteBuffer;

/**
 * Sends updates as 8-bit integers, rounded at random so that the error has mean 0: a quarter of the bytes of float32.
 *
 * <p>The values of a tensor's model delta go in blocks of {@code B}. With {@code u_i} uniform in [0, 1), a block {@code x} becomes
 * <pre>
 *   s    = max_i |x_i| / 127      (rounded up to float32)
 *   q_i  = floor(x_i / s + u_i),  from -127 to 127
 *   x_i' = q_i s
 * </pre>
 * The decoded value is unbiased, {@code E[x'] = x}, with {@code |x' - x| < s} and variance at most {@code s^2 / 4} each; over a block,
 * {@code E||x' - x||^2 <= B s^2 / 4}. (The uniforms are multiples of 2^-32, which leaves a bias below {@code 2^-32 s}.) Being unbiased,
 * the errors of a cohort average out. Zeros stay 0, so what a sparse codec left out is not made noisy.
 *
 * <p><b>Bytes.</b> {@code 1 + 4 / B} per parameter. A tensor of fewer than two float32 values becomes longer by its scale.
 *
 * <p><b>Reference.</b> Alistarh et al., "QSGD: Communication-Efficient SGD via Gradient Quantization and Encoding", NeurIPS 2017,
 * arXiv:1610.02132, section 3, with 127 levels and buckets. <b>Differs</b> from it in scaling by the largest magnitude instead of the
 * L2 norm, as its experiments do, and in sending plain bytes instead of Elias codes.
 *
 * <p><b>Settings</b> (symbol, default, range): blockSize ({@code B}, {@value #DEFAULT_BLOCK_SIZE}, 1 to {@value #MAX_BLOCK_SIZE}): how
 * many values share a scale. With a block as long as the tensor there is one scale for each tensor.
 *
 * <p><b>Randomness.</b> From the task's seed and the tensor's name, so a repeated task gives the same bits. Not for privacy.
 *
 * <p><b>Shapes.</b> Any. Values must be finite and below 1e38. Time O(p) for {@code p} parameters, memory that of the encoded update.
 * <b>Threads.</b> Immutable and thread-safe; the transforms it makes are confined to one thread at a time.
 */
public final class StochasticQuantization implements Codec {
    /** The name under which tasks tell clients of it, and of the tensors that hold the scales: {@value}. */
    public static final String NAME = "stochastic-quantization";

    /** Setting {@value}: how many values share a scale. */
    public static final String BLOCK_SIZE = "blockSize";

    /** Default of {@value #BLOCK_SIZE}: {@value}. */
    public static final int DEFAULT_BLOCK_SIZE = 2048;

    /** The largest block: {@value} values. */
    public static final int MAX_BLOCK_SIZE = 1 << 20;

    private static final int LEVELS = 127;
    // So that no decoded value leaves float32's range.
    private static final double MAX_MAGNITUDE = 1e38;
    private static final float MAX_SCALE = 1e36f;

    private final int blockSize;

    private StochasticQuantization(int blockSize) {
        Ranges.requireAtLeast(BLOCK_SIZE, 1, blockSize);
        if (blockSize > MAX_BLOCK_SIZE) {
            throw new IllegalArgumentException(BLOCK_SIZE + " must be <= " + MAX_BLOCK_SIZE + ", was " + blockSize);
        }
        this.blockSize = blockSize;
    }

    /** Quantisation with a scale for every {@value #DEFAULT_BLOCK_SIZE} values. */
    public static StochasticQuantization create() {
        return withBlockSize(DEFAULT_BLOCK_SIZE);
    }

    /**
     * Quantisation with a scale for so many values.
     *
     * @param blockSize 1 to {@value #MAX_BLOCK_SIZE}
     */
    public static StochasticQuantization withBlockSize(int blockSize) {
        return new StochasticQuantization(blockSize);
    }

    @Override
    public TransformSpec encoder() {
        return new TransformSpec(NAME, Config.empty().with(BLOCK_SIZE, blockSize));
    }

    @Override
    public UpdateTransform decoder() {
        return new Decoder();
    }

    /** Name and settings. */
    @Override
    public String toString() {
        return NAME + "(" + BLOCK_SIZE + "=" + blockSize + ")";
    }

    private int blocks(long elements) {
        return (int) ((elements + blockSize - 1) / blockSize);
    }

    /** Makes the encoder at a client; found through {@link java.util.ServiceLoader}. Stateless and thread-safe. */
    public static final class Factory implements UpdateTransform.Factory {
        /** A factory. */
        public Factory() {}

        @Override
        public String name() {
            return NAME;
        }

        @Override
        public UpdateTransform create(Config settings) {
            CodecSettings.requireKnown(NAME, settings, BLOCK_SIZE);
            long blockSize = settings.getLong(BLOCK_SIZE)
                    .orElseThrow(() -> new IllegalArgumentException(NAME + " needs the setting " + BLOCK_SIZE));
            return withBlockSize((int) Math.max(-1, Math.min(Integer.MAX_VALUE, blockSize))).new Encoder();
        }
    }

    private final class Encoder implements UpdateTransform {
        private final double[] values = new double[blockSize];
        private final long[] bits = new long[(blockSize + 1) / 2];

        @Override
        public ClientUpdate apply(ClientUpdate update, TransformContext context) {
            OutgoingDelta delta = OutgoingDelta.of(update, context.globalModel(), NAME);
            Model.Builder encoded = Model.builder();
            Model.Builder scales = Model.builder();
            for (int t = 0; t < delta.size(); t++) {
                TensorSpec spec = delta.spec(t);
                if (!spec.type().isFloating()) {
                    encoded.add(spec.name(), delta.plain(t), spec.role());
                    continue;
                }
                float[] scale = new float[blocks(spec.shape().elementCount())];
                SeededRandom random = SeededRandom.of(SeededRandom.derive(context.seed(), spec.name()));
                // Integers cannot be trainables; the decoder gives the role back.
                encoded.buffer(spec.name(), encode(delta, t, random, scale));
                scales.buffer(spec.name(), Tensor.wrap(scale));
            }
            return update.withModel(UpdateForm.MODEL_DELTA, encoded.build()).withTensors(NAME, scales.build());
        }

        private Tensor encode(OutgoingDelta delta, int t, SeededRandom random, float[] scales) {
            TensorSpec spec = delta.spec(t);
            long elements = spec.shape().elementCount();
            byte[] bytes = new byte[CodecSettings.arrayLength(elements)];
            for (int b = 0; b < scales.length; b++) {
                int from = b * blockSize;
                int count = (int) Math.min(blockSize, elements - from);
                for (int done = 0; done < count; done += OutgoingDelta.BLOCK) {
                    delta.read(t, from + done, values, done, Math.min(OutgoingDelta.BLOCK, count - done));
                }
                double largest = CodecSettings.largest(values, count);
                if (!(largest <= MAX_MAGNITUDE)) {
                    throw InvalidUpdateException.ofTensor(
                            spec.name(), "holds a value that is not finite or beyond " + MAX_MAGNITUDE);
                }
                scales[b] = scale(largest);
                random.fill(bits, (count + 1) / 2);
                if (largest > 0) {
                    quantize(count, scales[b], bytes, from);
                }
            }
            return Tensor.wrap(TensorType.INT8, spec.shape(), bytes);
        }

        private static float scale(double largest) {
            float scale = (float) (largest / LEVELS);
            // Rounded up, or the largest value would not fit.
            return (double) scale * LEVELS < largest ? Math.nextUp(scale) : scale;
        }

        private void quantize(int count, double scale, byte[] bytes, int at) {
            for (int i = 0; i < count; i++) {
                // In units of the uniforms' last bit, and above 0, where a cast rounds down.
                values[i] = (values[i] / scale + (LEVELS + 1)) * 0x1p32;
            }
            int pairs = count & ~1;
            for (int i = 0; i < pairs; i += 2) {
                long uniforms = bits[i >> 1];
                bytes[at + i] = round(values[i], uniforms & 0xffffffffL);
                bytes[at + i + 1] = round(values[i + 1], uniforms >>> 32);
            }
            if (pairs < count) {
                bytes[at + pairs] = round(values[pairs], bits[pairs >> 1] & 0xffffffffL);
            }
        }

        private static byte round(double steps, long uniform) {
            return (byte) ((((long) steps + uniform) >>> 32) - (LEVELS + 1));
        }

        @Override
        public String description() {
            return StochasticQuantization.this.toString();
        }
    }

    private final class Decoder implements UpdateTransform {
        private final byte[] bytes = new byte[OutgoingDelta.BLOCK];

        @Override
        public ClientUpdate apply(ClientUpdate update, TransformContext context) {
            IncomingDelta delta = IncomingDelta.of(update, context.globalModel());
            Model scales = delta.group(NAME);
            int used = 0;
            for (int t = 0; t < delta.size(); t++) {
                TensorSpec expected = delta.globalSpec(t);
                if (!expected.type().isFloating()) {
                    delta.keep(t);
                    continue;
                }
                if (delta.spec(t).type() != TensorType.INT8) {
                    throw InvalidUpdateException.ofTensor(
                            delta.name(t),
                            "must be of type INT8, was " + delta.spec(t).type());
                }
                float[] scale = scales(scales, delta, t);
                used++;
                delta.put(t, decode(delta.tensor(t), expected.type(), scale), expected.role());
            }
            if (used != scales.spec().size()) {
                throw InvalidUpdateException.of("the tensors '" + NAME + "' must be " + used + ", were "
                        + scales.spec().size());
            }
            return delta.finish(NAME);
        }

        private float[] scales(Model group, IncomingDelta delta, int t) {
            Tensor tensor = IncomingDelta.side(group, NAME, delta.name(t), TensorType.FLOAT32);
            int expected = blocks(delta.tensor(t).elementCount());
            if (tensor.elementCount() != expected) {
                throw InvalidUpdateException.ofTensor(
                        delta.name(t), "must have " + expected + " scales, had " + tensor.elementCount());
            }
            float[] scales = tensor.toFloatArray();
            for (float scale : scales) {
                if (!(scale >= 0 && scale <= MAX_SCALE)) {
                    throw InvalidUpdateException.ofTensor(
                            delta.name(t), "has a scale that is not in [0, " + MAX_SCALE + "]");
                }
            }
            return scales;
        }

        private Tensor decode(Tensor tensor, TensorType type, float[] scales) {
            return Tensor.computed(type, tensor.shape(), (from, block, count) -> {
                tensor.encodeTo(from, ByteBuffer.wrap(bytes, 0, count));
                int end;
                for (int i = 0; i < count; i = end) {
                    int b = (int) ((from + i) / blockSize);
                    end = (int) Math.min(count, (b + 1L) * blockSize - from);
                    double scale = scales[b];
                    for (int j = i; j < end; j++) {
                        block[j] = bytes[j] * scale;
                    }
                }
            });
        }

        @Override
        public String description() {
            return StochasticQuantization.this.toString();
        }
    }
}
