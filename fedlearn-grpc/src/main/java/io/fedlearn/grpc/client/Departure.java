package io.fedlearn.grpc.client;

/**
 * Why a client is no longer with its server, and what it has done there.
 *
 * @param cause who ended it
 * @param reason in the server's words, for a person; may be empty
 * @param tasksAnswered how many tasks the server has a receipt for, whatever the outcome
 * @param reconnects how often the client came back after it had lost its connection
 * @param bytesReceived of messages and models, as they were on the wire before TLS
 * @param bytesSent likewise
 */
public record Departure(
        Cause cause, String reason, long tasksAnswered, long reconnects, long bytesReceived, long bytesSent) {
    /** Who ended it. */
    public enum Cause {
        /** The server said that the run is over. */
        RUN_OVER,
        /** The server said that the run has ended before it was done. */
        RUN_FAILED,
        /** {@link FederatedClient#close()} was called. */
        CLOSED
    }
}
