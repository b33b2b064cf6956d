package io.fedlearn.examples.network;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/** The name of the folder where a client keeps its state: a plain id itself, and of any other a name that no other has. */
final class StateFolder {
    private static final int MAX_SHOWN = 60;
    private static final int DIGEST_BYTES = 6;

    private StateFolder() {}

    /** The folder's name, which any file system takes; ids that differ have folders that differ. */
    static String of(String id) {
        String plain = id.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9_-]", "_");
        if (plain.equals(id) && !plain.isEmpty() && plain.length() <= MAX_SHOWN) {
            return plain;
        }
        // The dot keeps it apart from plain ids.
        return plain.substring(0, Math.min(plain.length(), MAX_SHOWN)) + "." + digest(id);
    }

    private static String digest(String id) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(id.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, DIGEST_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
