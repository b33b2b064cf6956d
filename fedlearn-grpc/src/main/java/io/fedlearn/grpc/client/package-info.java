/**
 * A site's end of a federation across machines: {@link io.fedlearn.grpc.client.FederatedClient} joins a server, works on what it
 * is asked and comes back after every fault until the server says that the run is over.
 */
@org.jspecify.annotations.NullMarked
package io.fedlearn.grpc.client;
