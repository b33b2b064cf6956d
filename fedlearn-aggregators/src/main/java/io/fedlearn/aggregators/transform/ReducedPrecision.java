package io.fedlearn.aggregators.transform;

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
import java.nio.ByteOrder;
import java.nio.ShortBuffer;

/**
 * Sends updates as 16-bit floating-point numbers: half the bytes of float32.
 *
 * <p>Each value {@code x} of the model delta travels as the nearest number of the 16-bit type, ties to the one whose last bit is 0,
 * rounded once from {@code double}. With {@code f} fraction bits and smallest normal number {@code m},
 * <pre>
 *   |x' - x| &lt;= max(|x|, m) 2^-(f+1)
 * </pre>
 *
 * <table>
 * <caption>The two types</caption>
 * <tr><th>type</th><th>f</th><th>m</th><th>relative error</th><th>becomes 0 below</th><th>refused from</th></tr>
 * <tr><td>{@link #float16()}</td><td>10</td><td>2^-14</td><td>2^-11</td><td>3.0e-8</td><td>65520</td></tr>
 * <tr><td>{@link #bfloat16()}</td><td>7</td><td>2^-126</td><td>2^-8</td><td>4.6e-41</td><td>3.39e38</td></tr>
 * </table>
 *
 * <p><b>What is lost.</b> Rounding to nearest is deterministic and so not unbiased, but its error is far below the noise of training.
 * Model deltas of large models with small learning rates may lie below 1e-5, where float16 loses its precision: bfloat16 keeps its own
 * over the whole range of float32. A value too large for the type is refused rather than made infinite or clipped.
 *
 * <p><b>Bytes.</b> 2 per parameter, nothing else; tensors of 16-bit types travel as they are.
 *
 * <p><b>Reference.</b> IEEE 754-2019, binary16; Kalamkar et al., "A Study of BFLOAT16 for Deep Learning Training", 2019,
 * arXiv:1905.12322.
 *
 * <p><b>Settings</b> (default): type (none; FLOAT16 or BFLOAT16).
 *
 * <p><b>Shapes.</b> Any. Time O(p) for {@code p} parameters, memory that of the encoded update. <b>Threads.</b> Immutable and
 * thread-safe; the transforms it makes are confined to one thread at a time.
 */
public final class ReducedPrecision implements Codec {
    /** The name under which tasks tell clients of it: {@value}. */
    public static final String NAME = "reduced-precision";

    /** Setting {@value}: FLOAT16 or BFLOAT16. */
    public static final String TYPE = "type";

    private static final int BLOCK = OutgoingDelta.BLOCK;
    private static final int DOUBLE_BIAS = 1023;
    private static final int DOUBLE_FRACTION = 52;

    private final TensorType type;
    private final int fractionBits;
    private final int minExponent;
    // The first magnitude that rounds to infinity.
    private final double limit;

    private ReducedPrecision(TensorType type, int fractionBits, int minExponent, double limit) {
        this.type = type;
        this.fractionBits = fractionBits;
        this.minExponent = minExponent;
        this.limit = limit;
    }

    /** IEEE 754 binary16: 11 bits of precision, from 6e-8 to 65504. */
    public static ReducedPrecision float16() {
        return new ReducedPrecision(TensorType.FLOAT16, 10, -14, 65520);
    }

    /** The upper half of a float32: 8 bits of precision, and float32's range. */
    public static ReducedPrecision bfloat16() {
        return new ReducedPrecision(TensorType.BFLOAT16, 7, -126, 0x1.ffp127);
    }

    @Override
    public TransformSpec encoder() {
        return new TransformSpec(NAME, Config.empty().with(TYPE, type.name()));
    }

    @Override
    public UpdateTransform decoder() {
        return new Decoder(this);
    }

