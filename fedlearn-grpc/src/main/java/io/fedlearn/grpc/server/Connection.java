package io.fedlearn.grpc.server;

import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import java.util.Optional;

/**
 * The way from the server to one connected client. Queueing is apart from sending, so that the order of messages can be decided
 * under a lock that is not held while the network is used. Thread-safe.
 */
interface Connection {
    /** Queues a message; never blocks, and never uses the network. Ignored once the connection ends. */
    void enqueue(ServerMessage message);

    /** Queues that the connection ends, after this farewell if there is one. */
    void end(Optional<Goodbye> farewell);

    /** Sends what is queued, as far as the client takes it. */
    void flush();

    /** Whether messages wait because the client does not take them. */
    boolean hasBacklog();

    /** Ends the connection at once, whatever is queued. */
    void abort();

    /** Who it is, for logs: a network address. */
    String address();
}
