package io.fedlearn.formats.audit;

/**
 * Who vouches for a record of an audit log. Immutable.
 *
 * @param keyId of the key: the first 16 hexadecimal digits of SHA-256 over the encoding of its public half
 * @param value an Ed25519 signature, in lower-case hexadecimal
 */
public record AuditSignature(String keyId, String value) {
    static final int KEY_ID_LENGTH = 16;
    private static final int VALUE_LENGTH = 128;

    /** Validates how both are spelled. */
    public AuditSignature {
        if (!isHex(keyId, KEY_ID_LENGTH)) {
            throw new IllegalArgumentException("keyId must be " + KEY_ID_LENGTH + " lower-case hexadecimal digits");
        }
        if (!isHex(value, VALUE_LENGTH)) {
            throw new IllegalArgumentException("signature must be " + VALUE_LENGTH + " lower-case hexadecimal digits");
        }
    }

    private static boolean isHex(String text, int length) {
        return text.length() == length && text.chars().allMatch(c -> c >= '0' && c <= '9' || c >= 'a' && c <= 'f');
    }
}
