/** Connections that servers and clients of both protocols share: who is at the other end, and how much it may ask for. */
@org.jspecify.annotations.NullMarked
package io.fedlearn.grpc.internal.netty;
