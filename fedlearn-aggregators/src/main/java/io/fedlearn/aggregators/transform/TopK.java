package io.fedlearn.aggregators.transform;

import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.strategy.Capability;
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
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * Sends the largest values of an update only; the client adds what it did not send to its next update (error feedback).
 *
 * <p>For each trainable tensor of {@code n} parameters, with model delta {@code d_t} of round {@code t} and {@code e} kept at the
 * client, {@code e_0 = 0},
 * <pre>
 *   k     = max(1, round(share n))
 *   p_t   = e_{t-1} + d_t               (rounded to the tensor's type)
 *   g_t   = p_t at its k places of largest magnitude, 0 elsewhere
 *   e_t   = p_t - g_t
 * </pre>
 * {@code g_t} is sent. Of equal magnitudes, compared as float32, the earlier place is taken.
 *
 * <p><b>What is lost.</b> In the end nothing but time: over the rounds in which a client takes part, what was sent and what is kept
 * add up to what it computed, {@code sum g_t + e_T = sum d_t}, but for the one rounding of each {@code p_t}. What is sent in one round
 * is biased: {@code ||p - g||^2 <= (1 - k/n) ||p||^2}. Without feedback what is not sent is lost, and training may stop short of the
 * optimum. A client that is asked seldom sends remainders that have aged; one that is asked once never sends them. Each client's own
 * choice of places makes the mean denser than one update, and coordinate-wise robust rules see many zeros: a median of sparse updates
 * is 0.
 *
 * <p>The remainder belongs to the round, as {@link ClientState} says: it counts only if the round's update entered the global model.
 * What codecs after this one lose is not fed back, so they should be unbiased, as {@link StochasticQuantization} is. After another
 * sparse codec it works without feedback only.
 *
 * <p><b>Bytes.</b> For each value kept 4 and the distance to the one before it, 1, 2 or 4 bytes, whichever all of a tensor's fit in,
 * and one distance more for the end: about 0.06 bytes per parameter at a share of 0.01. From a share of 0.8 on (float32) the
 * update becomes longer. Buffers and integers travel whole.
 *
 * <p><b>Reference.</b> Stich, Cordonnier and Jaggi, "Sparsified SGD with Memory", NeurIPS 2018, arXiv:1809.07599, Algorithm 1; Aji and
 * Heafield, "Sparse Communication for Distributed Gradient Descent", EMNLP 2017, arXiv:1704.05021. <b>Differs</b> from them in
 * applying to the change of local training instead of a gradient, and in choosing tensor by tensor.
 *
 * <p><b>Settings</b> (default, range): share (none, (0, 1]); errorFeedback (true).
 *
 * <p><b>Shapes.</b> Any. Time O(p) for {@code p} parameters (counting leading bits chooses, nothing is sorted). At the client a copy of
 * the trainables is kept from round to round. <b>Threads.</b> Immutable and thread-safe; the transforms it makes are confined to one
 * thread at a time.
 */
public final class TopK implements Codec {
    /** The name under which tasks tell clients of it, of the tensors that hold the places, and of the client's state: {@value}. */
    public static final String NAME = "top-k";

    /** Setting {@value}: what share of each tensor's values is sent. */
    public static final String SHARE = "share";

    /** Setting {@value}: whether what is not sent is added to the next update. */
    public static final String ERROR_FEEDBACK = "errorFeedback";

    private final double share;
    private final boolean errorFeedback;

    private TopK(double share, boolean errorFeedback) {
        CodecSettings.requireShare(SHARE, share);
        this.share = share;
        this.errorFeedback = errorFeedback;
    }

    /**
     * Sends this share of each tensor's values, with error feedback.
     *
     * @param share in (0, 1]
     */
    public static TopK withShare(double share) {
        return new TopK(share, true);
    }

    /** This codec for clients that keep no state: what is not sent is lost. */
    public TopK withoutErrorFeedback() {
        return new TopK(share, false);
    }

    @Override
    public TransformSpec encoder() {
        return new TransformSpec(NAME, Config.empty().with(SHARE, share).with(ERROR_FEEDBACK, errorFeedback));
    }

    @Override
    public UpdateTransform decoder() {
        return new Decoder();
    }

    @Override
    public Set<Capability> requirements() {
        Set<Capability> requirements = EnumSet.copyOf(Codec.super.requirements());
        if (errorFeedback) {
            requirements.add(Capability.STABLE_IDENTITY);
            requirements.add(Capability.CLIENT_STATE);
        }
        return requirements;
    }

    /** Name and settings. */
    @Override
    public String toString() {
        return NAME + "(" + SHARE + "=" + share + ", " + ERROR_FEEDBACK + "=" + errorFeedback + ")";
    }

    private long kept(long elements) {
        return elements == 0 ? 0 : Math.min(elements, Math.max(1, Math.round(share * elements)));
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
            CodecSettings.requireKnown(NAME, settings, SHARE, ERROR_FEEDBACK);
            double share = settings.getDouble(SHARE)
                    .orElseThrow(() -> new IllegalArgumentException(NAME + " needs the setting " + SHARE));
            boolean feedback = settings.getBoolean(ERROR_FEEDBACK)
                    .orElseThrow(() -> new IllegalArgumentException(NAME + " needs the setting " + ERROR_FEEDBACK));
            return new TopK(share, feedback).new Encoder();
        }
    }

    private final class Encoder implements UpdateTransform {
        private final LargestMagnitudes largest = new LargestMagnitudes();
        private final double[] block = new double[OutgoingDelta.BLOCK];

        @Override
        public ClientUpdate apply(ClientUpdate update, TransformContext context) {
            OutgoingDelta delta = OutgoingDelta.of(update, context.globalModel(), NAME);
            Optional<ClientState> state = errorFeedback
                    ? Optional.of(context.clientState()
                            .orElseThrow(() -> new IllegalStateException(NAME + " encodes at clients only")))
                    : Optional.empty();
            Optional<Model> before = state.flatMap(kept -> kept.load(NAME));
            Model.Builder encoded = Model.builder();
            Model.Builder places = Model.builder();
            Model.Builder remainder = Model.builder();
            for (int t = 0; t < delta.size(); t++) {
                TensorSpec spec = delta.spec(t);
                if (!delta.isTrainable(t)) {
                    encoded.add(spec.name(), delta.plain(t), spec.role());
                    continue;
                }
                if (errorFeedback && !spec.shape().equals(delta.globalSpec(t).shape())) {
                    throw InvalidUpdateException.ofTensor(
                            spec.name(), "was made sparse before: " + NAME + " with error feedback must come first");
                }
                float[] values =
                        new float[CodecSettings.arrayLength(spec.shape().elementCount())];
                // Of types other than float32 the values are compared as float32, and sent and kept as they are.
                double[] exact = new double[spec.type() == TensorType.FLOAT32 ? 0 : values.length];
                add(delta, t, before.map(kept -> remainder(kept, spec)), values, exact);
                int[] taken = largest.places(values, (int) kept(values.length));
                encoded.add(spec.name(), take(spec.type(), taken, values, exact), spec.role());
                places.buffer(spec.name(), Gaps.encode(taken, values.length));
                if (errorFeedback) {
                    remainder.trainable(
                            spec.name(),
                            spec.type() == TensorType.FLOAT32
                                    ? Tensor.wrap(values).reshape(spec.shape())
                                    : Tensor.rounded(spec.type(), spec.shape(), exact));
                }
            }
            state.ifPresent(kept -> kept.save(NAME, remainder.build()));
            return update.withModel(UpdateForm.MODEL_DELTA, encoded.build()).withTensors(NAME, places.build());
        }

        private static Tensor remainder(Model before, TensorSpec spec) {
            return before.find(spec.name())
                    .filter(tensor ->
                            tensor.type() == spec.type() && tensor.shape().equals(spec.shape()))
                    .orElseThrow(() -> InvalidUpdateException.ofTensor(
                            spec.name(), "is not what the client's state of '" + NAME + "' was saved for"));
        }

        /** Delta and remainder, rounded to the tensor's type. */
        private void add(OutgoingDelta delta, int t, Optional<Tensor> remainder, float[] values, double[] exact) {
            largest.clear();
            for (int from = 0; from < values.length; from += block.length) {
                int count = Math.min(block.length, values.length - from);
                delta.read(t, from, block, 0, count);
                if (remainder.isPresent()) {
                    remainder.get().addScaledTo(from, block, 0, count, 1);
                }
                if (exact.length > 0) {
                    Tensor.rounded(delta.spec(t).type(), Shape.of(block.length), block)
                            .copyTo(0, exact, from, count);
                    System.arraycopy(exact, from, block, 0, count);
                }
                for (int i = 0; i < count; i++) {
                    values[from + i] = (float) block[i];
                }
                largest.count(values, from, count);
            }
        }

        /** The values at these places, which become 0. */
        private static Tensor take(TensorType type, int[] places, float[] values, double[] exact) {
            if (type == TensorType.FLOAT32) {
                float[] taken = new float[places.length];
                for (int i = 0; i < taken.length; i++) {
                    taken[i] = values[places[i]];
                    values[places[i]] = 0;
                }
                return Tensor.wrap(taken);
            }
            double[] taken = new double[places.length];
            for (int i = 0; i < taken.length; i++) {
                taken[i] = exact[places[i]];
                exact[places[i]] = 0;
            }
            return Tensor.rounded(type, Shape.of(taken.length), taken);
        }

        @Override
        public String description() {
            return TopK.this.toString();
        }
    }

    private final class Decoder implements UpdateTransform {
        @Override
        public ClientUpdate apply(ClientUpdate update, TransformContext context) {
            IncomingDelta delta = IncomingDelta.of(update, context.globalModel());
            Model places = delta.group(NAME);
            int used = 0;
            for (int t = 0; t < delta.size(); t++) {
                if (delta.isTrainable(t)) {
                    delta.put(t, decode(delta, t, places), delta.spec(t).role());
                    used++;
                } else {
                    delta.keep(t);
                }
            }
            if (used != places.spec().size()) {
                throw InvalidUpdateException.of("the tensors '" + NAME + "' must be " + used + ", were "
                        + places.spec().size());
            }
            return delta.finish(NAME);
        }

        private Tensor decode(IncomingDelta delta, int t, Model group) {
            delta.requireFloating(t);
            Tensor values = delta.tensor(t);
            Tensor gaps = IncomingDelta.side(
                    group, NAME, delta.name(t), TensorType.UINT8, TensorType.UINT16, TensorType.UINT32);
            if (gaps.elementCount() != values.elementCount() + 1) {
                throw InvalidUpdateException.ofTensor(
                        delta.name(t),
                        "must have " + (values.elementCount() + 1) + " distances for " + values.elementCount()
                                + " values, had " + gaps.elementCount());
            }
            long elements = Gaps.elements(gaps);
            long most = delta.globalSpec(t).shape().elementCount();
            if (elements > most) {
                throw InvalidUpdateException.ofTensor(
                        delta.name(t), "has a place or an end beyond its " + most + " elements");
            }
            if (values.elementCount() != kept(elements)) {
                throw InvalidUpdateException.ofTensor(
                        delta.name(t), "must have " + kept(elements) + " values, had " + values.elementCount());
            }
            return scatter(values, new Gaps(gaps), delta.shapeOf(t, elements));
        }

        private static Tensor scatter(Tensor values, Gaps places, Shape shape) {
            double[] kept = new double[OutgoingDelta.BLOCK];
            long[] taken = {0};
            return Tensor.computed(values.type(), shape, (from, block, count) -> {
                Arrays.fill(block, 0, count, 0);
                int first = places.before(from + count);
                values.copyTo(taken[0], kept, 0, first);
                for (int i = 0; i < first; i++) {
                    block[(int) (places.place(i) - from)] = kept[i];
                }
                taken[0] += first;
            });
        }

        @Override
        public String description() {
            return TopK.this.toString();
        }
    }
}
