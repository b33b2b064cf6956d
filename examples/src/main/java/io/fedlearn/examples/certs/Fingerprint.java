package io.fedlearn.examples.certs;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/** SHA-256 of a public key, for people to compare: the same for a request and for every certificate made of it. */
final class Fingerprint {
    private static final int GROUP = 4;

    private Fingerprint() {}

    /** The fingerprint in groups of four digits, as it is best read out on the telephone. */
    static String of(PublicKey key) {
        try {
            String digits = HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(key.getEncoded()));
            List<String> groups = new ArrayList<>();
            for (int i = 0; i < digits.length(); i += GROUP) {
                groups.add(digits.substring(i, i + GROUP));
            }
            return String.join(" ", groups);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** Whether a person's text is this fingerprint, however it is spaced. */
    static boolean isSame(String fingerprint, String text) {
        return digits(fingerprint).equals(digits(text));
    }

    private static String digits(String text) {
        return text.replaceAll("[\\s:]", "").toLowerCase(Locale.ROOT);
    }
}
