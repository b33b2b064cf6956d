package io.fedlearn.formats.internal.run;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * A JSON object on one line that carries its own checksum as its last member, {@code "sha256"}: SHA-256, in lower-case
 * hexadecimal, over all bytes of the line before {@code ,"sha256":}. So a line that was cut, mixed up or changed is
 * noticed wherever it lies, and any JSON reader can read it.
 *
 * <p>A text that is not valid Unicode (half of a surrogate pair) survives as an escape. Immutable.
 */
public final class SealedJson {
    private static final String SEAL = ",\"sha256\":\"";
    private static final int HASH_LENGTH = 64;
    private static final int SEAL_LENGTH = SEAL.length() + HASH_LENGTH + 2;
    private static final int MAX_NESTING = 16;
    private static final int MAX_NUMBER_LENGTH = 32;
    private static final int MAX_TEXT_LENGTH = 1 << 28;
    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_NESTING)
                            .maxNumberLength(MAX_NUMBER_LENGTH)
                            .maxStringLength(MAX_TEXT_LENGTH)
                            .maxNameLength(MAX_TEXT_LENGTH)
                            .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final byte[] bytes;
    private final String sha256;

    private SealedJson(byte[] bytes, String sha256) {
        this.bytes = bytes;
        this.sha256 = sha256;
    }

    /** Writes the members of an object. */
    @FunctionalInterface
    public interface Members {
        /** Writes at least one member. */
        void writeTo(JsonGenerator out) throws IOException;
    }

    /** Writes an object and seals it. */
    public static SealedJson write(Members members) {
        StringWriter text = new StringWriter();
        try (JsonGenerator out = MAPPER.getFactory().createGenerator(text)) {
            out.writeStartObject();
            members.writeTo(out);
            out.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("writing to a string cannot fail", e);
        }
        text.getBuffer().setLength(text.getBuffer().length() - 1);
        byte[] content = escapeLoneSurrogates(text.toString()).getBytes(StandardCharsets.UTF_8);
        String hash = hash(content, content.length);
        byte[] seal = (SEAL + hash + "\"}").getBytes(StandardCharsets.US_ASCII);
        byte[] sealed = Arrays.copyOf(content, content.length + seal.length);
        System.arraycopy(seal, 0, sealed, content.length, seal.length);
        return new SealedJson(sealed, hash);
    }

    /** Recognises a sealed line; its content is not parsed yet. */
    public static SealedJson of(byte[] line) throws DamagedException {
        int length = line.length - SEAL_LENGTH;
        if (length < 1) {
            throw new DamagedException("is cut off");
        }
        String seal = new String(line, length, SEAL_LENGTH, StandardCharsets.US_ASCII);
        String hash = hash(line, length);
        if (!seal.equals(SEAL + hash + "\"}")) {
            throw new DamagedException("does not have the checksum that it was written with");
        }
        return new SealedJson(line, hash);
    }

    /** Recognises the sealed line that makes up a whole file, with a line break at its end. */
    public static SealedJson ofFile(byte[] file) throws DamagedException {
        if (file.length == 0 || file[file.length - 1] != '\n') {
            throw new DamagedException("is cut off");
        }
        return of(Arrays.copyOf(file, file.length - 1));
    }

    /** The checksum that the line carries. */
    public String sha256() {
        return sha256;
    }

    /** The line with a line break at its end. */
    public byte[] toLine() {
        byte[] line = Arrays.copyOf(bytes, bytes.length + 1);
        line[bytes.length] = '\n';
        return line;
    }

    /** The object's members. */
    public JsonFields parse() throws DamagedException {
        try {
            JsonNode node = MAPPER.readTree(bytes);
            return JsonFields.of(node);
        } catch (JsonParseException e) {
            throw new DamagedException("is not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new DamagedException("is not JSON", e);
        }
    }

    private static String hash(byte[] bytes, int length) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            sha.update(bytes, 0, length);
            return HexFormat.of().formatHex(sha.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform must have SHA-256", e);
        }
    }

    /** Such a character can only stand in a text of the JSON, where an escape may take its place. */
    private static String escapeLoneSurrogates(String json) {
        int clean = 0;
        StringBuilder escaped = new StringBuilder();
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c) && i + 1 < json.length() && Character.isLowSurrogate(json.charAt(i + 1))) {
                i++;
                continue;
            }
            escaped.append(json, clean, i).append("\\u").append(Integer.toHexString(c));
            clean = i + 1;
        }
        return clean == 0 ? json : escaped.append(json, clean, json.length()).toString();
    }
}
