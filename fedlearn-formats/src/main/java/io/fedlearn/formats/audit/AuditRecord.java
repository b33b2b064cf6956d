package io.fedlearn.formats.audit;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.task.Config;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.json.CanonicalJson;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A record of an audit log, chained to the one before. Immutable.
 *
 * <p><b>Bytes.</b> A record is one {@linkplain CanonicalJson canonical JSON} object (RFC 8785) with these members, and
 * no others:
 * <pre>
 * at        when it happened, ISO 8601 in UTC
 * fields    an object of texts, numbers and truth values
 * hash      of this record
 * keyId     of the key that signed it; only if it is signed
 * previous  the hash of the record before; "" in the first
 * sequence  1 in the first record, and one more in each
 * signature of this record; only if it is signed
 * type      what happened
 * version   of this encoding: 2 if the record is signed, else 1
 * </pre>
 * {@code hash} is SHA-256, in lower-case hexadecimal, over the 32 bytes of the previous record's hash (none for the
 * first record) and then the canonical bytes of the object without its member {@code hash}. {@code signature} is
 * Ed25519 (RFC 8032), in lower-case hexadecimal, over the same 32 bytes and then the canonical bytes of the object
 * without its members {@code hash} and {@code signature}; {@code keyId} is the first 16 hexadecimal digits of SHA-256
 * over the public key's encoding (X.509, DER).
 *
 * <p><b>Values.</b> JSON's numbers are doubles. A whole number beyond ±{@value CanonicalJson#MAX_WHOLE} is written as a
 * text; a half of a surrogate pair, which no UTF-8 can hold, as U+FFFD. A number is read back as a {@code Long} if it
 * has neither point nor exponent, so 2.0 comes back as 2.
 *
 * @param sequence counted from 1
 * @param at by the coordinator's clock
 * @param type of the event
 * @param fields of the event, as they are written
 * @param previous the hash of the record before; empty in the first
 * @param hash of this record
 * @param signature of this record, if it is signed
 */
