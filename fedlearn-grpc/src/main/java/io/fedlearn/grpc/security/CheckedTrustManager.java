package io.fedlearn.grpc.security;

import java.net.Socket;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/** Checks chains against authorities, then asks whether the certificate is still wanted, and says in plain words why not. */
final class CheckedTrustManager extends X509ExtendedTrustManager {
    private final Supplier<X509ExtendedTrustManager> authorities;
    private final Function<X509Certificate, Optional<String>> refusal;

    CheckedTrustManager(
            Supplier<X509ExtendedTrustManager> authorities, Function<X509Certificate, Optional<String>> refusal) {
        this.authorities = authorities;
        this.refusal = refusal;
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, @Nullable SSLEngine engine)
            throws CertificateException {
        check(chain, () -> authorities.get().checkClientTrusted(chain, type, engine));
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, @Nullable SSLEngine engine)
            throws CertificateException {
        check(chain, () -> authorities.get().checkServerTrusted(chain, type, engine));
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, @Nullable Socket socket)
            throws CertificateException {
        check(chain, () -> authorities.get().checkClientTrusted(chain, type, socket));
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, @Nullable Socket socket)
            throws CertificateException {
        check(chain, () -> authorities.get().checkServerTrusted(chain, type, socket));
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
        check(chain, () -> authorities.get().checkClientTrusted(chain, type));
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
        check(chain, () -> authorities.get().checkServerTrusted(chain, type));
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return authorities.get().getAcceptedIssuers();
    }

    private interface Check {
        void run() throws CertificateException;
    }

    private void check(X509Certificate[] chain, Check check) throws CertificateException {
        try {
            check.run();
        } catch (CertificateException e) {
            throw new CertificateException(explain(chain, e), e);
        }
        Optional<String> reason = refusal.apply(chain[0]);
        if (reason.isPresent()) {
            // The cause tells TLS which alert to send.
            throw new CertificateException(
                    reason.get(),
                    new CertPathValidatorException(
                            reason.get(), null, null, -1, CertPathValidatorException.BasicReason.REVOKED));
        }
    }

    private String explain(X509Certificate[] chain, CertificateException problem) {
        X509Certificate own = chain[0];
        for (Throwable cause = problem; cause != null; cause = cause.getCause()) {
            if (cause instanceof CertificateExpiredException) {
                return "certificate of " + name(own) + " expired on "
                        + own.getNotAfter().toInstant();
            }
            if (cause instanceof CertificateNotYetValidException) {
                return "certificate of " + name(own) + " is not valid before "
                        + own.getNotBefore().toInstant();
            }
            if (cause instanceof CertPathValidatorException || cause.getCause() == null) {
                String message = String.valueOf(cause.getMessage());
                if (message.contains("unable to find valid certification path")) {
                    return "certificate of " + name(own) + " was issued by "
                            + chain[chain.length - 1].getIssuerX500Principal().getName()
                            + ", which is none of the authorities that are trusted here";
                }
            }
        }
        return "certificate of " + name(own) + " is refused: " + problem.getMessage();
    }

    static String name(X509Certificate certificate) {
        return "'" + certificate.getSubjectX500Principal().getName() + "'";
    }
}
