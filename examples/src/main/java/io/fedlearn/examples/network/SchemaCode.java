package io.fedlearn.examples.network;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * A short text that sites have in common if the same number in the same place of their models means the same: features and their
 * order, classes and their order, model and scale.
 */
final class SchemaCode {
    private static final String PREFIX = "s";
    private static final int BYTES = 6;

    private SchemaCode() {}

    /** The code of these parts, none of which is an example. */
    static String of(List<String> features, List<String> classes, String model, String scale) {
        // Lengths before the texts, so that no two lists run into the same text.
        StringBuilder text = new StringBuilder();
        for (List<String> part : List.of(features, classes, List.of(model, scale))) {
            text.append(part.size()).append(';');
            part.forEach(word -> text.append(word.length()).append(':').append(word));
        }
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256").digest(text.toString().getBytes(StandardCharsets.UTF_8));
            // A letter first: a server that is given it as --fit-config takes it for a text, never for a number.
            return PREFIX + HexFormat.of().formatHex(digest, 0, BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