public record AuditRecord(
        long sequence,
        Instant at,
        String type,
        Config fields,
        String previous,
        String hash,
        Optional<AuditSignature> signature) {
    private static final long VERSION = 1;
    private static final long SIGNED_VERSION = 2;
    private static final String HASH = "hash";
    private static final String KEY_ID = "keyId";
    private static final String SIGNATURE = "signature";
    private static final int HASH_LENGTH = 64;
    private static final char REPLACEMENT = '\ufffd';

    /** Validates the sequence and the spelling of both hashes. */
    public AuditRecord {
        if (sequence < 1 || sequence > CanonicalJson.MAX_WHOLE) {
            throw new IllegalArgumentException("sequence must be in [1, 2^53), was " + sequence);
        }
        if (type.isEmpty()) {
            throw new IllegalArgumentException("type must not be empty");
        }
        if (sequence == 1 ? !previous.isEmpty() : !isHash(previous)) {
            throw new IllegalArgumentException("previous must be "
                    + (sequence == 1 ? "empty" : "a SHA-256 in lower-case hex") + " in record " + sequence);
        }
        if (!isHash(hash)) {
            throw new IllegalArgumentException("hash must be a SHA-256 in lower-case hex");
        }
    }

    /** A record that is not signed. */
    public AuditRecord(long sequence, Instant at, String type, Config fields, String previous, String hash) {
        this(sequence, at, type, fields, previous, hash, Optional.empty());
    }

    /** The record that {@code event} makes at the end of a log, without a signature. */
    public static AuditRecord next(AuditHead end, AuditEvent event) {
        return closed(end, members(end, event));
    }

    /** The record that {@code event} makes at the end of a log, signed. */
    public static AuditRecord next(AuditHead end, AuditEvent event, AuditSigner signer) {
        Map<String, Object> members = members(end, event);
        members.put("version", SIGNED_VERSION);
        members.put(KEY_ID, signer.keyId());
        members.put(SIGNATURE, signer.sign(chained(end.hash(), CanonicalJson.encode(members))));
        return closed(end, members);
    }

    private static AuditRecord closed(AuditHead end, Map<String, Object> members) {
        byte[] content = CanonicalJson.encode(members);
        String source = "record " + (end.sequence() + 1);
        // What is read back, not what was given: 2.0 is 2 from here on.
        return of(CanonicalJson.parse(content, source), hash(end.hash(), content), source);
    }

    private static Map<String, Object> members(AuditHead end, AuditEvent event) {
        Map<String, Object> fields = new HashMap<>();
        event.fields().asMap().forEach((name, value) -> fields.put(whole(name), written(value)));
        return members(end.sequence() + 1, event.at(), whole(event.type()), Config.of(fields), end.hash());
    }

    private static Object written(Object value) {
        if (value instanceof Long number && (number > CanonicalJson.MAX_WHOLE || number < -CanonicalJson.MAX_WHOLE)) {
            return number.toString();
        }
        return value instanceof String text ? whole(text) : value;
    }

    private static String whole(String text) {
        StringBuilder whole = new StringBuilder(text.length());
        text.codePoints()
                .forEach(point -> whole.appendCodePoint(
                        point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE ? REPLACEMENT : point));
        return whole.toString();
    }

    /**
     * Reads a record and checks its bytes: they must be canonical and have the hash that they say. Whether the record
     * follows the one before is for {@link #follows} to tell.
     *
     * @param source what messages call the record
     * @throws FormatException if something is not as the class says
     */
    public static AuditRecord decode(byte[] bytes, String source) {
        Object value = CanonicalJson.parse(bytes, source);
        if (!(value instanceof Map<?, ?> members) || !(members.get(HASH) instanceof String hash)) {
            throw new FormatException(source, "must be a JSON object with a text 'hash'");
        }
        Map<String, Object> content = new TreeMap<>();
        members.forEach((name, member) -> content.put((String) name, member));
        content.remove(HASH);
        AuditRecord record = of(content, hash, source);
        if (!Arrays.equals(record.encode(), bytes)) {
            throw new FormatException(source, "must be canonical JSON of the members of an audit record alone");
        }
        String expected = hash(record.previous, CanonicalJson.encode(content));
        if (!expected.equals(hash)) {
            throw new FormatException(source, "its content does not have the hash that it was written with");
        }
        return record;
    }

    private static AuditRecord of(Object content, String hash, String source) {
        if (!(content instanceof Map<?, ?> members)
                || !(members.get("sequence") instanceof Long sequence)
                || !(members.get("at") instanceof String at)
                || !(members.get("type") instanceof String type)
                || !(members.get("fields") instanceof Map<?, ?> fields)
                || !(members.get("previous") instanceof String previous)
                || !(members.get("version") instanceof Long version)) {
            throw new FormatException(source, "must have the members of an audit record");
        }
        if (version != VERSION && version != SIGNED_VERSION) {
            throw new FormatException(
                    source, "its version must be " + VERSION + " or " + SIGNED_VERSION + ", was " + version);
        }
        Map<String, Object> values = new HashMap<>();
        fields.forEach((name, value) -> values.put((String) name, value));
        try {
            Optional<AuditSignature> signature =
                    version == SIGNED_VERSION ? Optional.of(signature(members, source)) : Optional.empty();
            return new AuditRecord(sequence, Instant.parse(at), type, Config.of(values), previous, hash, signature);
        } catch (DateTimeException e) {
            throw new FormatException(source, "its 'at' must be a time in UTC", e);
        } catch (IllegalArgumentException e) {
            throw new FormatException(source, String.valueOf(e.getMessage()), e);
        }
    }

    private static AuditSignature signature(Map<?, ?> members, String source) {
        if (!(members.get(KEY_ID) instanceof String keyId) || !(members.get(SIGNATURE) instanceof String value)) {
            throw new FormatException(source, "must have the members of a signed audit record");
        }
        return new AuditSignature(keyId, value);
    }

    /** The record's canonical bytes, without a line break. */
    public byte[] encode() {
        Map<String, Object> members = members(sequence, at, type, fields, previous);
        signature.ifPresent(signed -> {
            members.put("version", SIGNED_VERSION);
            members.put(KEY_ID, signed.keyId());
            members.put(SIGNATURE, signed.value());
        });
        members.put(HASH, hash);
        return CanonicalJson.encode(members);
    }

    /** What the signature is over, were it of the key with this id. */
    byte[] signedBytes(String keyId) {
        Map<String, Object> members = members(sequence, at, type, fields, previous);
        members.put("version", SIGNED_VERSION);
        members.put(KEY_ID, keyId);
        return chained(previous, CanonicalJson.encode(members));
    }

    private static byte[] chained(String previous, byte[] content) {
        byte[] before = HexFormat.of().parseHex(previous);
        byte[] bytes = Arrays.copyOf(before, before.length + content.length);
        System.arraycopy(content, 0, bytes, before.length, content.length);
        return bytes;
    }

    /** Whether this record is the next one of a log that ends in {@code end}. */
    public boolean follows(AuditHead end) {
        return sequence == end.sequence() + 1 && previous.equals(end.hash());
    }

    /** The end of a log that ends with this record. */
    public AuditHead head() {
        return new AuditHead(sequence, hash);
    }

    private static Map<String, Object> members(long sequence, Instant at, String type, Config fields, String previous) {
        Map<String, Object> members = new TreeMap<>();
        members.put("at", at.toString());
        members.put("fields", fields.asMap());
        members.put("previous", previous);
        members.put("sequence", sequence);
        members.put("type", type);
        members.put("version", VERSION);
        return members;
    }

    private static String hash(String previous, byte[] content) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            return HexFormat.of().formatHex(sha.digest(chained(previous, content)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform must have SHA-256", e);
        }
    }

    private static boolean isHash(String text) {
        return text.length() == HASH_LENGTH && text.chars().allMatch(c -> c >= '0' && c <= '9' || c >= 'a' && c <= 'f');
    }
}
