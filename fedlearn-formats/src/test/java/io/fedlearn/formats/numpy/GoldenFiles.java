package io.fedlearn.formats.numpy;

import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;

/** Files that NumPy wrote, by {@code golden.py} beside them. */
final class GoldenFiles {
    private GoldenFiles() {}

    static byte[] bytes(String name) {
        try (InputStream in = GoldenFiles.class.getResourceAsStream(name)) {
            return Objects.requireNonNull(in, name).readAllBytes();
        } catch (IOException e) {
            throw new AssertionError(name, e);
        }
    }
}
