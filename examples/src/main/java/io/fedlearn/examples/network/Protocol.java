package io.fedlearn.examples.network;

import java.util.Locale;

/** The protocols that a client speaks. */
public enum Protocol {
    /** FedLearn's own. */
    FEDLEARN,
    /** Flower's bidirectional one. */
    FLOWER;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