    /** Name and settings. */
    @Override
    public String toString() {
        return NAME + "(" + TYPE + "=" + type + ")";
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
            CodecSettings.requireKnown(NAME, settings, TYPE);
            String type = settings.getString(TYPE)
                    .orElseThrow(() -> new IllegalArgumentException(NAME + " needs the setting " + TYPE));
            return switch (type) {
                case "FLOAT16" -> new Encoder(float16());
                case "BFLOAT16" -> new Encoder(bfloat16());
                default ->
                    throw new IllegalArgumentException(TYPE + " must be FLOAT16 or BFLOAT16, was '" + type + "'");
            };
        }
    }

    private static final class Encoder implements UpdateTransform {
        private final ReducedPrecision codec;
        private final double[] block = new double[BLOCK];
        private final short[] halves = new short[BLOCK];

        Encoder(ReducedPrecision codec) {
            this.codec = codec;
        }

        @Override
        public ClientUpdate apply(ClientUpdate update, TransformContext context) {
            OutgoingDelta delta = OutgoingDelta.of(update, context.globalModel(), NAME);
            Model.Builder encoded = Model.builder();
            for (int t = 0; t < delta.size(); t++) {
                TensorSpec spec = delta.spec(t);
                boolean isWider = spec.type() == TensorType.FLOAT32 || spec.type() == TensorType.FLOAT64;
                encoded.add(spec.name(), isWider ? encode(delta, t) : delta.plain(t), spec.role());
            }
            return update.withModel(UpdateForm.MODEL_DELTA, encoded.build());
        }

        private Tensor encode(OutgoingDelta delta, int t) {
            TensorSpec spec = delta.spec(t);
            long elements = spec.shape().elementCount();
            byte[] bytes = new byte[CodecSettings.arrayLength(elements * Short.BYTES)];
            ShortBuffer target =
                    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asShortBuffer();
            for (long from = 0; from < elements; from += BLOCK) {
                int count = (int) Math.min(BLOCK, elements - from);
                delta.read(t, from, block, 0, count);
                if (!(CodecSettings.largest(block, count) < codec.limit)) {
                    throw InvalidUpdateException.ofTensor(
                            spec.name(), "holds a value that is not finite or that " + codec.type + " cannot hold");
                }
                codec.narrow(block, count, halves);
                target.put(halves, 0, count);
            }
            return Tensor.wrap(codec.type, spec.shape(), bytes);
        }

        @Override
        public String description() {
            return codec.toString();
        }
    }

    /**
     * Rounds the first {@code count} values.
     *
     * <p>A sum with the power of two whose last bit weighs as much as the result's rounds the value to a whole number of those, ties
     * to even; no branch, and subnormal results are no special case. Taken in {@code double}, so that nothing is rounded twice.
     */
    private void narrow(double[] values, int count, short[] target) {
        int toHalf = DOUBLE_FRACTION - fractionBits;
        long least = (long) (DOUBLE_BIAS + minExponent) << DOUBLE_FRACTION;
        long exponents = 0x7ffL << DOUBLE_FRACTION;
        long toMagic = (long) toHalf << DOUBLE_FRACTION;
        for (int i = 0; i < count; i++) {
            long bits = Double.doubleToRawLongBits(values[i]);
            long exponent = Math.max(bits & exponents, least);
            long magic = exponent + toMagic;
            long steps = Double.doubleToRawLongBits(Math.abs(values[i]) + Double.longBitsToDouble(magic)) - magic;
            // A carry out of the fraction moves into the exponent by itself.
            target[i] = (short) (((exponent - least) >>> toHalf) + steps | bits >>> 48 & 0x8000);
        }
    }

    private static void widenFloat16(short[] source, double[] target, int count) {
        for (int i = 0; i < count; i++) {
            int half = source[i];
            int magnitude = half & 0x7fff;
            // A subnormal number gets a leading 1, which a subtraction takes away again.
            int isSubnormal = (magnitude - 0x400) >>> 31;
            float value = Float.intBitsToFloat((magnitude << 13) + ((112 + isSubnormal) << 23))
                    - Float.intBitsToFloat(isSubnormal * (113 << 23));
            target[i] = Float.intBitsToFloat(Float.floatToRawIntBits(value) | half & 0x80000000);
        }
    }

    private static void widenBfloat16(short[] source, double[] target, int count) {
        for (int i = 0; i < count; i++) {
            target[i] = Float.intBitsToFloat(source[i] << 16);
        }
    }

    private static final class Decoder implements UpdateTransform {
        private final ReducedPrecision codec;
        private final ByteBuffer bytes =
                ByteBuffer.allocate(BLOCK * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        private final short[] halves = new short[BLOCK];

        Decoder(ReducedPrecision codec) {
            this.codec = codec;
        }

        @Override
        public ClientUpdate apply(ClientUpdate update, TransformContext context) {
            IncomingDelta delta = IncomingDelta.of(update, context.globalModel());
            for (int t = 0; t < delta.size(); t++) {
                TensorType expected = delta.globalSpec(t).type();
                TensorType actual = delta.spec(t).type();
                boolean isWider = expected == TensorType.FLOAT32 || expected == TensorType.FLOAT64;
                if (isWider && actual == codec.type) {
                    delta.put(t, decode(delta, t, expected), delta.spec(t).role());
                } else if (actual == expected) {
                    // Not encoded, or decoded to the model's type by a codec that came after this one.
                    delta.keep(t);
                } else {
                    throw InvalidUpdateException.ofTensor(
                            delta.name(t), "must be of type " + (isWider ? codec.type : expected) + ", was " + actual);
                }
            }
            return delta.finish(NAME);
        }

        private Tensor decode(IncomingDelta delta, int t, TensorType expected) {
            Tensor tensor = delta.tensor(t);
            return Tensor.computed(expected, tensor.shape(), (from, block, count) -> {
                tensor.encodeTo(from, bytes.clear().limit(count * Short.BYTES));
                bytes.flip().asShortBuffer().get(halves, 0, count);
                if (codec.type == TensorType.FLOAT16) {
                    widenFloat16(halves, block, count);
                } else {
                    widenBfloat16(halves, block, count);
                }
                // An infinity was widened to a value from there on, or to itself.
                if (!(CodecSettings.largest(block, count) < codec.limit)) {
                    throw InvalidUpdateException.ofTensor(delta.name(t), "holds a value that is not finite");
                }
            });
        }

        @Override
        public String description() {
            return codec.toString();
        }
    }
}
