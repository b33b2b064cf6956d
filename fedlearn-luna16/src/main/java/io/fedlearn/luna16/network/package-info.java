/**
 * The 3D network that tells nodules from other candidates, and the client that trains it at a hospital:
 * {@link io.fedlearn.luna16.network.LunaNet} and {@link io.fedlearn.luna16.network.Luna16Client}.
 */
@org.jspecify.annotations.NullMarked
package io.fedlearn.luna16.network;
