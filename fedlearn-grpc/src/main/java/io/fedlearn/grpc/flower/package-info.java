/**
 * Flower's bidirectional protocol, both ways. Entry points: {@code FlowerServer}, which Flower's clients join,
 * and {@code FlowerClient}, which joins a Flower server.
 */
@org.jspecify.annotations.NullMarked
package io.fedlearn.grpc.flower;
