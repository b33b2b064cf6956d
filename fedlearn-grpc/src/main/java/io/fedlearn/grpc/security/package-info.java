/**
 * Who may join whom: {@link io.fedlearn.grpc.security.ServerSecurity} at the server, {@link io.fedlearn.grpc.security.ClientSecurity}
 * at a client.
 */
@org.jspecify.annotations.NullMarked
package io.fedlearn.grpc.security;
