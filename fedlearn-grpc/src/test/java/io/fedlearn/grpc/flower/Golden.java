package io.fedlearn.grpc.flower;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;

/** Bytes that Flower 1.6 itself has written. */
final class Golden {
    private Golden() {}

    /** Messages ({@code sm_…} of a server, {@code cm_…} of a client) and arrays ({@code npy_…}). */
    static byte[] bytes(String name) {
        try (InputStream in = Golden.class.getResourceAsStream(name + ".bin")) {
            return Objects.requireNonNull(in, name).readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
