package io.fedlearn.grpc.flower;

import io.grpc.Status;

/** How a client's call at a server ended. Immutable. */
sealed interface CallEnding {
    /** The client was closed. */
    record Closed() implements CallEnding {}

    /** The server sent the client away, at this time, for so many seconds or, if 0, for good. */
    record Dismissed(long seconds, long since) implements CallEnding {}

    /** The call ended without that; {@code served} says whether the server had asked anything. */
    record Lost(Status status, boolean served) implements CallEnding {}
}
