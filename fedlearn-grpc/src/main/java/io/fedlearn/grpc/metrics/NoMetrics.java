package io.fedlearn.grpc.metrics;

/** Counts nothing. */
enum NoMetrics implements TransportMetrics {
    NONE
}
