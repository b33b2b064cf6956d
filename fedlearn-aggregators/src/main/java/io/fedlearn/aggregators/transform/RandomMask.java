package io.fedlearn.aggregators.transform;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import java.util.Arrays;

/**
 * Sends a random part of an update; a seed tells the server which part, so that places need not travel.
 *
 * <p>Each value {@code x_i} of a trainable tensor's model delta is kept with probability {@code p}, independently of all others, anew
 * for every client and round. The server puts in
 * <pre>
 *   x_i' = x_i / p  if kept, 0 otherwise
 * </pre>
 * which is unbiased, {@code E[x'] = x}, with variance {@code x_i^2 (1 - p) / p}: a small share needs many clients or small steps. With
 * {@link #unscaled()}, {@code x_i' = x_i} if kept: shorter steps, biased to {@code p x}, of variance {@code x_i^2 p (1 - p)}.
 *
 * <p><b>The mask.</b> The generator is {@link SeededRandom} with {@code SeededRandom.derive(seed, name)} for the tensor {@code name}.
 * Place {@code i} takes the low 32 bits of number {@code i / 2} if {@code i} is even, the high ones if it is odd, and is kept if they
 * are below {@code round(2^32 p)}, as an unsigned number. {@code p} in the equations is {@code round(2^32 share) / 2^32}. This is part of
 * the format, and does not change.
 *
 * <p><b>Bytes.</b> {@code 4 share} per parameter (float32), and 8 for the seed. Buffers and integers travel whole. After another
 * sparse codec 8 more for each trainable tensor.
 *
 * <p><b>Reference.</b> Konecny et al., "Federated Learning: Strategies for Improving Communication Efficiency", 2016,
 * arXiv:1610.05492, "random mask" in section 2. <b>Differs</b> from it in scaling by {@code 1 / p}, which it does not mention for masks
 * and asks for in its subsampling.
 *
 * <p><b>Settings</b> (symbol, default, range): share ({@code p}, none, (0, 1]); scaled (true).
 *
 * <p><b>Randomness.</b> From the task's seed, so a repeated task gives the same bits. Not for privacy.
 *
 * <p><b>Shapes.</b> Any. Time O(p) for {@code p} parameters, memory that of the kept values. <b>Threads.</b> Immutable and
 * thread-safe; the transforms it makes are confined to one thread at a time.
 */
public final class RandomMask implements Codec {
    /** The name under which tasks tell clients of it, and of the tensors that hold the seed: {@value}. */
    public static final String NAME = "random-mask";

    /** Setting {@value}: with what probability a value is sent. */
    public static final String SHARE = "share";

    /** Setting {@value}: whether the server divides by the share. */
    public static final String SCALED = "scaled";

    /** Tensor {@value} beside the model: the seed, and the lengths of the trainables if they are not the global model's. */
    static final String SEED = "seed";

    private static final int BLOCK = OutgoingDelta.BLOCK;

    private final double share;
    private final boolean scaled;
    private final long threshold;

    private RandomMask(double share, boolean scaled) {
        CodecSettings.requireShare(SHARE, share);
        this.share = share;
        this.scaled = scaled;
        this.threshold = Math.max(1, Math.round(share * 0x1p32));
    }

    /**
     * Sends this share of the values, scaled so that the update is unbiased.
     *
     * @param share in (0, 1]
     */
    public static RandomMask withShare(double share) {
        return new RandomMask(share, true);
    }

    /** This codec without division by the share. */
    public RandomMask unscaled() {
        return new RandomMask(share, false);
    }

    @Override
    public TransformSpec encoder() {
        return new TransformSpec(NAME, Config.empty().with(SHARE, share).with(SCALED, scaled));
    }

    @Override
    public UpdateTransform decoder() {
        return new Decoder();
    }

