package io.fedlearn.grpc.internal.transfer;

import io.fedlearn.grpc.proto.v1.Verdict;

/** Counts what is carried. Called from any thread, for each chunk: implementers are thread-safe and return at once. */
public interface TransferObserver {
    /** Counts nothing. */
    TransferObserver NONE = new TransferObserver() {};

    /** A chunk with so many bytes of values was handed to the transport, as so many bytes of data. */
    default void sent(long valueBytes, long dataBytes) {}

    /** A chunk with so many bytes of values has come, as so many bytes of data. */
    default void received(long valueBytes, long dataBytes) {}

    /** An upload has ended with this verdict on its answer. */
    default void judged(Verdict verdict) {}
}
