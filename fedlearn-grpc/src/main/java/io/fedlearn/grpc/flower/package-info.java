/**
 * Flower's bidirectional protocol, both ways. Entry points: {@link io.fedlearn.grpc.flower.FlowerServer}, which Flower's clients join,
 * and {@code FlowerClient}, which joins a Flower server.
 */
@org.jspecify.annotations.NullMarked
package io.fedlearn.grpc.flower;
