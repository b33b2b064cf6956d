/**
 * Where the model is combined: {@link io.fedlearn.grpc.server.FederatedServer} carries the tasks of a federation to clients that
 * have joined it over the network.
 */
@org.jspecify.annotations.NullMarked
package io.fedlearn.grpc.server;
