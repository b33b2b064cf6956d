/**
 * Where the model is combined: {@link io.fedlearn.grpc.server.FederatedServer} carries the tasks of a federation to clients that
 * have joined it over the network.
 *
 * <p><b>Logs.</b> Which clients were asked in a round may be what a private run withholds, so tasks are named at the level DEBUG only;
 * from INFO on, logs tell who joins, leaves, is lost or refused. DEBUG logs and {@link io.fedlearn.grpc.metrics.TransportMetrics} of a
 * private run are as confidential as the server itself.
 */
@org.jspecify.annotations.NullMarked
package io.fedlearn.grpc.server;
