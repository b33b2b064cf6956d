package io.fedlearn.aggregators.transform;

import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.update.UpdateTransform;
import java.util.EnumSet;
import java.util.Set;

/**
 * A way to make client updates shorter: an encoder that clients apply last, and its counterpart that the server applies first.
 *
 * <p>{@code codec.appliedTo(strategy)} puts it on any strategy. Rules, clipping and checks see decoded updates. Codecs compose:
 * {@code StochasticQuantization.create().appliedTo(TopK.withShare(0.01).appliedTo(strategy))} has clients keep the largest values and
 * quantise those, and the server undo both in turn. What makes values fewer comes first, what makes them shorter after it.
 *
 * <p><b>What is encoded.</b> Encoders work on the model delta: an update that holds a model becomes one that holds a delta,
 * {@code w_k - w} in {@code double}, because a delta bears rounding better than the model, whose values may be a thousand times
 * larger. Tensors of floating-point types are encoded, sparse codecs leave buffers dense; integers travel as they are, as the
 * difference to the global model, and one whose type cannot hold its difference (an unsigned one that fell) is refused. Tensors
 * beside the model, such as the change of a control variate, are not touched.
 *
 * <p><b>What is saved</b> stands in the record of each round, {@code OutcomeRecord.savedBytes()}. What a codec says beside the values
 * (scales, places, a seed) takes bytes too, so an update of tiny tensors may become longer than it was; the saving is negative then.
 *
 * <p>Immutable and thread-safe.
 */
public interface Codec {
    /** What clients are told to apply. */
    TransformSpec encoder();

    /** A new decoder, for one run. */
    UpdateTransform decoder();

    /** What clients and the way to them must be able to do. */
    default Set<Capability> requirements() {
        return EnumSet.of(Capability.NAMED_TENSORS, Capability.SIDE_TENSORS);
    }

    /**
     * The strategy with this codec: the encoder last at the clients, the decoder first at the server.
     *
     * @throws IllegalArgumentException if the strategy has such a codec already
     */
    default Strategy appliedTo(Strategy strategy) {
        Strategy.Builder builder = strategy.toBuilder().codec(encoder(), this::decoder);
        requirements().forEach(builder::requires);
        return builder.build();
    }
}
