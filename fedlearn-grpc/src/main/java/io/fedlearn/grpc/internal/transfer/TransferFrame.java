package io.fedlearn.grpc.internal.transfer;

import io.fedlearn.grpc.proto.v1.TaskAnswer;

/** A message of Download's or Upload's stream of values, on its way out or as it came. */
sealed interface TransferFrame permits TransferFrame.Begin, TransferFrame.Malformed, OutgoingChunk, IncomingChunk {
    /** The answer whose values follow. */
    record Begin(TaskAnswer answer) implements TransferFrame {}

    /** Bytes that are no message of the wire contract: as a value, so that they cost a call and not a stack trace. */
    record Malformed(String reason) implements TransferFrame {}
}
