package io.fedlearn.testkit.network;

/** Which way bytes go through a {@link FaultyProxy}. */
public enum Direction {
    /** From the side that connected. */
    TO_SERVER,
    /** To the side that connected. */
    TO_CLIENT
}
