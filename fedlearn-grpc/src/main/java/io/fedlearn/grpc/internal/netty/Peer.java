package io.fedlearn.grpc.internal.netty;

import io.fedlearn.grpc.security.ServerSecurity;
import io.grpc.Attributes;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.Metadata;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.Optional;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * Who makes a call: what the certificate or the token says, and from where. Immutable and thread-safe; it holds no token, only its
 * digest.
 */
public final class Peer {
    static final Context.Key<Peer> KEY = Context.key("fedlearn-peer");
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final String BEARER = "Bearer ";

    private final ServerSecurity security;
    private final String address;
    private final @Nullable String clientId;
    private final @Nullable X509Certificate certificate;
    private final byte @Nullable [] tokenDigest;

    private Peer(
            ServerSecurity security,
            String address,
            @Nullable String clientId,
            @Nullable X509Certificate certificate,
            byte @Nullable [] tokenDigest) {
        this.security = security;
        this.address = address;
        this.clientId = clientId;
        this.certificate = certificate;
        this.tokenDigest = tokenDigest;
    }

    /** Who makes the call that this thread serves; to be asked when a call begins, as later callbacks may lack it. */
    public static Peer current() {
        Peer peer = KEY.get();
        if (peer == null) {
            throw new IllegalStateException("this thread serves no call of a GrpcServer's service");
        }
        return peer;
    }

    static Peer of(ServerSecurity security, Attributes attributes, Metadata headers) {
        String address = address(attributes.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR));
        return switch (security.mode()) {
            case MUTUAL_TLS -> {
                X509Certificate certificate = certificate(attributes.get(Grpc.TRANSPORT_ATTR_SSL_SESSION));
                String clientId = certificate == null
                        ? null
                        : security.clientId(certificate).orElse(null);
                yield new Peer(security, address, clientId, certificate, null);
            }
            case TOKENS -> {
                String token = token(headers);
                yield token == null
                        ? new Peer(security, address, null, null, null)
                        : new Peer(security, address, security.clientId(token).orElse(null), null, digest(token));
            }
            case TLS, INSECURE -> new Peer(security, address, null, null, null);
        };
    }

    /** The id that the certificate or the token proves; empty where the server asks for neither and believes what it is told. */
    public Optional<String> clientId() {
        return Optional.ofNullable(clientId);
    }

    /** Host and port of the other end, for logs. */
    public String address() {
        return address;
    }

    /**
     * Why this peer is not accepted, or no longer: no certificate or token, an expired or a revoked one. Empty if it is. To be
     * asked from time to time while it is connected.
     */
    public Optional<String> refusal() {
        return switch (security.mode()) {
            case MUTUAL_TLS ->
                certificate == null
                        ? Optional.of("a certificate is needed, but none was shown")
                        : security.refusal(certificate);
            case TOKENS ->
                tokenDigest == null
                        ? Optional.of("a token is needed, but none was shown (authorization: Bearer ...)")
                        : clientId == null
                                ? Optional.of("the token is nobody's")
                                : security.refusal(clientId, tokenDigest);
            case TLS, INSECURE -> Optional.empty();
        };
    }

    /** Whether both prove the same client; where nothing is proved, all are the same. */
    public boolean isSameClient(Peer other) {
        return clientId().equals(other.clientId());
    }

    private static String address(@Nullable SocketAddress address) {
        if (address instanceof InetSocketAddress internet) {
            String host = internet.getAddress() == null
                    ? internet.getHostString()
                    : internet.getAddress().getHostAddress();
            return (host.contains(":") ? "[" + host + "]" : host) + ":" + internet.getPort();
        }
        return String.valueOf(address);
    }

    private static @Nullable X509Certificate certificate(@Nullable SSLSession session) {
        if (session == null) {
            return null;
        }
        try {
            Certificate[] chain = session.getPeerCertificates();
            return chain.length > 0 && chain[0] instanceof X509Certificate own ? own : null;
        } catch (SSLPeerUnverifiedException e) {
            return null;
        }
    }

    private static @Nullable String token(Metadata headers) {
        String value = headers.get(AUTHORIZATION);
        return value != null && value.regionMatches(true, 0, BEARER, 0, BEARER.length())
                ? value.substring(BEARER.length()).strip()
                : null;
    }

    private static byte[] digest(String token) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    @Override
    public String toString() {
        return (clientId == null ? "" : clientId + " at ") + address;
    }
}
