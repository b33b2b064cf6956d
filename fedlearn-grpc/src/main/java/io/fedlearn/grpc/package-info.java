/**
 * Federated learning between machines. Entry points: {@link io.fedlearn.grpc.server.FederatedServer} where the model is combined,
 * {@link io.fedlearn.grpc.client.FederatedClient} where the data is, and {@code io.fedlearn.grpc.flower} for Flower's peers.
 */
@org.jspecify.annotations.NullMarked
package io.fedlearn.grpc;