    /** Name and settings. */
    @Override
    public String toString() {
        return NAME + "(" + SHARE + "=" + share + ", " + SCALED + "=" + scaled + ")";
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
            CodecSettings.requireKnown(NAME, settings, SHARE, SCALED);
            double share = settings.getDouble(SHARE)
                    .orElseThrow(() -> new IllegalArgumentException(NAME + " needs the setting " + SHARE));
            boolean scaled = settings.getBoolean(SCALED)
                    .orElseThrow(() -> new IllegalArgumentException(NAME + " needs the setting " + SCALED));
            return new RandomMask(share, scaled).new Encoder();
        }
    }

    /** The mask of one tensor, block by block from its start. */
    private static final class Mask {
        private final long threshold;
        private final SeededRandom random;
        private final long[] bits = new long[BLOCK / 2];

        Mask(long seed, String tensor, long threshold) {
            this.threshold = threshold;
            this.random = SeededRandom.of(SeededRandom.derive(seed, tensor));
        }

        /** Moves on by {@code count} places, an even number but for the last time. */
        void next(int count) {
            random.fill(bits, (count + 1) / 2);
        }

        /** 1 if the even place {@code i} of those moved over last is kept, 0 otherwise. */
        int atEven(int i) {
            return (int) (((bits[i >> 1] & 0xffffffffL) - threshold) >>> 63);
        }

        /** 1 if the place after the even place {@code i} is kept, 0 otherwise. */
        int afterEven(int i) {
            return (int) (((bits[i >> 1] >>> 32) - threshold) >>> 63);
        }

        int kept(int count) {
            long kept = 0;
            for (int i = 0; i < count >> 1; i++) {
                kept += (((bits[i] & 0xffffffffL) - threshold) >>> 63) + (((bits[i] >>> 32) - threshold) >>> 63);
            }
            return (int) kept + ((count & 1) == 0 ? 0 : atEven(count - 1));
        }
    }

    private long kept(long seed, String tensor, long elements) {
        Mask mask = new Mask(seed, tensor, threshold);
        long kept = 0;
        for (long from = 0; from < elements; from += BLOCK) {
            int count = (int) Math.min(BLOCK, elements - from);
            mask.next(count);
            kept += mask.kept(count);
        }
        return kept;
    }

    private final class Encoder implements UpdateTransform {
        @Override
        public ClientUpdate apply(ClientUpdate update, TransformContext context) {
            OutgoingDelta delta = OutgoingDelta.of(update, context.globalModel(), NAME);
            Model.Builder encoded = Model.builder();
            for (int t = 0; t < delta.size(); t++) {
                TensorSpec spec = delta.spec(t);
                encoded.add(
                        spec.name(),
                        delta.isTrainable(t) ? encode(delta, t, context.seed()) : delta.plain(t),
                        spec.role());
            }
            Model side = Model.builder()
                    .buffer(SEED, Tensor.copyOf(seedAndLengths(delta, context.seed())))
                    .build();
            return update.withModel(UpdateForm.MODEL_DELTA, encoded.build()).withTensors(NAME, side);
        }

        private Tensor encode(OutgoingDelta delta, int t, long seed) {
            TensorSpec spec = delta.spec(t);
            long elements = spec.shape().elementCount();
            long count = kept(seed, spec.name(), elements);
            return Tensor.computed(
                    spec.type(), Shape.of(count), new KeptValues(delta, t, new Mask(seed, spec.name(), threshold)));
        }

        private static long[] seedAndLengths(OutgoingDelta delta, long seed) {
            long[] all = new long[1 + delta.size()];
            all[0] = seed;
            int trainables = 0;
            boolean isWhole = true;
            for (int t = 0; t < delta.size(); t++) {
                if (delta.isTrainable(t)) {
                    all[++trainables] = delta.spec(t).shape().elementCount();
                    isWhole &= all[trainables] == delta.globalSpec(t).shape().elementCount();
                }
            }
            return Arrays.copyOf(all, isWhole ? 1 : 1 + trainables);
        }

        @Override
        public String description() {
            return RandomMask.this.toString();
        }
    }

    /** The values of a tensor that its mask keeps, one after the other. */
    private static final class KeptValues implements Tensor.BlockFunction {
        private final OutgoingDelta delta;
        private final int t;
        private final Mask mask;
        private final double[] values = new double[BLOCK];
        // One place more, for the value after the last that is kept.
        private final double[] kept = new double[BLOCK + 1];
        // The next place to read, and the kept values that wait.
        private long next;
        private int start;
        private int end;

        KeptValues(OutgoingDelta delta, int t, Mask mask) {
            this.delta = delta;
            this.t = t;
            this.mask = mask;
        }

        @Override
        public void fill(long from, double[] block, int count) {
            for (int done = 0; done < count; ) {
                if (start == end) {
                    read();
                }
                int part = Math.min(count - done, end - start);
                System.arraycopy(kept, start, block, done, part);
                start += part;
                done += part;
            }
        }

        private void read() {
            int length = (int) Math.min(BLOCK, delta.spec(t).shape().elementCount() - next);
            delta.read(t, next, values, 0, length);
            mask.next(length);
            next += length;
            start = 0;
            int last = 0;
            for (int i = 0; i < (length & ~1); i += 2) {
                // Written in any case: a branch that none can foretell would cost more.
                kept[last] = values[i];
                last += mask.atEven(i);
                kept[last] = values[i + 1];
                last += mask.afterEven(i);
            }
            if ((length & 1) != 0) {
                kept[last] = values[length - 1];
                last += mask.atEven(length - 1);
            }
            end = last;
        }
    }

    private final class Decoder implements UpdateTransform {
        @Override
        public ClientUpdate apply(ClientUpdate update, TransformContext context) {
            IncomingDelta delta = IncomingDelta.of(update, context.globalModel());
            Tensor side = IncomingDelta.side(delta.group(NAME), NAME, SEED, TensorType.INT64);
            int trainables = 0;
            for (int t = 0; t < delta.size(); t++) {
                trainables += delta.isTrainable(t) ? 1 : 0;
            }
            if (side.elementCount() != 1 && side.elementCount() != 1 + trainables) {
                throw InvalidUpdateException.ofTensor(
                        SEED,
                        "of '" + NAME + "' must have 1 or " + (1 + trainables) + " elements, had "
                                + side.elementCount());
            }
            long[] seedAndLengths = side.toLongArray();
            int next = 1;
            for (int t = 0; t < delta.size(); t++) {
                if (!delta.isTrainable(t)) {
                    delta.keep(t);
                    continue;
                }
                long most = delta.globalSpec(t).shape().elementCount();
                long elements = seedAndLengths.length == 1 ? most : seedAndLengths[next++];
                if (elements < 0 || elements > most) {
                    throw InvalidUpdateException.ofTensor(
                            delta.name(t), "must have had 0 to " + most + " elements, had " + elements);
                }
                delta.put(
                        t,
                        decode(delta, t, seedAndLengths[0], elements),
                        delta.spec(t).role());
            }
            return delta.finish(NAME);
        }

        private Tensor decode(IncomingDelta delta, int t, long seed, long elements) {
            delta.requireFloating(t);
            Tensor values = delta.tensor(t);
            long expected = kept(seed, delta.name(t), elements);
            if (values.elementCount() != expected) {
                throw InvalidUpdateException.ofTensor(
                        delta.name(t), "must have " + expected + " values, had " + values.elementCount());
            }
            Mask mask = new Mask(seed, delta.name(t), threshold);
            // The first is the 0 for places that are not kept.
            double[] kept = new double[BLOCK + 1];
            long[] taken = {0};
            double divisor = scaled ? threshold * 0x1p-32 : 1;
            return Tensor.computed(values.type(), delta.shapeOf(t, elements), (from, block, count) -> {
                mask.next(count);
                int present = mask.kept(count);
                values.copyTo(taken[0], kept, 1, present);
                taken[0] += present;
                for (int i = 1; i <= present; i++) {
                    kept[i] /= divisor;
                }
                expand(kept, mask, block, count);
            });
        }

        private static void expand(double[] kept, Mask mask, double[] block, int count) {
            int next = 1;
            for (int i = 0; i < (count & ~1); i += 2) {
                // Without branches, which none could foretell.
                int even = mask.atEven(i);
                block[i] = kept[next & -even];
                next += even;
                int odd = mask.afterEven(i);
                block[i + 1] = kept[next & -odd];
                next += odd;
            }
            if ((count & 1) != 0) {
                block[count - 1] = kept[next & -mask.atEven(count - 1)];
            }
        }

        @Override
        public String description() {
            return RandomMask.this.toString();
        }
    }
}
