package io.fedlearn.examples.network;

import java.util.Locale;

/** Whose clients a server serves. */
enum Served {
    /** FedLearn's. */
    FEDLEARN,
    /** Flower's. */
    FLOWER,
    /** Both, on two ports. */
    BOTH;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
