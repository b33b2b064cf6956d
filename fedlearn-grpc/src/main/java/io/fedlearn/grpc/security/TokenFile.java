package io.fedlearn.grpc.security;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which bearer token is whose: a text file of the server with a line for each, {@code clientId sha256:<64 hex digits>}. It holds
 * digests only, so who reads it can join as nobody. Empty lines and lines that begin with {@code #} are skipped. A client may have
 * several tokens, such as an old and a new one. The file is read again when it has changed and stood so for a second: to take a
 * line out is to revoke the token. Thread-safe.
 */
public final class TokenFile {
    private static final Pattern LINE = Pattern.compile("(.*\\S)\\s+sha256:([0-9a-fA-F]{64})");
    private static final int TOKEN_BYTES = 32;

    private final Path file;
    private final Watched<List<Entry>> entries;

    private record Entry(String clientId, byte[] digest) {}

    private TokenFile(Path file) {
        this.file = file;
        this.entries = Watched.of(List.of(file), () -> read(file));
    }

    /**
     * The tokens of this file.
     *
     * @throws io.fedlearn.grpc.TransportException if it cannot be read; the message says where and why
     */
    public static TokenFile at(Path file) {
        return new TokenFile(file);
    }

    /** A new token: 256 random bits as text. Its client keeps it; the server gets its {@link #line} only. */
    public static String newToken() {
        byte[] token = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(token);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(token);
    }

    /** The line that makes this token the client's, without a line end. */
    public static String line(String clientId, String token) {
        ClientNames.require(clientId);
        if (clientId.startsWith("#")) {
            throw new IllegalArgumentException("clientId must not begin with #, which makes the line a comment");
        }
        return clientId + " sha256:" + HexFormat.of().formatHex(digest(token));
    }

    /** The client whose token this is, as the file says now. */
    public Optional<String> clientId(String token) {
        return clientId(digest(token));
    }

    /** The client whose token has this SHA-256; compared in a time that does not depend on how much of it is right. */
    Optional<String> clientId(byte[] digest) {
        Optional<String> found = Optional.empty();
        for (Entry entry : entries.get()) {
            if (MessageDigest.isEqual(entry.digest, digest)) {
                found = Optional.of(entry.clientId);
            }
        }
        return found;
    }

    static byte[] digest(String token) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static List<Entry> read(Path file) {
        List<Entry> entries = new ArrayList<>();
        List<String> lines = new String(PemFiles.read("tokens", file), StandardCharsets.UTF_8)
                .lines()
                .toList();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).strip();
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            // The line itself is not quoted: by mistake it may be a token.
            Matcher parts = LINE.matcher(line);
            if (!parts.matches() || ClientNames.problem(parts.group(1)).isPresent()) {
                throw PemFiles.problem("tokens", file, "line " + (i + 1) + " is not 'clientId sha256:<64 hex digits>'");
            }
            byte[] digest = HexFormat.of().parseHex(parts.group(2));
            for (Entry other : entries) {
                if (MessageDigest.isEqual(other.digest, digest)) {
                    throw PemFiles.problem(
                            "tokens", file, "line " + (i + 1) + " has the token of " + other.clientId + " again");
                }
            }
            entries.add(new Entry(parts.group(1), digest));
        }
        return List.copyOf(entries);
    }

    @Override
    public String toString() {
        return "tokens " + file;
    }
}
