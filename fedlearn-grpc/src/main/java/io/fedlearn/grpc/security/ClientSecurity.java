package io.fedlearn.grpc.security;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * How a client proves who it is, and how it knows its server. All files are PEM; they are read and checked at once, and again
 * after they changed: a renewed certificate is used from the next connection on. Immutable and thread-safe; keys and tokens
 * appear in no message and no {@code toString}.
 */
public final class ClientSecurity {
    /** The ways to know each other. */
    public enum Mode {
        /** Both show certificates. */
        MUTUAL_TLS,
        /** The server shows a certificate; the client a token, if it has one. */
        TLS,
        /** Neither proves anything, and nothing is encrypted. */
        INSECURE
    }

    private final Mode mode;
    private final @Nullable Watched<KeyMaterial> material;
    private final @Nullable Supplier<X509ExtendedTrustManager> authorities;
    private final @Nullable Supplier<String> token;
    private final @Nullable String serverName;

    private ClientSecurity(
            Mode mode,
            @Nullable Watched<KeyMaterial> material,
            @Nullable Supplier<X509ExtendedTrustManager> authorities,
            @Nullable Supplier<String> token,
            @Nullable String serverName) {
        this.mode = mode;
        this.material = material;
        this.authorities = authorities;
        this.token = token;
        this.serverName = serverName;
    }

    /**
     * The client shows a certificate, in which its id is; the server's must come from one of these authorities and name the host
     * that the client connects to.
     *
     * @param certificates the client's certificate, followed by those of intermediate authorities if there are any
     * @param key the client's private key, PKCS#8 without a password
     * @param serverAuthorities who issues the server's certificate
     * @throws io.fedlearn.grpc.TransportException if a file cannot be used; the message says which and why
     */
    public static ClientSecurity mutualTls(Path certificates, Path key, Path serverAuthorities) {
        return new ClientSecurity(
                Mode.MUTUAL_TLS,
                Watched.of(List.of(certificates, key), () -> KeyMaterial.read(certificates, key)),
                authorities(serverAuthorities),
                null,
                null);
    }

    /**
     * Only the server shows a certificate, which must come from one of these authorities.
     *
     * @throws io.fedlearn.grpc.TransportException if the file cannot be used; the message says why
     */
    public static ClientSecurity tls(Path serverAuthorities) {
        return new ClientSecurity(Mode.TLS, null, authorities(serverAuthorities), null, null);
    }

    /** Only the server shows a certificate, which must come from an authority that this Java trusts. */
    public static ClientSecurity tls() {
        X509ExtendedTrustManager trust = Authorities.ofThisJava();
        return new ClientSecurity(Mode.TLS, null, () -> trust, null, null);
    }

    /** No encryption, and the server is whoever answers: for tests, and for a server on the client's own machine. */
    public static ClientSecurity insecure() {
        return new ClientSecurity(Mode.INSECURE, null, null, null, null);
    }

    /** The same, with this bearer token. It is sent over TLS only. */
    public ClientSecurity withToken(String bearer) {
        requireToken();
        checkToken(bearer).ifPresent(problem -> {
            throw new IllegalArgumentException("token " + problem);
        });
        return new ClientSecurity(mode, material, authorities, () -> bearer, serverName);
    }

    /**
     * The same, with the bearer token that is all this file holds. It is sent over TLS only.
     *
     * @throws io.fedlearn.grpc.TransportException if the file cannot be used; the message says why
     */
    public ClientSecurity withTokenFile(Path file) {
        requireToken();
        Watched<String> bearer = Watched.of(List.of(file), () -> readToken(file));
        return new ClientSecurity(mode, material, authorities, bearer::get, serverName);
    }

    /**
     * The same, where the server's certificate must name this host, rather than the one that the client connects to: through a
     * tunnel, or by an address that the certificate does not have.
     */
    public ClientSecurity withServerName(String host) {
        if (mode == Mode.INSECURE) {
            throw new IllegalArgumentException("a server without TLS shows no certificate that could name " + host);
        }
        if (host.isBlank()) {
            throw new IllegalArgumentException("host must not be empty");
        }
        return new ClientSecurity(mode, material, authorities, token, host);
    }

    /** The way to know each other. */
    public Mode mode() {
        return mode;
    }

    /** The client's key and certificates, as its files hold them at each handshake; empty if it shows none. */
    public Optional<X509ExtendedKeyManager> keyManager() {
        return Optional.ofNullable(material).map(WatchedKeyManager::new);
    }

    /** What checks the server's certificate; empty without TLS. */
    public Optional<X509ExtendedTrustManager> trustManager() {
        return Optional.ofNullable(authorities)
                .map(trust -> new CheckedTrustManager(trust, certificate -> Optional.empty()));
    }

    /** The bearer token to show now. */
    public Optional<String> token() {
        return Optional.ofNullable(token).map(Supplier::get);
    }

    /** The host that the server's certificate must name, where it is not the one connected to. */
    public Optional<String> serverName() {
        return Optional.ofNullable(serverName);
    }

    private void requireToken() {
        if (mode != Mode.TLS) {
            throw new IllegalArgumentException(
                    mode == Mode.INSECURE
                            ? "a token is sent over TLS only; insecure() would show it to everyone on the way"
                            : "a client shows its certificate or a token, not both");
        }
    }

    private static Supplier<X509ExtendedTrustManager> authorities(Path file) {
        Watched<Authorities> watched = Watched.of(List.of(file), () -> Authorities.read(file));
        return () -> watched.get().trust();
    }

    private static String readToken(Path file) {
        String bearer = new String(PemFiles.read("token", file), StandardCharsets.UTF_8).strip();
        checkToken(bearer).ifPresent(problem -> {
            throw PemFiles.problem("token", file, problem);
        });
        return bearer;
    }

    private static Optional<String> checkToken(String bearer) {
        boolean isWord = !bearer.isEmpty() && bearer.chars().allMatch(c -> c > ' ' && c < 0x7f);
        return isWord ? Optional.empty() : Optional.of("must be one word of printable ASCII characters");
    }

    @Override
    public String toString() {
        return "ClientSecurity " + mode + (token == null ? "" : " with a token");
    }
}
