package io.fedlearn.grpc.security;

import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * How a server proves who it is, and how it knows who its clients are. All files are PEM; they are read and checked at once, and
 * again after they changed, so that a renewed certificate or a longer revocation list needs no restart. Immutable and thread-safe;
 * keys and tokens appear in no message and no {@code toString}.
 */
public final class ServerSecurity {
    /** The ways to know a client. */
    public enum Mode {
        /** By its certificate. */
        MUTUAL_TLS,
        /** By a bearer token, over TLS. */
        TOKENS,
        /** Not at all, but what is sent is encrypted. */
        TLS,
        /** Not at all, and nothing is encrypted. */
        INSECURE
    }

    private final Mode mode;
    private final @Nullable Watched<KeyMaterial> material;
    private final @Nullable Watched<Authorities> authorities;
    private final @Nullable TokenFile tokens;
    private final CertificateIdentity identity;
    private final RevocationList revocations;

    private ServerSecurity(
            Mode mode,
            @Nullable Watched<KeyMaterial> material,
            @Nullable Watched<Authorities> authorities,
            @Nullable TokenFile tokens,
            CertificateIdentity identity,
            RevocationList revocations) {
        this.mode = mode;
        this.material = material;
        this.authorities = authorities;
        this.tokens = tokens;
        this.identity = identity;
        this.revocations = revocations;
    }

    /**
     * Clients show a certificate of one of these authorities; their id is in it. The default for everything beyond one machine.
     *
     * @param certificates the server's certificate, followed by those of intermediate authorities if there are any
     * @param key the server's private key, PKCS#8 without a password
     * @param clientAuthorities who issues the certificates of clients
     * @throws io.fedlearn.grpc.TransportException if a file cannot be used; the message says which and why
     */
    public static ServerSecurity mutualTls(Path certificates, Path key, Path clientAuthorities) {
        return new ServerSecurity(
                Mode.MUTUAL_TLS,
                material(certificates, key),
                Watched.of(List.of(clientAuthorities), () -> Authorities.read(clientAuthorities)),
                null,
                CertificateIdentity.subjectCommonName(),
                RevocationList.none());
    }

    /**
     * Clients check the server's certificate, and show a bearer token.
     *
     * @throws io.fedlearn.grpc.TransportException if a file cannot be used; the message says which and why
     */
    public static ServerSecurity tokens(Path certificates, Path key, TokenFile tokens) {
        return new ServerSecurity(
                Mode.TOKENS,
                material(certificates, key),
                null,
                tokens,
                CertificateIdentity.subjectCommonName(),
                RevocationList.none());
    }

    /**
     * Clients check the server's certificate, but show nothing themselves: whoever can reach the server can join it. For Flower's
     * clients, whose protocol knows no more; a {@code FederatedServer} refuses it.
     *
     * @throws io.fedlearn.grpc.TransportException if a file cannot be used; the message says which and why
     */
    public static ServerSecurity tls(Path certificates, Path key) {
        return new ServerSecurity(
                Mode.TLS,
                material(certificates, key),
                null,
                null,
                CertificateIdentity.subjectCommonName(),
                RevocationList.none());
    }

    /**
     * No encryption, and clients are whoever they say: for tests, and for clients on the server's own machine. The server logs a
     * warning.
     */
    public static ServerSecurity insecure() {
        return new ServerSecurity(
                Mode.INSECURE, null, null, null, CertificateIdentity.subjectCommonName(), RevocationList.none());
    }

    /** The same, with ids read from certificates in this way; {@link CertificateIdentity#subjectCommonName()} by default. */
    public ServerSecurity withIdentity(CertificateIdentity rule) {
        if (mode != Mode.MUTUAL_TLS) {
            throw new IllegalArgumentException("identity is read from certificates, but " + mode + " asks for none");
        }
        return new ServerSecurity(mode, material, authorities, tokens, rule, revocations);
    }

    /** The same, without what this list revokes; nothing is revoked by default. */
    public ServerSecurity withRevocations(RevocationList list) {
        if (mode != Mode.MUTUAL_TLS && mode != Mode.TOKENS) {
            throw new IllegalArgumentException(
                    "revocations need clients that prove who they are, but " + mode + " asks nothing");
        }
        return new ServerSecurity(mode, material, authorities, tokens, identity, list);
    }

    /** The way to know a client. */
    public Mode mode() {
        return mode;
    }

    /** Whether clients prove who they are. */
    public boolean identifiesClients() {
        return mode == Mode.MUTUAL_TLS || mode == Mode.TOKENS;
    }

    /** The server's key and certificates, as its files hold them at each handshake; empty without TLS. */
    public Optional<X509ExtendedKeyManager> keyManager() {
        return Optional.ofNullable(material).map(WatchedKeyManager::new);
    }

    /** What checks the certificates of clients, revocations included; empty unless they must show one. */
    public Optional<X509ExtendedTrustManager> trustManager() {
        return Optional.ofNullable(authorities)
                .map(watched -> new CheckedTrustManager(() -> watched.get().trust(), this::refusal));
    }

    /** The id that this certificate gives its client. */
    public Optional<String> clientId(X509Certificate certificate) {
        return identity.clientId(certificate);
    }

    /** The client whose token this is; empty if it is nobody's, or no tokens are taken. */
    public Optional<String> clientId(String token) {
        return tokens == null ? Optional.empty() : tokens.clientId(token);
    }

    /** Why a client with this certificate is not wanted, or no longer, in words; empty if it is. Its issuer is not checked here. */
    public Optional<String> refusal(X509Certificate certificate) {
        if (certificate.getNotAfter().getTime() < System.currentTimeMillis()) {
            return Optional.of("certificate of " + CheckedTrustManager.name(certificate) + " expired on "
                    + certificate.getNotAfter().toInstant());
        }
        Optional<String> revoked = revocations.revocation(certificate);
        if (revoked.isPresent()) {
            return revoked;
        }
        Optional<String> clientId = identity.clientId(certificate);
        return clientId.isEmpty()
                ? Optional.of("certificate of " + CheckedTrustManager.name(certificate) + " does not name one client")
                : revocations.revocation(clientId.get());
    }

    /** Why a client with this token is not wanted, or no longer, in words; empty if it is. */
    public Optional<String> refusal(String clientId, byte[] tokenDigest) {
        if (tokens == null || !tokens.clientId(tokenDigest).equals(Optional.of(clientId))) {
            return Optional.of("the token of client " + clientId + " is not accepted");
        }
        return revocations.revocation(clientId);
    }

    private static Watched<KeyMaterial> material(Path certificates, Path key) {
        return Watched.of(List.of(certificates, key), () -> KeyMaterial.read(certificates, key));
    }

    @Override
    public String toString() {
        return "ServerSecurity " + mode;
    }
}
