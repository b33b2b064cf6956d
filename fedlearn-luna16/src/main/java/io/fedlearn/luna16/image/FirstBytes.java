package io.fedlearn.luna16.image;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** The beginning of a file, by which formats are told apart. */
final class FirstBytes {
    private FirstBytes() {}

    /** At most so many bytes; fewer if the file has fewer. */
    static byte[] of(Path file, int count) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return in.readNBytes(count);
        }
    }
}
