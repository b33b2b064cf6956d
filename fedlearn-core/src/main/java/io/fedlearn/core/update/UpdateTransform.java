package io.fedlearn.core.update;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;

/**
 * One step on an update's way: clip, add noise, encode, decode, mask. At the client, transforms run in the order that the task
 * names; at the server, in the strategy's order, after the border's checks and before weighting.
 *
 * <p>Rules for implementers, tested by {@code TransformContract}: (1) the given update is not changed; (2) the same update and
 * context give the same bits, but for noise that protects privacy and must be drawn anew; (3) what is kept between rounds at a
 * client lies in the context's client state, at the server in {@link #snapshot()}. Confined to one thread at a time.
 */
public interface UpdateTransform {
    /**
     * Transforms an update.
     *
     * @throws InvalidUpdateException if the update is not what this transform works on
     */
    ClientUpdate apply(ClientUpdate update, TransformContext context);

    /** Name and settings, for the run's record, such as {@code norm-clipping(clippingNorm=1.0)}. */
    String description();

    /**
     * Whether an update leaves with the tensors it came with, by name, type, shape and role, as with clipping. Then the server
     * checks them when the update arrives, before it counts towards closing a round. The default is no, as with codecs.
     */
    default boolean keepsSpecification() {
        return false;
    }

    /** What must survive a restart of the coordinator. The default is nothing. */
    default PartState snapshot() {
        return PartState.empty();
    }

    /** Takes up what {@link #snapshot()} gave. */
    default void restore(PartState state) {}

    /** Makes client-side transforms of one name; found through {@link java.util.ServiceLoader}. */
    interface Factory {
        /** The name that a task gives. */
        String name();

        /**
         * A transform with these settings.
         *
         * @throws IllegalArgumentException if a setting is missing, unknown or out of range
         */
        UpdateTransform create(Config settings);
    }
}
