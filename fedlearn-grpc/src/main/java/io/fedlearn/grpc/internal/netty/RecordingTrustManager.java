package io.fedlearn.grpc.internal.netty;

import io.fedlearn.grpc.security.ServerSecurity;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Optional;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Takes note of whose certificates are refused. Whoever shows one has not proved yet that it is its own: the key comes later in the
 * handshake.
 */
final class RecordingTrustManager extends X509ExtendedTrustManager {
    private final X509ExtendedTrustManager trust;
    private final ServerSecurity security;
    private final RefusedClients refused;

    RecordingTrustManager(X509ExtendedTrustManager trust, ServerSecurity security, RefusedClients refused) {
        this.trust = trust;
        this.security = security;
        this.refused = refused;
    }

    private interface Check {
        void run() throws CertificateException;
    }

    private void recording(X509Certificate[] chain, Check check) throws CertificateException {
        try {
            check.run();
        } catch (CertificateException e) {
            refused.add(clientId(chain), false, "certificate", String.valueOf(e.getMessage()));
            throw e;
        }
    }

    private Optional<String> clientId(X509Certificate[] chain) {
        try {
            return chain.length == 0 ? Optional.empty() : security.clientId(chain[0]);
        } catch (RuntimeException e) {
            // The rule that reads ids may be an application's, and nobody vouches for what this certificate holds.
            return Optional.empty();
        }
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, @Nullable SSLEngine engine)
            throws CertificateException {
        recording(chain, () -> trust.checkClientTrusted(chain, type, engine));
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, @Nullable Socket socket)
            throws CertificateException {
        recording(chain, () -> trust.checkClientTrusted(chain, type, socket));
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
        recording(chain, () -> trust.checkClientTrusted(chain, type));
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, @Nullable SSLEngine engine)
            throws CertificateException {
        trust.checkServerTrusted(chain, type, engine);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, @Nullable Socket socket)
            throws CertificateException {
        trust.checkServerTrusted(chain, type, socket);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
        trust.checkServerTrusted(chain, type);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return trust.getAcceptedIssuers();
    }
}
