package io.fedlearn.luna16.network;

import java.util.Locale;

/** What a {@link LunaNet} does to the outputs of its convolutions before ReLU. */
public enum Normalization {
    /** Nothing: the input is standardised by constants, and sites have nothing to agree on. */
    NONE,

    /**
     * Batch normalisation, of each channel over all voxels of the batch. In evaluation running statistics take the place of the
     * batch's. They are buffers of the model: the server averages them, or, by the strategy {@code FedBN}, each site keeps
     * these layers as its own.
     */
    BATCH;

    /** As options and run records have it: {@code none}, {@code batch}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
