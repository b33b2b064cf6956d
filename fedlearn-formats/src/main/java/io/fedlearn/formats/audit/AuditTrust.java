package io.fedlearn.formats.audit;

import io.fedlearn.formats.FormatException;
import java.io.IOException;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Whose signatures a verifier of audit logs takes, and whether there must be one. Immutable and thread-safe.
 *
 * <p>A signed record must be signed by one of the keys, rightly; a record that is not signed passes, unless
 * {@linkplain #requiringSignatures() signatures are required}. {@link #none} knows no keys, and so looks at no signature.
 */
public final class AuditTrust {
    private static final AuditTrust NONE = new AuditTrust(Map.of(), Long.MAX_VALUE);

    private final Map<String, PublicKey> keys;
    private final long signedFrom;

    private AuditTrust(Map<String, PublicKey> keys, long signedFrom) {
        this.keys = keys;
        this.signedFrom = signedFrom;
    }

    /** Looks at no signature: only at the chain. */
    public static AuditTrust none() {
        return NONE;
    }

    /**
     * Takes signatures by these keys: that of today, and those that signed before.
     *
     * @throws IllegalArgumentException if there is none, or one is not of Ed25519
     */
    public static AuditTrust of(Collection<PublicKey> keys) {
        if (keys.isEmpty()) {
            throw new IllegalArgumentException("keys must not be empty");
        }
        Map<String, PublicKey> byId = new TreeMap<>();
        keys.forEach(key -> byId.put(Ed25519.keyId(Ed25519.require(key)), key));
        return new AuditTrust(Map.copyOf(byId), Long.MAX_VALUE);
    }

    /**
     * Takes signatures by the keys in these files, each PEM as {@code openssl pkey -pubout} writes it.
     *
     * @throws FormatException if a file holds something else
     * @throws IOException if it cannot be read
     */
    public static AuditTrust read(Collection<Path> files) throws IOException {
        List<PublicKey> keys = new ArrayList<>();
        for (Path file : files) {
            keys.add(Ed25519.readPublic(file));
        }
        return of(keys);
    }

    /** These keys, by which every record must be signed. */
    public AuditTrust requiringSignatures() {
        return requiringSignaturesFrom(1);
    }

    /**
     * These keys, by which every record must be signed from this one on: of a log that was not signed from its beginning.
     *
     * @throws IllegalStateException if no keys are known: a signature by anybody proves nothing
     */
    public AuditTrust requiringSignaturesFrom(long sequence) {
        if (sequence < 1) {
            throw new IllegalArgumentException("sequence must be >= 1, was " + sequence);
        }
        if (keys.isEmpty()) {
            throw new IllegalStateException(
                    "signatures cannot be required without a key: by anybody, they prove nothing");
        }
        return new AuditTrust(keys, sequence);
    }

    /** The ids of the keys. */
    public Set<String> keyIds() {
        return keys.keySet();
    }

    /** What is wrong with the signature of a record, if anything. */
    Optional<String> problem(AuditRecord record) {
        if (record.signature().isEmpty()) {
            return record.sequence() >= signedFrom ? Optional.of("must be signed, is not") : Optional.empty();
        }
        if (keys.isEmpty()) {
            return Optional.empty();
        }
        AuditSignature signature = record.signature().get();
        PublicKey key = keys.get(signature.keyId());
        if (key == null) {
            return Optional.of(
                    "is signed by key " + signature.keyId() + ", which is not among the keys that are known");
        }
        byte[] message = record.signedBytes(signature.keyId());
        return Ed25519.verify(key, message, HexFormat.of().parseHex(signature.value()))
                ? Optional.empty()
                : Optional.of("its signature is not that of key " + signature.keyId());
    }
}
