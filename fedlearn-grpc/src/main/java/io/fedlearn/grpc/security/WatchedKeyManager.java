package io.fedlearn.grpc.security;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/** Offers the one key that there is, as its files hold it now: a renewed certificate is taken up without a restart. */
final class WatchedKeyManager extends X509ExtendedKeyManager {
    private final Watched<KeyMaterial> material;

    WatchedKeyManager(Watched<KeyMaterial> material) {
        this.material = material;
    }

    @Override
    public @Nullable String chooseEngineClientAlias(
            String[] keyTypes, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
        return alias(keyTypes);
    }

    @Override
    public @Nullable String chooseEngineServerAlias(
            String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
        return alias(keyType);
    }

    @Override
    public @Nullable String chooseClientAlias(
            String[] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
        return alias(keyTypes);
    }

    @Override
    public @Nullable String chooseServerAlias(String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
        return alias(keyType);
    }

    @Override
    public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
        String alias = alias(keyType);
        return alias == null ? null : new String[] {alias};
    }

    @Override
    public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
        return getClientAliases(keyType, issuers);
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
        return material.get().chain();
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
        return material.get().key();
    }

    private @Nullable String alias(String... keyTypes) {
        String own = material.get().key().getAlgorithm();
        // TLS 1.2 names a signature with the key: EC_EC, ECDHE_ECDSA and the like.
        boolean isAsked = Arrays.stream(keyTypes)
                .anyMatch(type -> type.equals(own)
                        || type.startsWith(own + "_")
                        || type.endsWith("_" + own)
                        || (own.equals("EC") && type.endsWith("ECDSA")));
        return isAsked ? "fedlearn-" + own : null;
    }
}
