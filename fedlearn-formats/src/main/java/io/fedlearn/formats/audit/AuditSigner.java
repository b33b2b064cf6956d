package io.fedlearn.formats.audit;

import io.fedlearn.formats.FormatException;
import java.io.IOException;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.util.HexFormat;

/**
 * Signs the records of an audit log with a private key of Ed25519: whoever has the public half sees that a record is from who holds
 * the key, and that nobody changed it since. Immutable and thread-safe.
 *
 * <p>Signing proves who wrote a record, not that none is missing: for that, keep the log's end elsewhere.
 */
public final class AuditSigner {
    private final PrivateKey privateKey;
    private final PublicKey publicKey;
    private final String keyId;

    private AuditSigner(PrivateKey privateKey, PublicKey publicKey) {
        this.privateKey = privateKey;
        this.publicKey = publicKey;
        this.keyId = Ed25519.keyId(publicKey);
    }

    /**
     * Signs with this key, whose public half is computed from it.
     *
     * @throws IllegalArgumentException if it is not of Ed25519, or does not show its bytes, as a key in hardware: then use
     *     {@link #of(PrivateKey, PublicKey)}
     */
    public static AuditSigner of(PrivateKey privateKey) {
        PublicKey publicKey = Ed25519.publicHalf(Ed25519.require(privateKey))
                .orElseThrow(() -> new IllegalArgumentException(
                        "the key does not show its public half: give both, the private and the public key"));
        return new AuditSigner(privateKey, publicKey);
    }

    /**
     * Signs with this key.
     *
     * @throws IllegalArgumentException if the keys are not the halves of one pair of Ed25519
     */
    public static AuditSigner of(PrivateKey privateKey, PublicKey publicKey) {
        byte[] probe = {1};
        if (!Ed25519.verify(Ed25519.require(publicKey), probe, Ed25519.sign(privateKey, probe))) {
            throw new IllegalArgumentException("privateKey and publicKey must be the halves of one pair");
        }
        return new AuditSigner(privateKey, publicKey);
    }

    /**
     * Signs with the key in this file: PEM, PKCS#8, not encrypted, as {@code openssl genpkey -algorithm ed25519} writes it.
     *
     * @throws FormatException if the file holds something else; the message tells nothing of it
     * @throws IOException if it cannot be read
     */
    public static AuditSigner read(Path file) throws IOException {
        return of(Ed25519.readPrivate(file));
    }

    /** The half that verifiers need. */
    public PublicKey publicKey() {
        return publicKey;
    }

    /** What signed records call the key: the first 16 hexadecimal digits of SHA-256 over the public key's encoding. */
    public String keyId() {
        return keyId;
    }

    String sign(byte[] message) {
        return HexFormat.of().formatHex(Ed25519.sign(privateKey, message));
    }

    /** Names the key by its id. */
    @Override
    public String toString() {
        return "key " + keyId;
    }
}
