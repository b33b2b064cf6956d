/**
 * Flower's bidirectional protocol, both ways. Entry points: {@link io.fedlearn.grpc.flower.FlowerServer}, which Flower's clients join,
 * and {@code FlowerClient}, which joins a Flower server.
 *
 * <p><b>Logs.</b> Which clients were asked in a round may be what a private run withholds, so the server names tasks at the level DEBUG
 * only; from INFO on, its logs tell who joins, leaves, is lost or refused.
 */
@org.jspecify.annotations.NullMarked
package io.fedlearn.grpc.flower;
