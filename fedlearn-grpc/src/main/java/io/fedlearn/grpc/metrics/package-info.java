/** What servers and clients count: {@link io.fedlearn.grpc.metrics.TransportMetrics}, and its binding to Micrometer. */
@org.jspecify.annotations.NullMarked
package io.fedlearn.grpc.metrics;
